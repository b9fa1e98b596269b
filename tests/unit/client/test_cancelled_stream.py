"""A reader that is cancelled ends the call, whenever that happens."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from frontdesk import CompletionStream


class NeverBegun:
    """A gRPC call whose first read is cancelled while the request is still being sent."""

    cancelled = False

    async def read(self) -> None:
        await asyncio.Event().wait()

    def cancel(self) -> bool:
        self.cancelled = True
        return True


async def test_a_cancelled_reader_ends_the_call() -> None:
    call = NeverBegun()
    reading = asyncio.ensure_future(anext(CompletionStream(cast("Any", call))))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert call.cancelled
