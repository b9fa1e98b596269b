"""Timers name what was set and who cut it; what a deadline ended is told alike, whoever notices first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from frontdesk_server.domain.attempt import Attempt, AttemptOutcome
from frontdesk_server.domain.call import LocalCall, has_passed
from frontdesk_server.domain.errors import CompletionFailed
from frontdesk_server.domain.events import Completed, TextDelta
from frontdesk_server.domain.model import Timeouts
from frontdesk_server.execution.execution import Execution
from frontdesk_server.execution.timers import AttemptTimers, Bound
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NO_BOOKS, Script, answer, plan_of, routed
from tests.unit.execution.test_executor import MODELS, Desk, collect
from tests.virtual_time import LoopClock, in_virtual_time

TIMEOUTS = Timeouts(first_token_seconds=2, idle_seconds=1, total_seconds=10)
CALLER = "the caller's deadline"
SLICE = f"its slice of {CALLER}"


def timers(left: float, *, share: float = 1.0, stream: bool = True) -> AttemptTimers:
    deadline = Bound(left, CALLER)
    until = deadline if share == 1.0 else deadline.slice(share)
    return AttemptTimers.of(TIMEOUTS, deadline, until, deadline if stream else until, stream=stream)


@pytest.mark.parametrize(
    ("order", "elapsed", "content", "left", "message"),
    [
        (timers(30), 0, False, 2, "first token timer of 2 s ran out"),
        (timers(30), 1.5, False, 0.5, "first token timer of 2 s ran out"),
        (timers(30), 3, True, 1, "idle timer of 1 s ran out"),
        (timers(30), 9.5, True, 0.5, "total timer of 10 s ran out"),
        (timers(1.5), 1, False, 0.5, f"first token timer of 2 s, cut to 1.5 s by {CALLER}, ran out"),
        (timers(1.5), 1, True, 0.5, f"total timer of 10 s, cut to 1.5 s by {CALLER}, ran out"),
        (
            timers(3, share=0.5),
            1,
            False,
            0.5,
            f"first token timer of 2 s, cut to 1.5 s by {SLICE}, ran out",
        ),
        (timers(3, share=0.5), 2.5, True, 0.5, f"total timer of 10 s, cut to 3 s by {CALLER}, ran out"),
        (timers(30, stream=False), 3, False, 7, "total timer of 10 s ran out"),
        (timers(4, stream=False), 3, False, 1, f"total timer of 10 s, cut to 4 s by {CALLER}, ran out"),
        (
            timers(4, share=0.5, stream=False),
            0,
            False,
            2,
            f"total timer of 10 s, cut to 2 s by {SLICE}, ran out",
        ),
    ],
)
def test_the_timer_that_runs_says_what_was_set_and_who_cut_it(
    order: AttemptTimers, elapsed: float, content: bool, left: float, message: str
) -> None:
    timer, seconds = order.running(elapsed, content_came=content)
    error = timer.ran_out()
    assert (seconds, str(error)) == (left, message)
    assert bool(error.cut_by) is ("cut to" in message)


@given(st.floats(0, 60), st.floats(0.1, 1), st.booleans(), st.floats(0, 60), st.booleans())
def test_no_timer_is_the_models_own_that_ends_before_the_model_had_its_time(
    left: float, share: float, stream: bool, elapsed: float, content: bool
) -> None:
    timer, seconds = timers(left, share=share, stream=stream).running(elapsed, content_came=content)
    own = {"first token": 2, "idle": 1, "total": 10}[timer.name]
    assert timer.set_seconds == own
    assert (timer.seconds < own) is bool(timer.cut_by)
    assert 0 <= seconds <= min(own, max(left, own if timer.name == "idle" else 0))


@pytest.mark.parametrize(
    ("deadline", "now", "passed"), [(None, 1e9, False), (10.0, 9.5, False), (10.0, 9.95, True), (10.0, 11.0, True)]
)
def test_a_deadline_ends_what_ends_in_its_last_moments(deadline: float | None, now: float, passed: bool) -> None:
    assert has_passed(deadline, now) is passed


SILENT: Script = [60.0]
HALF: Script = [TextDelta("half"), 60.0]


def within(desk: Desk, seconds: float, *, stream: bool = True, plan: Sequence[str] = ("small",)) -> Execution:
    deadline = desk.tools.clock.monotonic() + seconds
    return desk.executor.start(routed(plan_of(*plan)), LocalCall(deadline=deadline), deadline, NO_BOOKS, stream=stream)


async def by_our_timer(script: Script, stream: bool) -> Attempt:
    desk = Desk({"small": [script]}, clock=LoopClock())
    execution = within(desk, 0.2, stream=stream)
    with pytest.raises(CompletionFailed) as failure:
        await collect(execution)
    assert failure.value.reason == "DEADLINE_EXCEEDED"
    assert execution.overdue
    assert desk.conditions.state(MODELS["small"]) == "closed"
    return execution.settlement.attempts[0]


async def by_a_cancel(script: Script, stream: bool) -> Attempt:
    """GRPC cancels shortly before our clock has come to the deadline."""
    desk = Desk({"small": [script]}, clock=LoopClock())
    execution = within(desk, 0.2, stream=stream)
    task = asyncio.create_task(collect(execution))
    await asyncio.sleep(0.19)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert execution.overdue
    return execution.settlement.attempts[0]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("script", [SILENT, HALF], ids=["silent", "half an answer"])
@in_virtual_time
async def test_a_deadline_is_told_alike_whether_our_timer_or_the_callers_cancel_comes_first(
    script: Script, stream: bool
) -> None:
    ours, theirs = await by_our_timer(script, stream), await by_a_cancel(script, stream)
    for attempt in (ours, theirs):
        assert (attempt.outcome, attempt.error_reason) == (AttemptOutcome.FAILED, "UPSTREAM_TIMED_OUT")
        assert "cut to 0.2 s by the caller's deadline" in attempt.error_message
    assert ours.error_message == theirs.error_message
    assert ours.usage == theirs.usage


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_however_many_callers_are_in_a_hurry_the_model_stays_available(stream: bool) -> None:
    desk = Desk({"small": [SILENT], "mid": [answer("quick")]}, clock=LoopClock())
    for _ in range(30):
        execution = within(desk, 0.02, stream=stream, plan=("small", "mid"))
        assert isinstance((await collect(execution))[-1], Completed)
        assert "the caller's deadline" in execution.settlement.attempts[0].error_message
    assert desk.conditions.state(MODELS["small"]) == "closed"


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_a_model_that_its_own_timers_end_is_left_alone_after_some_calls(stream: bool) -> None:
    desk = Desk({"small": [SILENT]}, clock=LoopClock())
    impatient = Timeouts(first_token_seconds=0.01, total_seconds=0.01)
    desk.executor = replace(desk.executor, models={"small": replace(MODELS["small"], timeouts=impatient)})
    for _ in range(5):
        with pytest.raises(CompletionFailed, match=r"timer of 0.01 s ran out") as failure:
            await collect(within(desk, 30, stream=stream))
        assert failure.value.reason == "UPSTREAM_TIMED_OUT"
    assert desk.conditions.state(MODELS["small"]) == "open"
