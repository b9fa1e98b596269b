"""The agreement check compares answers by the same code and kinds as cascades are fitted with."""

from __future__ import annotations

from typing import get_args

import pytest
from frontdesk_server.config.checks import AgreementCheck
from frontdesk_server.domain.asking import Bill
from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.observer import NULL_CALL, AttemptParent
from frontdesk_server.domain.query import GenerationConfig, Query, ReasoningEffort, text_query
from frontdesk_server.execution.checks import CheckContext, build_check
from frontdesk_server.judging.answers import Compare

from tests.records import an_answer

PAIRS: dict[Compare, tuple[str, str, str]] = {
    "auto": ("It is #### 12", "12.0", "13"),
    "number": ("so 12 apples", "12", "so 13 apples"),
    "option": ("(B)", "The answer is B", "C"),
    "json": ('{"a": 1, "b": 2}', '{"b":2,"a":1}', '{"a":1}'),
    "code": ("['a', 1]", '["a",1]', "['a', 2]"),
    "text": ("It is Paris.", "Paris", "London"),
}
"""An answer, one that says the same, and one that does not."""


def test_every_kind_is_covered() -> None:
    assert set(PAIRS) == set(get_args(Compare))


@pytest.mark.parametrize("compare", PAIRS)
@pytest.mark.parametrize("same", [True, False])
async def test_answers_agree_by(compare: Compare, same: bool) -> None:
    first, equal, other = PAIRS[compare]

    async def ask(
        model: str, query: Query, *, purpose: str, timeout_seconds: float, parent: AttemptParent, bill: Bill
    ) -> Answer:
        bill.add(7)
        return an_answer(equal if same else other)

    check = build_check(AgreementCheck(kind="agreement", model="mid", compare=compare, threshold=1), ask)
    async with check.open(CheckContext(text_query("?"), "small", NULL_CALL, lambda: 30.0, Bill())) as judge:
        answer: Answer = an_answer(first)
        (result,) = await judge(answer)
    assert result.passed == same


@pytest.mark.parametrize(
    ("generation", "temperature"),
    [
        (GenerationConfig(), 0.7),
        (GenerationConfig(temperature=0.0), 0.7),
        (GenerationConfig(temperature=0.3), 0.3),
        (GenerationConfig(reasoning_effort=ReasoningEffort.LOW), None),
    ],
)
async def test_samples_differ_by_a_temperature_where_the_model_does_not_reason(
    generation: GenerationConfig, temperature: float | None
) -> None:
    asked: list[Query] = []

    async def ask(
        model: str, query: Query, *, purpose: str, timeout_seconds: float, parent: AttemptParent, bill: Bill
    ) -> Answer:
        asked.append(query)
        return an_answer("4")

    check = build_check(AgreementCheck(kind="agreement"), ask)
    context = CheckContext(text_query("?", generation), "small", NULL_CALL, lambda: 30.0, Bill())
    async with check.open(context) as judge:
        await judge(an_answer("4"))
    assert [query.generation.temperature for query in asked] == [temperature]
