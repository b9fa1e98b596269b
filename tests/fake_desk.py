"""A desk that answers with what it is given and remembers what it was asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from frontdesk_server.desk.forwarding import Forwarding
from frontdesk_server.domain.attempt import Completion
from frontdesk_server.domain.call import Call
from frontdesk_server.domain.decision import Decision, StepKind
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.domain.events import AttemptStarted, Completed, Emit, Started, TextDelta
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.record import DecisionRecord, Outcome
from frontdesk_server.domain.usage import FinishReason

from tests import full_values as full

HANG = object()
"""In `events`: wait until cancelled."""


def default_events() -> list[Any]:
    """A stream that answers "Hello, world"."""
    return [
        Started(full.DECISION),
        AttemptStarted(0, "code", StepKind.PRIMARY),
        TextDelta("Hello, "),
        TextDelta("world"),
        Completed("code", FinishReason.STOP, full.USAGE, full.SETTLEMENT),
    ]


@dataclass
class FakeDesk:
    """`error` is raised by every unary use case; `events` are pushed, raised or waited for by the stream."""

    error: BaseException | None = None
    events: list[Any] = field(default_factory=default_events)
    hang: bool = False
    asked: list[tuple[Query, RoutingPolicy, Call, Mapping[str, str]]] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def route(self, query: Query, policy: RoutingPolicy, call: Call, labels: Mapping[str, str]) -> Decision:
        self.asked.append((query, policy, call, labels))
        await self._answer()
        return full.DECISION

    async def route_batch(
        self, queries: Sequence[Query], policy: RoutingPolicy, call: Call, labels: Mapping[str, str]
    ) -> list[Decision | FrontdeskError]:
        self.asked += [(query, policy, call, labels) for query in queries]
        if isinstance(self.error, FrontdeskError):
            return [self.error for _ in queries]
        return [full.DECISION for _ in queries]

    async def complete(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Mapping[str, str], emit: Emit | None = None
    ) -> tuple[Decision, Completion]:
        self.asked.append((query, policy, call, labels))
        if emit is not None:
            await emit(Started(full.DECISION))
        await self._answer()
        return full.DECISION, full.COMPLETION

    def forwarding(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Mapping[str, str], *, stream: bool
    ) -> AbstractAsyncContextManager[Forwarding]:
        raise NotImplementedError

    def deadline(self, policy: RoutingPolicy, call: Call) -> float:
        return time.monotonic() + 60 if call.deadline is None else call.deadline

    async def stream_complete(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Mapping[str, str], emit: Emit
    ) -> None:
        self.asked.append((query, policy, call, labels))
        for event in self.events:
            if event is HANG:
                await self._wait()
            elif isinstance(event, BaseException):
                raise event
            else:
                await emit(event)

    async def report_outcome(
        self, decision_id: str, quality: float, source: str, call: Call, labels: Mapping[str, str]
    ) -> tuple[Outcome, bool]:
        await self._answer()
        return Outcome(decision_id, quality, source, full.INSTANT, labels), True

    async def decision(self, decision_id: str, call: Call) -> DecisionRecord:
        await self._answer()
        return full.RECORD

    def models(self, router: str, call: Call) -> list[tuple[Model, bool]]:
        if self.error is not None:
            raise self.error
        return [(full.MODEL, True)]

    async def _answer(self) -> None:
        if self.hang:
            await self._wait()
        if self.error is not None:
            raise self.error

    async def _wait(self) -> None:
        self.entered.set()
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
