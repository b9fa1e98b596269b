"""How faces ask the desk: the one place that knows how it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol

from frontdesk_server.domain.attempt import Completion
from frontdesk_server.domain.call import Call
from frontdesk_server.domain.decision import Decision, StreamMode
from frontdesk_server.domain.events import (
    AttemptEnded,
    AttemptStarted,
    Completed,
    CompletionEvent,
    Delta,
    Emit,
    Started,
)
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query


class Desk(Protocol):
    """The use cases that faces need; errors come as `FrontdeskError`."""

    def complete(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Mapping[str, str]
    ) -> Awaitable[tuple[Decision, Completion]]:
        """Decide and answer; raises CompletionFailed."""

    def stream_complete(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Mapping[str, str], emit: Emit
    ) -> Awaitable[object]:
        """Decide and push the answer's events; raises CompletionFailed."""

    def deadline(self, policy: RoutingPolicy, call: Call) -> float:
        """The instant, of the clock's monotonic time, at which a completion that arrives now must have ended."""

    def models(self, router: str, call: Call) -> list[tuple[Model, bool]]:
        """The models the caller may use, each with whether it is available; all routers' when `router` is empty."""


class Answering(Protocol):
    """Where a streamed answer goes: the deltas of one model alone, between a beginning and an end."""

    async def begin(self, decision: Decision, model: str) -> None:
        """A model begins to answer."""

    async def delta(self, delta: Delta) -> None:
        """A piece of its answer."""

    async def complete(self, decision: Decision, completed: Completed) -> None:
        """The answer is whole."""


async def stream(
    desk: Desk, query: Query, policy: RoutingPolicy, call: Call, labels: Mapping[str, str], answering: Answering
) -> None:
    """Ask, and hand the answer on as it comes; raises what the desk raises."""
    await desk.stream_complete(query, policy, call, labels, _OneAnswer(answering).take)


class _OneAnswer:
    """Makes one model's answer of an execution's events.

    These dialects cannot take back what they have said: where the plan would show answers that may yet be replaced
    (`optimistic`), each is held until it stands.
    """

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._decision: Decision | None = None
        self._model = ""
        self._begun = False
        self._holds = False
        self._held: list[Delta] = []

    async def take(self, event: CompletionEvent) -> None:
        """Take one event."""
        if isinstance(event, Started):
            self._decision = event.decision
            self._holds = any(step.stream_mode is StreamMode.OPTIMISTIC for step in event.decision.plan)
        elif isinstance(event, AttemptStarted):
            self._model = self._model or event.model
        elif isinstance(event, AttemptEnded):
            self._held.clear()
            self._model = event.next_model
        elif isinstance(event, Completed):
            await self._finish(event)
        elif self._holds:
            self._held.append(event)
        else:
            await self._show(event)

    async def _show(self, delta: Delta) -> None:
        if not self._begun:
            await self._begin()
        await self._answering.delta(delta)

    async def _begin(self) -> None:
        assert self._decision is not None  # noqa: S101 - Started comes first
        self._begun = True
        await self._answering.begin(self._decision, self._model)

    async def _finish(self, completed: Completed) -> None:
        assert self._decision is not None  # noqa: S101
        if not self._begun:
            self._model = completed.model
            await self._begin()
        for delta in self._held:
            await self._answering.delta(delta)
        await self._answering.complete(self._decision, completed)
