"""Numbers that are not finite compare as nobody meant: a strategy that meets them has failed, and the next decides."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from frontdesk_server.artefacts.embedders import Matrix
from frontdesk_server.config.checks import LogprobCheck
from frontdesk_server.domain.asking import Bill
from frontdesk_server.domain.decision import Verdict
from frontdesk_server.domain.observer import NULL_CALL
from frontdesk_server.domain.query import text_query
from frontdesk_server.domain.usage import TokenLogprob, TopLogprob
from frontdesk_server.execution.checks import CheckContext, build_check
from frontdesk_server.routing.selection import Prediction
from frontdesk_server.routing.strategies.base import Ranking, conclude
from frontdesk_server.routing.strategies.cascade import Fitted
from frontdesk_server.routing.strategies.model import FixedModel

from tests.conftest import DefectLog
from tests.fitted import a_fitted_cascade, asks
from tests.unit.routing.artefacts import save_artefact
from tests.unit.routing.desk import FakeAsk, FakeEmbedder, a_context, an_answer, engine_of, route

pytestmark = pytest.mark.usefixtures("defects_of_numbers")

ODD = [math.nan, math.inf, -math.inf]


@pytest.fixture
def defects_of_numbers(caught_defects: DefectLog) -> Iterator[None]:
    """Every defect that is caught here is that numbers are not finite."""
    yield
    assert {line["error_type"] for line in caught_defects} <= {"ValueError"}
    caught_defects.clear()


class OddEmbedder(FakeEmbedder):
    """Gives a number that is not finite for the texts that hold a word."""

    def __init__(self, odd: float, word: str) -> None:
        super().__init__()
        self._odd = odd
        self._word = word

    async def embed(self, texts: Sequence[str]) -> Matrix:
        vectors = await super().embed(texts)
        for row, text in enumerate(texts):
            if self._word in text:
                vectors[row, 0] = self._odd
        return vectors


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("word", ["query", "reference"])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
async def test_an_embedding_strategy_does_not_choose_by_similarities_that_are_no_numbers(odd: float, word: str) -> None:
    references = "references: {small: [a reference], frontier: [another one]}, threshold: -1, scoring: nearest"
    engine = engine_of(
        f"routers: {{default: {{default_model: mid, strategy: {{kind: embedding, {references}}}}}}}",
        embedder=OddEmbedder(odd, word),
    )
    decision = await route(engine, "a query")

    assert (decision.model, decision.strategy) == ("mid", "default")
    assert decision.path[0].verdict is Verdict.FAILED
    assert "finite" in decision.path[0].reason


@pytest.mark.parametrize("odd", ODD)
async def test_a_classifier_does_not_choose_by_an_embedding_that_is_no_numbers(odd: float, tmp_path: Path) -> None:
    known = {"small": 0.85, "mid": 0.9, "frontier": 0.95}
    save_artefact(tmp_path / "artefact", known, known)
    strategy = "{kind: classifier, artefact: artefact}"
    engine = engine_of(
        f"routers: {{default: {{default_model: mid, strategy: {strategy}}}}}",
        embedder=OddEmbedder(odd, "query"),
        source=str(tmp_path / "frontdesk.yaml"),
    )
    decision = await route(engine, "a query")

    assert (decision.strategy, decision.path[0].verdict) == ("default", Verdict.FAILED)


async def test_probabilities_that_are_no_numbers_name_no_option() -> None:
    top = (TopLogprob("A", math.nan), TopLogprob("B", math.inf))
    answer = an_answer("A", [TokenLogprob("A", math.nan, top)])
    strategy = "{kind: llm, model: small, constraint: logprobs}"
    engine = engine_of(f"routers: {{default: {{default_model: mid, strategy: {strategy}}}}}", ask=FakeAsk(answer))

    decision = await route(engine, "hi")

    assert (decision.strategy, decision.path[0].verdict) == ("default", Verdict.FAILED)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("statistic", ["mean", "min", "first"])
async def test_an_answer_whose_probabilities_are_no_numbers_does_not_pass(odd: float, statistic: str) -> None:
    check = build_check(
        LogprobCheck.model_validate({"kind": "logprob", "threshold": 0, "statistic": statistic}), FakeAsk("x")
    )
    answer = an_answer("ab", [TokenLogprob("a", -0.1), TokenLogprob("b", odd)])
    async with check.open(CheckContext(text_query("hi"), "small", NULL_CALL, lambda: 1.0, Bill())) as judge:
        (result,) = await judge(answer)

    assert not result.passed
    assert result.score == 0


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("place", ["confidence", "scores", "quality", "uncertainty"])
def test_no_strategy_concludes_anything_from_numbers_that_are_not_finite(odd: float, place: str) -> None:
    ranking = {
        "confidence": Ranking(Verdict.CHOSE, "so", "small", confidence=odd),
        "scores": Ranking(Verdict.CHOSE, "so", "small", scores={"mid": 0.5, "small": odd}),
        "quality": Ranking(Verdict.CHOSE, "so", "small", predictions={"small": Prediction(odd)}),
        "uncertainty": Ranking(Verdict.CHOSE, "so", "small", predictions={"small": Prediction(0.5, odd)}),
    }[place]._replace(restricted_to=frozenset({"small"}))
    context = a_context()
    concluded = conclude(FixedModel("test/model", "small"), context, context.clock.monotonic(), ranking)

    assert (concluded.verdict, concluded.model, concluded.restricted_to) == (Verdict.FAILED, "", frozenset({"small"}))
    assert not concluded.scores
    assert not concluded.predictions
    assert concluded.steps_taken[0].verdict is Verdict.FAILED


@pytest.mark.parametrize("odd", ODD)
async def test_a_fitted_cascade_does_not_plan_by_a_difficulty_that_is_no_number(odd: float) -> None:
    cascade = a_fitted_cascade(asks("small"), asks("mid"))
    broken = replace(cascade, difficulty=replace(cascade.difficulty, mean=odd))
    ranking = await Fitted("test/cascade", broken).rank(a_context("hi"))

    assert ranking.verdict is Verdict.FAILED
    assert not ranking.steps
