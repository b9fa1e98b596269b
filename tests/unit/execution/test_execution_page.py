"""docs/execution.md says what the code does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from frontdesk_server.backends.refusals import status_error
from frontdesk_server.config.limits import LimitRule, LimitsConfig
from frontdesk_server.config.loading import parse_config
from frontdesk_server.config.service import RetryConfig
from frontdesk_server.domain.attempt import Attempt, AttemptOutcome
from frontdesk_server.domain.errors import CompletionFailed, UpstreamError, UpstreamResponseTooLong, UpstreamTimedOut
from frontdesk_server.domain.events import Completed, TextDelta
from frontdesk_server.domain.prices import Prices
from frontdesk_server.domain.query import GenerationConfig, text_query
from frontdesk_server.domain.signals import Task
from frontdesk_server.state.limits import Limits, MemoryLimitStore

from tests.fakes import Script, a_model, answer, plan_of, routed
from tests.unit.execution.test_executor import CLOCK, MODELS, Desk, collect

PAGE = (Path(__file__).parents[3] / "docs" / "execution.md").read_text()
OTHER = a_model("other")
ROWS = [
    [cell.strip().strip("`") for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| `UPSTREAM_")
]
BASE: dict[str, Any] = {
    "backends": {"local": {"kind": "simulated"}},
    "models": {"small": {"backend": "local"}, "large": {"backend": "local"}},
    "routers": {"default": {"default_model": "small", "strategy": {"kind": "model", "model": "small"}}},
}


def kinds(parent: type[UpstreamError] = UpstreamError) -> Iterator[type[UpstreamError]]:
    for kind in parent.__subclasses__():
        yield kind
        yield from kinds(kind)


def an_error(reason: str) -> UpstreamError:
    kind = next(kind for kind in kinds() if kind.reason == reason and "reason" in vars(kind))
    if kind is UpstreamTimedOut:
        return UpstreamTimedOut("idle", 1)
    return UpstreamResponseTooLong("the response", 1) if kind is UpstreamResponseTooLong else kind("it went wrong")


def test_the_table_has_a_row_for_every_error() -> None:
    assert sorted(row[0] for row in ROWS) == sorted({kind.reason for kind in kinds()})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
def test_the_statuses_of_a_row_are_that_error(row: list[str]) -> None:
    for status in re.findall(r"\b\d{3}\b", row[1]):
        assert status_error(int(status), {}, b"").reason == row[0]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
async def test_before_content_an_error_leads_to_what_its_row_says(
    row: list[str],
) -> None:
    reason, _, repeated, counts, usage = row
    retry = RetryConfig(max_retries=1, base_ms=0.1, max_ms=1)
    desk = Desk({"small": [[an_error(reason)]], "mid": [answer("hello")]}, retry=retry)
    execution = desk.start(routed(plan_of("small", "mid")))
    events = await collect(execution)
    assert isinstance(events[-1], Completed)
    assert events[-1].model == "mid"
    failed = execution.settlement.attempts[0]
    assert (failed.retries, failed.error_reason) == (int(repeated == "yes"), reason)
    assert failed.usage_estimated is (usage == "estimated")
    assert (failed.cost_nano_usd == 0) is (usage == "none")
    for _ in range(5):
        call = desk.conditions.breaker(OTHER, OTHER.primary).acquire()
        assert call is not None
        call.ended(AttemptOutcome.FAILED, an_error(reason))
    assert (desk.conditions.state(OTHER) == "open") is (counts == "yes")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
async def test_after_commit_every_error_fails_the_call(row: list[str]) -> None:
    desk = Desk({"small": [[TextDelta("par"), an_error(row[0])]], "mid": [answer("never")]})
    with pytest.raises(CompletionFailed) as failure:
        await collect(desk.start(routed(plan_of("small", "mid"))))
    assert failure.value.reason == row[0]
    assert len(desk.backend.calls) == 1


@pytest.mark.parametrize(
    ("stream", "script", "tokens", "nano_usd"),
    [(False, [60.0], (200, 500), 2_200_000), (True, [TextDelta("letters " * 10), 60.0], (200, 20), 280_000)],
    ids=["unary", "stream"],
)
async def test_the_worked_example_is_true(stream: bool, script: Script, tokens: tuple[int, int], nano_usd: int) -> None:
    """Its numbers as the page gives them, and how many such calls its budget lets through."""
    plan = routed(plan_of("small"), text_query("hi", GenerationConfig(max_output_tokens=2000)))
    signals = replace(plan.decision.signals, input_tokens=200, task=Task.CODE, difficulty=0.5)
    plan = replace(plan, decision=replace(plan.decision, signals=signals))
    desk = Desk({"small": [script]})
    store = MemoryLimitStore(CLOCK)
    limits = Limits(LimitsConfig(rules=(LimitRule(name="budget", window="month", usd=0.02),)), store, CLOCK)
    models = {"small": replace(MODELS["small"], prices=Prices(1_000_000_000, 4_000_000_000))}
    desk.executor = replace(desk.executor, models=models, limits=limits)
    attempts: list[Attempt] = []
    for _ in range(3):
        execution = desk.start(plan, stream=stream)
        waiting = asyncio.create_task(collect(execution))
        for _ in range(50):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        attempts += execution.settlement.attempts
    assert [attempt.cost_nano_usd for attempt in attempts] == [nano_usd] * 2
    assert {(attempt.usage.input_tokens, attempt.usage.output_tokens) for attempt in attempts} == {tokens}
    assert list(store._counters.values()) == [2 * 8_250_000]
    assert f"{tokens[0]} + {tokens[1]} tokens" in PAGE
    assert f"{nano_usd / 1e9:.5f}".rstrip("0") in PAGE


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_every_example_is_a_valid_configuration(example: str) -> None:
    config = {key: dict(section) for key, section in BASE.items()}
    for key, section in yaml.safe_load(example).items():
        config[key] = {**config.get(key, {}), **section}
    parse_config(yaml.safe_dump(config), "docs/execution.md", {})
