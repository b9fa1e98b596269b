"""A streamed answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import grpc.aio

from frontdesk._fold import Fold, superseded
from frontdesk.errors import FrontdeskError, translated
from frontdesk.events import AttemptEnded, Event, TextDelta, event_of
from frontdesk.v1.router_service_pb2 import CompleteResponse, StreamCompleteRequest, StreamCompleteResponse
from frontdesk.v1.routing_pb2 import Decision

__all__ = ["CompletionStream"]


class CompletionStream:
    """Iterates over the typed events of an answer. Leaving an `async with` block early cancels it.

    Iteration raises `FrontdeskError` when the answer fails or breaks off; what had come by then is `partial`.
    """

    def __init__(
        self, call: grpc.aio.UnaryStreamCall[StreamCompleteRequest, StreamCompleteResponse], *, encrypted: bool = True
    ) -> None:
        self._call = call
        self._encrypted = encrypted
        self._fold = Fold()
        self._read_ahead: deque[Event] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._read_ahead:
            return self._read_ahead.popleft()
        event = await self._read()
        if event is None:
            raise StopAsyncIteration
        return event

    async def text(self) -> AsyncIterator[str]:
        """The answer's text, piece by piece; never that of one answer after another's.

        Raises:
            FrontdeskError: ANSWER_SUPERSEDED, what was shown is to be discarded, for another model takes over. Calling
                `text` again gives its answer. Only routers that stream optimistically do that.
        """
        shown = False
        async for event in self:
            if isinstance(event, TextDelta):
                shown = True
                yield event.text
            elif shown and isinstance(event, AttemptEnded) and event.superseded:
                raise superseded(event)

    async def decision(self) -> Decision:
        """The decision, which is the first thing to come; no event is lost by asking for it."""
        while not self._fold.started and (event := await self._read()) is not None:
            self._read_ahead.append(event)
        return self.partial.decision

    async def completion(self) -> CompleteResponse:
        """The whole answer, as `complete` would have returned it; reads what has not been read yet."""
        async for _ in self:
            pass
        return self.partial

    @property
    def partial(self) -> CompleteResponse:
        """What has come so far."""
        return self._fold.response()

    def cancel(self) -> None:
        """End the answer; the server stops the LLM."""
        self._call.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    async def _read(self) -> Event | None:
        try:
            with translated(encrypted=self._encrypted):
                while isinstance(response := await self._call.read(), StreamCompleteResponse):
                    event = event_of(response)
                    if event is not None:
                        self._take(event)
                        return event
        except asyncio.CancelledError:
            self.cancel()  # gRPC itself lets the call run on when its first read is cancelled before it has begun
            raise
        self._fold.raise_unless_complete()
        return None

    def _take(self, event: Event) -> None:
        try:
            self._fold.add(event)
        except FrontdeskError:
            self.cancel()
            raise
