"""What executions hold on their limits, and give back however they end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

import pytest
from frontdesk_server.config.limits import LimitRule, LimitsConfig
from frontdesk_server.config.routers import HedgeConfig
from frontdesk_server.config.service import RetryConfig
from frontdesk_server.domain.attempt import Attempt
from frontdesk_server.domain.decision import PlanStep, RoutedQuery, StepKind, StreamMode
from frontdesk_server.domain.errors import (
    CompletionFailed,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamProtocolError,
    UpstreamTimedOut,
)
from frontdesk_server.domain.events import AttemptEnded, Completed, ReasoningDelta, TextDelta, UsageReport
from frontdesk_server.domain.model import Deployment
from frontdesk_server.domain.query import GenerationConfig, text_query
from frontdesk_server.domain.usage import Usage
from frontdesk_server.state.limits import Limits, MemoryLimitStore

from tests.fakes import Script, Scripts, answer, plan_of, routed
from tests.sink import events_of
from tests.unit.execution.test_executor import CLOCK, MODELS, NO_REPEATS, Desk, collect, sure

QUERY = text_query("hi", GenerationConfig(max_output_tokens=100))


class LimitedDesk(Desk):
    """An executor over scripted models, under one rule."""

    def __init__(self, scripts: Scripts, retry: RetryConfig = NO_REPEATS, **rule: Any) -> None:
        super().__init__(scripts, retry=retry)
        self.store = MemoryLimitStore(CLOCK)
        rules = (LimitRule(name="rule", window="month", **rule),)
        self.executor = replace(self.executor, limits=Limits(LimitsConfig(rules=rules), self.store, CLOCK))

    @property
    def used(self) -> list[int]:
        """What stands on the counters."""
        return list(self.store._counters.values())


def asked(plan: Sequence[PlanStep]) -> RoutedQuery:
    return routed(plan, QUERY)


async def test_an_answer_counts_with_what_it_used() -> None:
    desk = LimitedDesk({"small": [answer("four")]}, requests=9, tokens=1000, usd=1)
    await collect(desk.start(asked(plan_of("small"))))
    assert desk.used == [1, 15, 5 * 200 + 10 * 1000]


async def test_a_failed_attempt_that_nobody_bills_counts_as_a_request_only() -> None:
    desk = LimitedDesk({"small": [[UpstreamFailed("500")]]}, requests=9, tokens=1000)
    with pytest.raises(CompletionFailed):
        await collect(desk.start(asked(plan_of("small"))))
    assert desk.used == [1, 0]


async def test_a_completion_counts_once_however_many_models_it_took() -> None:
    desk = LimitedDesk({"small": [[UpstreamFailed("500")]], "mid": [answer("hello")]}, requests=9)
    await collect(desk.start(asked(plan_of("small", "mid"))))
    assert desk.used == [1]


WORST_TOKENS = 9 + 100
SEALED = ReasoningDelta(redacted_data="x" * 1600)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("script", "billed"),
    [
        ([60.0], Usage(7, 0)),
        ([UsageReport(Usage(11, 1), opening=True), 60.0], Usage(11, 1)),
        ([UsageReport(Usage(11)), TextDelta("12345678"), 60.0], Usage(11, 2)),
        ([UsageReport(Usage(11, 40)), TextDelta("12345678"), 60.0], Usage(11, 40)),
        ([SEALED, 60.0], Usage(7, 100)),
    ],
    ids=["silent", "input counted", "after content", "output counted", "sealed reasoning"],
)
async def test_what_is_left_before_its_end_keeps_what_was_reserved_for_it(
    script: Script, billed: Usage, stream: bool
) -> None:
    """Its provider may write the answer all the same: of a budget for two calls, two are made and no more."""
    desk = LimitedDesk({"small": [script]}, tokens=2 * WORST_TOKENS + 50)
    reached: list[Attempt] = []
    for _ in range(13):
        execution = desk.start(asked(plan_of("small")), stream=stream)
        calls = len(desk.backend.calls)
        waiting = asyncio.create_task(collect(execution))
        while len(desk.backend.calls) == calls and not waiting.done():
            await asyncio.sleep(0)
        for _ in range(9):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        reached += execution.settlement.attempts
    assert len(reached) == len(desk.backend.calls) == 2
    assert desk.used == [2 * WORST_TOKENS]
    if stream:
        assert [attempt.usage for attempt in reached] == [billed] * 2


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "error",
    [UpstreamCut("cut"), UpstreamProtocolError("no JSON"), UpstreamTimedOut("total", 1)],
    ids=lambda e: e.reason,
)
@pytest.mark.parametrize("before", [[], [TextDelta("12345678")]], ids=["nothing came", "some came"])
async def test_a_call_whose_end_was_not_heard_keeps_what_was_reserved_for_it(
    before: list[TextDelta], error: UpstreamError, stream: bool
) -> None:
    desk = LimitedDesk({"small": [[*before, error]]}, tokens=1000)
    with pytest.raises(CompletionFailed):
        await collect(desk.start(asked(plan_of("small")), stream=stream))
    assert desk.used == [WORST_TOKENS]


@pytest.mark.parametrize(
    ("script", "used"),
    [
        ([UpstreamFailed("500")], 0),
        ([TextDelta("12345678"), UpstreamFailed("an error object")], 7 + 2),
        ([UsageReport(Usage(11, 40)), UpstreamFailed("an error beside the answer")], 11 + 40),
        ([UsageReport(Usage(11, 1), opening=True), UpstreamOverloaded("overloaded_error")], 0),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_call_that_its_provider_ended_keeps_nothing_reserved(script: Script, used: int, stream: bool) -> None:
    desk = LimitedDesk({"small": [script]}, tokens=1000)
    with pytest.raises(CompletionFailed):
        await collect(desk.start(asked(plan_of("small")), stream=stream))
    assert desk.used == [used]


async def test_the_one_that_loses_against_its_hedge_keeps_what_was_reserved_for_it() -> None:
    desk = LimitedDesk({"small": [[60.0]], "mid": [answer("quick")]}, tokens=1000)
    hedge = HedgeConfig(after_ms=1, max_cost_nano_usd=10**9)
    desk.executor = replace(desk.executor, hedges={"default": hedge})
    await collect(desk.start(asked(plan_of("small", "mid"))))
    assert desk.used == [WORST_TOKENS + 15]


async def test_what_a_gate_turned_away_keeps_what_was_reserved_for_it() -> None:
    gate = PlanStep("small", StepKind.PRIMARY, check="heuristic", stream_mode=StreamMode.GATE, gate_tokens=1)
    desk = LimitedDesk({"small": [[TextDelta("I do not know."), 60.0]], "mid": [answer("42")]}, tokens=1000)
    await collect(desk.start(asked([gate, PlanStep("mid", StepKind.ESCALATION)])))
    assert desk.used == [WORST_TOKENS + 15]


REPEATING = RetryConfig(max_retries=5, base_ms=0.01, max_ms=0.01)
CUT: Script = [UpstreamCut("cut")]
BUSY: Script = [UpstreamOverloaded("429")]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("calls", "room_for", "made", "used"),
    [
        ([CUT], 1, 1, WORST_TOKENS),
        ([CUT], 3, 3, 3 * WORST_TOKENS),
        ([CUT], 9, 6, 6 * WORST_TOKENS),
        ([CUT, CUT, answer("four")], 3, 3, 2 * WORST_TOKENS + 15),
        ([BUSY], 1, 6, 0),
        ([BUSY, BUSY, answer("four")], 1, 3, 15),
        ([BUSY, CUT, BUSY, answer("four")], 2, 4, WORST_TOKENS + 15),
    ],
)
async def test_a_repeat_is_made_only_where_there_is_room_beside_what_may_be_billed(
    calls: list[Script], room_for: int, made: int, used: int, stream: bool
) -> None:
    desk = LimitedDesk({"small": calls}, retry=REPEATING, tokens=room_for * WORST_TOKENS + 50)
    with suppress(CompletionFailed):
        await collect(desk.start(asked(plan_of("small")), stream=stream))
    assert len(desk.backend.calls) == made
    assert desk.used == [used]


async def test_without_room_for_a_repeat_the_next_model_is_asked() -> None:
    desk = LimitedDesk(
        {"small": [CUT], "mid": [answer("hello")]}, retry=REPEATING, tokens=WORST_TOKENS, models=["small"]
    )
    execution = desk.start(asked(plan_of("small", "mid")))
    await collect(execution)
    assert [attempt.retries for attempt in execution.settlement.attempts] == [0, 0]
    assert execution.settlement.attempts[0].error_reason == "UPSTREAM_CUT"


async def test_another_deployment_is_asked_only_where_there_is_room_beside_what_may_be_billed() -> None:
    desk = LimitedDesk({"small": [CUT], "small-2": [answer("four")]}, tokens=2 * WORST_TOKENS - 1)
    deployments = (Deployment("fake", "small"), Deployment("fake", "small-2"))
    desk.executor = replace(desk.executor, models=MODELS | {"small": replace(MODELS["small"], deployments=deployments)})
    with suppress(CompletionFailed):
        await collect(desk.start(asked(plan_of("small"))))
    assert len(desk.backend.calls) == 1
    assert all(desk.conditions.deployment_state(MODELS["small"], where) == "closed" for where in deployments)


async def test_repeats_are_one_request_of_a_rule_about_models() -> None:
    desk = LimitedDesk({"small": [CUT, answer("four")]}, retry=REPEATING, requests=1, models=["small"])
    await collect(desk.start(asked(plan_of("small"))))
    assert desk.used == [1]


async def test_leaving_while_a_repeat_waits_gives_back_what_it_was_to_use() -> None:
    slowly = RetryConfig(max_retries=5, base_ms=10_000, max_ms=10_000)
    desk = LimitedDesk({"small": [CUT]}, retry=slowly, tokens=1000)
    waiting = asyncio.create_task(collect(desk.start(asked(plan_of("small")))))
    while desk.used != [2 * WORST_TOKENS]:
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert desk.used == [WORST_TOKENS]


async def test_without_room_for_any_step_the_limit_is_the_error() -> None:
    desk = LimitedDesk({"small": [answer("never")]}, tokens=50)
    with pytest.raises(CompletionFailed, match="'rule'") as failure:
        await collect(desk.start(asked(plan_of("small"))))
    assert failure.value.reason == "RATE_LIMITED"
    assert not desk.backend.calls


async def test_the_cost_of_routing_and_checking_counts() -> None:
    plan = asked(plan_of("small"))
    plan = replace(plan, decision=replace(plan.decision, router_cost_nano_usd=77))
    desk = LimitedDesk({"small": [answer("four")]}, usd=1)
    await collect(desk.start(plan))
    assert desk.used == [5 * 200 + 10 * 1000 + 77]


CASCADE = [
    PlanStep("small", StepKind.PRIMARY, check="logprob", stream_mode=StreamMode.HOLD),
    PlanStep("frontier", StepKind.ESCALATION),
]


async def test_where_the_next_model_has_no_room_a_rejected_answer_stands() -> None:
    desk = LimitedDesk({"small": [sure("41", -2.0)], "frontier": [answer("42")]}, usd=0.001, models=["frontier"])
    events = await collect(desk.start(asked(CASCADE)))
    assert isinstance(events[-1], Completed)
    assert events[-1].model == "small"
    assert not any(isinstance(event, AttemptEnded) for event in events)
    assert desk.used == []


async def test_an_escalation_is_reserved_before_the_answer_is_given_up() -> None:
    desk = LimitedDesk({"small": [sure("41", -2.0)], "frontier": [answer("42")]}, usd=1, per=["model"])
    await collect(desk.start(asked(CASCADE)))
    assert desk.used == [5 * 200 + 1 * 1000, 15 * (5 * 200 + 10 * 1000)]


async def test_leaving_between_two_attempts_gives_back_what_the_next_was_to_use() -> None:
    desk = LimitedDesk({"small": [[UpstreamFailed("500")]], "mid": [answer("never")]}, tokens=1000)
    async with aclosing(events_of(desk.start(asked(plan_of("small", "mid"))))) as events:
        async for event in events:
            if isinstance(event, AttemptEnded):
                break
    assert desk.used == [0]
