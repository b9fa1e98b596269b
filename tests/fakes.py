"""Fakes that several tests share: a clock, a scripted backend, builders of common values."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import UTC, datetime

from frontdesk_server.domain.affinity import NO_AFFINITY
from frontdesk_server.domain.attempt import Answer, Settlement
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.decision import Decision, PlanStep, RoutedQuery, StepKind
from frontdesk_server.domain.errors import DecisionNotFound
from frontdesk_server.domain.events import BackendEvent, Batch, Finished, TextDelta
from frontdesk_server.domain.model import Capability, Deployment, Model
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.prices import Prices
from frontdesk_server.domain.query import Query, text_query
from frontdesk_server.domain.record import DecisionRecord, Outcome
from frontdesk_server.domain.signals import Signals, Task
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.execution.books import Books


class NoLedger:
    """Keeps nothing."""

    async def record_decision(self, routed: RoutedQuery) -> None:
        pass

    async def record_settlement(
        self, routed: RoutedQuery, settlement: Settlement, *, answer: Answer | None, error_reason: str
    ) -> None:
        pass

    async def record_outcome(self, outcome: Outcome) -> bool:
        raise AssertionError("no outcome was expected")

    async def decision(self, decision_id: str, caller: str) -> DecisionRecord:
        raise DecisionNotFound(decision_id)


NO_BOOKS = Books(NoLedger(), NO_AFFINITY)
"""For executions whose account the test looks at itself."""

Script = Sequence[BackendEvent | BaseException | float]
"""What a fake model does, in order: yield an event, raise an error, or hang for so many seconds."""

Scripts = Mapping[str, Sequence[Script]]
"""What a fake backend does at each call of a model, by the model's name."""


class FakeClock:
    """Time that tests move."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


class FakeBackend:
    """Plays scripts: per upstream model the script of each call, the last one for all further calls.

    `batch_size` is how many events every network read brings, if they follow each other at once.
    """

    name = "fake"
    provider = "fake"
    capabilities = frozenset(Capability)

    def __init__(self, scripts: Scripts, batch_size: int = 1) -> None:
        self.batch_size = batch_size
        self._scripts = {model: list(calls) for model, calls in scripts.items()}
        self.calls: list[BackendCall] = []
        self.aborted: list[str] = []

    async def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        self.calls.append(call)
        scripts = self._scripts[call.upstream_model]
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        batch: list[BackendEvent] = []
        finished = False
        try:
            for step in script:
                if batch and (len(batch) == self.batch_size or isinstance(step, float | BaseException)):
                    yield batch
                    batch = []
                if isinstance(step, float):
                    await asyncio.sleep(step)
                elif isinstance(step, BaseException):
                    finished = True
                    raise step
                else:
                    finished = isinstance(step, Finished)
                    batch.append(step)
            if batch:
                yield batch
            finished = True
        finally:
            if not finished:
                self.aborted.append(call.upstream_model)

    async def aclose(self) -> None:
        pass


def answer(text: str, *, output_tokens: int = 10) -> Script:
    """A script that answers well."""
    return [TextDelta(text), Finished(FinishReason.STOP, Usage(input_tokens=5, output_tokens=output_tokens))]


def a_model(name: str, *, output_usd: int = 1, make: Callable[..., Model] = Model) -> Model:
    """A model served by the fake backend at so many USD per million output tokens, a fifth of it for input."""
    nano = output_usd * 1_000_000_000
    return make(
        name=name,
        deployments=(Deployment("fake", name),),
        context_window=8192,
        prices=Prices(nano // 5, nano),
        capabilities=frozenset(Capability),
    )


def a_decision(plan: Sequence[PlanStep], *, strongest: str = "frontier") -> Decision:
    """A decision that carries this plan."""
    return Decision(
        decision_id="01J00000000000000000000000",
        model=plan[0].model,
        reason="because",
        strategy="rules",
        path=(),
        candidates=(),
        plan=tuple(plan),
        signals=Signals(text="hi", task=Task.CHAT, difficulty=0.1, input_tokens=7),
        router="default",
        router_version="0" * 12,
        strongest_model=strongest,
        decided_at=datetime(2026, 1, 1, tzinfo=UTC),
        router_duration_seconds=0.0,
    )


def routed(plan: Sequence[PlanStep], query: Query | None = None) -> RoutedQuery:
    """A routed query that carries this plan."""
    return RoutedQuery(query or text_query("hi"), RoutingPolicy(), a_decision(plan))


def plan_of(*models: str) -> list[PlanStep]:
    """A first choice and its fallbacks."""
    return [PlanStep(m, StepKind.FALLBACK if i else StepKind.PRIMARY) for i, m in enumerate(models)]
