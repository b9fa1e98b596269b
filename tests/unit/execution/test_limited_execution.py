"""What executions hold on their limits, and give back however they end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from frontdesk_server.config.limits import LimitRule, LimitsConfig
from frontdesk_server.domain.decision import PlanStep, RoutedQuery, StepKind, StreamMode
from frontdesk_server.domain.errors import CompletionFailed, UpstreamCut, UpstreamError, UpstreamFailed
from frontdesk_server.domain.events import AttemptEnded, Completed, TextDelta, UsageReport
from frontdesk_server.domain.query import GenerationConfig, text_query
from frontdesk_server.domain.usage import Usage
from frontdesk_server.state.limits import Limits, MemoryLimitStore

from tests.fakes import Script, answer, plan_of, routed
from tests.unit.execution.test_executor import CLOCK, Desk, collect, sure

QUERY = text_query("hi", GenerationConfig(max_output_tokens=100))


class LimitedDesk(Desk):
    """An executor over scripted models, under one rule."""

    def __init__(self, scripts: Mapping[str, Sequence[Script]], **rule: Any) -> None:
        super().__init__(scripts)
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


async def test_a_cancelled_stream_counts_with_what_it_had_used() -> None:
    desk = LimitedDesk({"small": [[UsageReport(Usage(input_tokens=11)), TextDelta("12345678"), 60.0]]}, tokens=1000)
    async with aclosing(desk.start(asked(plan_of("small"))).events()) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    assert desk.used == [13]


async def test_a_unary_call_that_is_left_keeps_what_was_reserved_for_it() -> None:
    """Its provider writes the answer all the same: of a budget for two calls, two are made and no more."""
    worst_tokens = 9 + 100
    desk = LimitedDesk({"small": [[60.0]]}, tokens=2 * worst_tokens + 50)
    reached = []
    for _ in range(13):
        execution = desk.start(asked(plan_of("small")), stream=False)
        waiting = asyncio.create_task(collect(execution))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
        reached += execution.settlement.attempts
    assert len(reached) == len(desk.backend.calls) == 2
    assert all(attempt.usage.output_tokens and attempt.usage_estimated for attempt in reached)
    assert desk.used == [2 * worst_tokens]


@pytest.mark.parametrize("error", [UpstreamFailed("500"), UpstreamCut("cut")])
async def test_a_unary_call_whose_provider_ended_it_keeps_nothing_reserved(error: UpstreamError) -> None:
    desk = LimitedDesk({"small": [[error]]}, tokens=1000)
    with pytest.raises(CompletionFailed):
        await collect(desk.start(asked(plan_of("small")), stream=False))
    (used,) = desk.used
    assert used < 9 + 100


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
    async with aclosing(desk.start(asked(plan_of("small", "mid"))).events()) as events:
        async for event in events:
            if isinstance(event, AttemptEnded):
                break
    assert desk.used == [0]
