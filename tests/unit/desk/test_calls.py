"""Which calls are running, as the fronts that stop ask for it."""

from __future__ import annotations

import asyncio

from frontdesk_server.desk.calls import RunningCalls
from frontdesk_server.domain.call import Caller

from tests.recorder import Recorder


async def test_calls_that_come_while_the_end_is_awaited_are_waited_for() -> None:
    calls = RunningCalls()
    stopping = asyncio.create_task(calls.quiet(0))
    await asyncio.sleep(0)  # it is idle now, and looks once more whether it stays so
    late = calls.begin("Route", {})
    for _ in range(5):
        await asyncio.sleep(0)
    assert not stopping.done()
    late.leave()
    await asyncio.wait_for(stopping, 5)


async def test_nobody_waits_for_calls_where_none_come() -> None:
    await asyncio.wait_for(RunningCalls().quiet(0), 5)


async def test_who_calls_is_told_before_anything_refuses_the_call() -> None:
    recorder = Recorder()
    calls = RunningCalls(observer=recorder, identify=lambda metadata, peer: Caller("somebody"))
    calls.begin("frontdesk.v1.RouterService/Route", {}).open(tuple, None)
    assert recorder.callers == ["somebody"]
