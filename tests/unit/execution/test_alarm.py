"""One timer serves all waits of a task, and ends only the one that takes too long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest
from frontdesk_server.execution.alarm import Alarm

from tests.virtual_time import in_virtual_time


async def waited(alarm: Alarm, seconds: float, waiting: Awaitable[object]) -> str:
    """What became of a wait that may take so many seconds."""
    alarm.set(seconds)
    try:
        await waiting
    except asyncio.CancelledError:
        if not alarm.unset():
            raise
        return "too long"
    alarm.unset()
    return "in time"


@pytest.mark.parametrize(
    ("waits", "ends"),
    [
        ([(1, 0.9)], ["in time"]),
        ([(1, 1.1)], ["too long"]),
        ([(1, 0.9), (1, 0.9), (1, 1.1)], ["in time", "in time", "too long"]),
        ([(5, 0.1), (1, 1.1)], ["in time", "too long"]),
        ([(1, 0.1), (5, 4.9), (5, 5.1)], ["in time", "in time", "too long"]),
        ([(1, 1.1), (1, 0.9), (1, 1.1)], ["too long", "in time", "too long"]),
    ],
    ids=["in time", "late", "late at last", "a shorter one", "a longer one", "again"],
)
@in_virtual_time
async def test_a_wait_that_takes_too_long_is_ended(waits: list[tuple[float, float]], ends: list[str]) -> None:
    alarm, loop = Alarm(), asyncio.get_running_loop()
    for (seconds, takes), end in zip(waits, ends, strict=True):
        began = loop.time()
        assert await waited(alarm, seconds, asyncio.sleep(takes)) == end
        assert loop.time() - began == pytest.approx(min(seconds, takes))
    alarm.close()


@in_virtual_time
async def test_between_waits_time_does_not_count() -> None:
    alarm = Alarm()
    assert await waited(alarm, 1, asyncio.sleep(0.5)) == "in time"
    await asyncio.sleep(10)
    assert await waited(alarm, 1, asyncio.sleep(0.9)) == "in time"
    alarm.close()


@in_virtual_time
async def test_a_cancellation_by_others_is_none_of_its_own_even_in_the_same_moment() -> None:
    async def waits() -> str:
        alarm = Alarm()
        try:
            return await waited(alarm, 1, asyncio.sleep(60))
        finally:
            alarm.close()

    for seconds in (0.5, 1.0):
        task = asyncio.create_task(waits())
        asyncio.get_running_loop().call_later(seconds, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task


@in_virtual_time
async def test_however_many_waits_there_are_one_timer_is_set() -> None:
    loop, set_timers = asyncio.get_running_loop(), 0
    call_at = loop.call_at

    def counted(*arguments: object, **named: object) -> asyncio.TimerHandle:
        nonlocal set_timers
        set_timers += 1
        return call_at(*arguments, **named)  # type: ignore[arg-type]

    alarm = Alarm()
    loop.call_at = counted  # type: ignore[method-assign]
    for _ in range(100):
        assert await waited(alarm, 30, asyncio.sleep(0)) == "in time"
    alarm.close()
    assert set_timers == 1
