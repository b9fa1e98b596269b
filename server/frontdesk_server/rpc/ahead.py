"""Headers that go ahead of a response which is long in coming, for a caller that may give up before it comes."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

import grpc

from frontdesk_server.desk.calls import Headers

_SHARE = 0.5


class Ahead:
    """Sends a unary call's headers once half of its caller's time has passed, while the `async with` block waits.

    Not before: a call whose headers have gone out is not repeated by gRPC, as by another replica when this one stops.
    A caller without a deadline waits for the response, which says the same.
    """

    __slots__ = ("_context", "_sending", "_timer")

    def __init__(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        self._context = context
        self._timer: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None

    def later(self, headers: Headers) -> None:
        """Send these when it is time."""
        seconds = self._context.time_remaining()
        if seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds * _SHARE, self._begin, headers)

    def _begin(self, headers: Headers) -> None:
        self._sending = asyncio.create_task(self._send(headers))

    async def _send(self, headers: Headers) -> None:
        try:
            await self._context.send_initial_metadata(headers)
        except grpc.aio.InternalError:  # the caller is gone, of which gRPC tells the call itself
            return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._sending is not None:  # nothing may overtake it
            await self._sending
