"""What execution pushes, collected or pulled event by event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from frontdesk_server.domain.events import BackendEvent, Batch, CompletionEvent, Emit, Started
from frontdesk_server.execution.execution import Execution


async def all_of(execution: Execution) -> list[CompletionEvent]:
    """Every event after `Started`, which comes first, and once."""
    events: list[CompletionEvent] = []

    async def keep(event: CompletionEvent) -> None:
        events.append(event)

    await execution.run(keep)
    return without_start(events)


def without_start(events: list[CompletionEvent]) -> list[CompletionEvent]:
    """What follows `Started`."""
    first, *rest = events
    assert isinstance(first, Started)
    assert not any(isinstance(event, Started) for event in rest)
    return rest


async def events_of(execution: Execution) -> AsyncGenerator[CompletionEvent]:
    """The events after `Started` one by one; whoever leaves is a caller who leaves."""
    async with aclosing(pulled(execution.run)) as events:
        async for event in events:
            if not isinstance(event, Started):
                yield event


async def pulled(run: Callable[[Emit], Awaitable[object]]) -> AsyncGenerator[CompletionEvent]:
    """What `run` pushes, one event at a time: it goes on when the next one is asked for, and is cancelled when left."""
    loop = asyncio.get_running_loop()
    pushed: asyncio.Future[CompletionEvent] = loop.create_future()
    asked: asyncio.Future[None] = loop.create_future()

    async def emit(event: CompletionEvent) -> None:
        nonlocal asked
        asked = loop.create_future()
        pushed.set_result(event)
        await asked

    running = asyncio.ensure_future(run(emit))
    try:
        while True:
            either: list[asyncio.Future[Any]] = [running, pushed]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not pushed.done():
                break
            event, pushed = pushed.result(), loop.create_future()
            yield event
            asked.set_result(None)
        await running
    finally:
        running.cancel()
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()


async def each(batches: AsyncGenerator[Batch]) -> AsyncGenerator[BackendEvent]:
    """The events of a backend one by one."""
    async with aclosing(batches):
        async for batch in batches:
            assert batch
            for event in batch:
                yield event
