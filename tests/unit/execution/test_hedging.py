"""Hedging: the first model to show content answers, the other one is aborted and paid for what it did."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Literal

import pytest
from frontdesk_server.config.routers import HedgeConfig
from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.decision import PlanStep, StepKind, StreamMode
from frontdesk_server.domain.errors import CompletionFailed, UpstreamFailed
from frontdesk_server.domain.events import AttemptEnded, AttemptStarted, Completed, CompletionEvent, TextDelta
from frontdesk_server.execution.execution import Execution

from tests.fakes import Script, Scripts, answer, plan_of, routed
from tests.sink import events_of
from tests.unit.execution.test_executor import MODELS, Desk, collect

SLOW: Script = [0.05, *answer("slow")]
HANGS: Script = [60.0]
GENEROUS = 1_000_000_000


class HedgingDesk(Desk):
    """An executor over scripted models whose router hedges."""

    def __init__(
        self,
        scripts: Scripts,
        after_ms: float | Literal["p95"] = 10,
        max_cost_nano_usd: int = GENEROUS,
    ) -> None:
        super().__init__(scripts)
        hedge = HedgeConfig(after_ms=after_ms, max_cost_nano_usd=max_cost_nano_usd)
        self.executor = replace(self.executor, hedges={"default": hedge})


def told(events: Sequence[CompletionEvent]) -> list[str]:
    """The events in short."""
    short = []
    for event in events:
        match event:
            case AttemptStarted(index, model):
                short.append(f"start {index} {model}")
            case AttemptEnded(attempt, next_model):
                short.append(f"{attempt.outcome.value} {attempt.index} → {next_model}")
            case TextDelta(text):
                short.append(text)
            case Completed(model):
                short.append(f"done {model}")
    return short


async def test_a_model_that_is_quick_is_not_hedged() -> None:
    desk = HedgingDesk({"small": [answer("quick")], "mid": [answer("never")]}, after_ms=5000)
    assert told(await collect(desk.start(routed(plan_of("small", "mid"))))) == ["start 0 small", "quick", "done small"]


async def test_a_slow_model_is_overtaken_and_aborted_and_settled() -> None:
    desk = HedgingDesk({"small": [HANGS], "mid": [answer("quick")]})
    execution = desk.start(routed(plan_of("small", "mid")))
    events = await collect(execution)
    assert told(events) == ["start 0 small", "start 1 mid", "cancelled 0 → mid", "quick", "done mid"]
    assert desk.backend.aborted == ["small"]
    loser, winner = execution.settlement.attempts
    assert (loser.outcome, winner.outcome) == (AttemptOutcome.CANCELLED, AttemptOutcome.ACCEPTED)
    assert (loser.usage.input_tokens, loser.usage_estimated) == (7, True)
    assert execution.settlement.cost.total_nano_usd == 7 * 200 + 3 * (5 * 200 + 10 * 1000)


async def test_a_hedge_that_is_slower_still_loses() -> None:
    desk = HedgingDesk({"small": [SLOW], "mid": [HANGS]})
    execution = desk.start(routed(plan_of("small", "mid")))
    assert told(await collect(execution)) == [
        "start 0 small", "start 1 mid", "cancelled 1 → small", "slow", "done small",
    ]  # fmt: skip
    assert [attempt.index for attempt in execution.settlement.attempts] == [0, 1]
    assert desk.backend.aborted == ["mid"]


async def test_the_first_failing_while_both_run_leaves_the_hedge() -> None:
    desk = HedgingDesk({"small": [[0.02, UpstreamFailed("500")]], "mid": [[0.1, *answer("late")]]})
    events = await collect(desk.start(routed(plan_of("small", "mid"))))
    assert told(events) == ["start 0 small", "start 1 mid", "failed 0 → mid", "late", "done mid"]


async def test_a_failing_hedge_leaves_the_first() -> None:
    desk = HedgingDesk({"small": [SLOW], "mid": [[UpstreamFailed("500")]]})
    events = await collect(desk.start(routed(plan_of("small", "mid"))))
    assert told(events) == ["start 0 small", "start 1 mid", "failed 1 → small", "slow", "done small"]


async def test_when_both_fail_the_step_after_both_answers() -> None:
    failing: Script = [0.02, UpstreamFailed("500")]
    desk = HedgingDesk({"small": [failing], "mid": [failing], "frontier": [answer("last")]})
    execution = desk.start(routed(plan_of("small", "mid", "frontier")))
    events = await collect(execution)
    assert told(events)[-3:] == ["start 2 frontier", "last", "done frontier"]
    assert [attempt.model for attempt in execution.settlement.attempts] == ["small", "mid", "frontier"]


async def test_when_both_fail_and_none_is_left_the_account_holds_both() -> None:
    failing: Script = [0.02, UpstreamFailed("500")]
    desk = HedgingDesk({"small": [failing], "mid": [failing]})
    with pytest.raises(CompletionFailed) as failure:
        await collect(desk.start(routed(plan_of("small", "mid"))))
    assert [attempt.outcome for attempt in failure.value.settlement.attempts] == [AttemptOutcome.FAILED] * 2


async def not_hedged(desk: Desk, execution: Execution) -> None:
    assert told(await collect(execution)) == ["start 0 small", "slow", "done small"]
    assert len(desk.backend.calls) == 1


async def test_a_hedge_that_may_cost_too_much_is_not_asked() -> None:
    desk = HedgingDesk({"small": [SLOW], "mid": [answer("never")]}, max_cost_nano_usd=1000)
    await not_hedged(desk, desk.start(routed(plan_of("small", "mid"))))


async def test_a_hedge_of_unknown_price_is_not_asked() -> None:
    desk = HedgingDesk({"small": [SLOW], "mid": [answer("never")]})
    desk.executor = replace(desk.executor, models=MODELS | {"mid": replace(MODELS["mid"], prices=None)})
    await not_hedged(desk, desk.start(routed(plan_of("small", "mid"))))


async def test_an_answer_that_must_pass_a_check_is_not_hedged() -> None:
    desk = HedgingDesk({"small": [SLOW], "mid": [answer("never")]})
    first = PlanStep("small", StepKind.PRIMARY, check="heuristic", stream_mode=StreamMode.HOLD)
    await not_hedged(desk, desk.start(routed([first, *plan_of("mid")])))


async def test_a_unary_answer_shows_no_first_token_and_is_not_hedged() -> None:
    desk = HedgingDesk({"small": [SLOW], "mid": [answer("never")]})
    await not_hedged(desk, desk.start(routed(plan_of("small", "mid")), stream=False))


async def test_before_latency_has_been_observed_p95_hedges_nothing() -> None:
    desk = HedgingDesk({"small": [SLOW], "mid": [answer("never")]}, after_ms="p95")
    await not_hedged(desk, desk.start(routed(plan_of("small", "mid"))))


async def test_what_19_of_20_streams_kept_is_the_time_to_wait() -> None:
    desk = HedgingDesk({"small": [HANGS], "mid": [answer("quick")]}, after_ms="p95")
    for milliseconds in range(1, 21):
        desk.conditions.observe(MODELS["small"], milliseconds / 1000)
    assert desk.conditions.slow_first_token_seconds("small") == 0.02
    assert told(await collect(desk.start(routed(plan_of("small", "mid")))))[-1] == "done mid"


@pytest.mark.parametrize("by_task", [True, False], ids=["task cancelled", "stream left"])
async def test_a_caller_who_leaves_while_both_run_aborts_both(by_task: bool) -> None:
    desk = HedgingDesk({"small": [HANGS], "mid": [HANGS]})
    execution = desk.start(routed(plan_of("small", "mid")))
    both = asyncio.Event()

    async def listen() -> None:
        async with aclosing(events_of(execution)) as events:
            async for event in events:
                if isinstance(event, AttemptStarted) and event.index == 1:
                    both.set()
                    if not by_task:
                        return

    listening = asyncio.create_task(listen())
    await both.wait()
    while by_task and len(desk.backend.calls) < 2:
        await asyncio.sleep(0)
    if by_task:
        listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert [attempt.outcome for attempt in execution.settlement.attempts] == [AttemptOutcome.CANCELLED] * 2
    assert sorted(desk.backend.aborted) == sorted(call.upstream_model for call in desk.backend.calls)
    assert asyncio.all_tasks() == {asyncio.current_task()}
