"""The desk: what Frontdesk does for a caller, over domain values. Fronts such as gRPC call it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from frontdesk_server.desk.forwarding import FORWARDED, Forwarding
from frontdesk_server.desk.runtime import CurrentRuntime, Runtime
from frontdesk_server.domain.affinity import NO_AFFINITY, Affinity, conversation_keys
from frontdesk_server.domain.attempt import Completion
from frontdesk_server.domain.call import Call
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.decision import Decision, RoutedQuery
from frontdesk_server.domain.errors import (
    DeadlineExceeded,
    FrontdeskError,
    NoEligibleModel,
)
from frontdesk_server.domain.events import CompletionEvent, Emit
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.own_keys import own_keys
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.record import DecisionRecord, Ledger, Outcome
from frontdesk_server.execution.admission import Admission
from frontdesk_server.execution.books import Books
from frontdesk_server.execution.execution import Execution
from frontdesk_server.state.limits import Refusal, Reservation

Labels = Mapping[str, str]

Held = TypeVar("Held")
"""What holds the room of a call."""


class Desk:
    """Routes, completes, reports, looks up. Every call works on the runtime that was current when it came in."""

    def __init__(
        self,
        runtimes: CurrentRuntime,
        admission: Admission,
        ledger: Ledger,
        clock: Clock,
        affinity: Affinity = NO_AFFINITY,
    ) -> None:
        self._books = Books(ledger, affinity)
        self._runtimes = runtimes
        self.admission = admission
        self._clock = clock

    async def route(self, query: Query, policy: RoutingPolicy, call: Call, labels: Labels) -> Decision:
        """Decide and record the decision."""
        with self._runtimes.lease() as runtime:
            routed = await self._routed(runtime, query, policy, call, labels, self.deadline(policy, call))
            await self._books.ledger.record_decision(routed)
            self._books.affinity.remember(conversation_keys(routed), routed.decision.model)
            return routed.decision

    async def route_batch(
        self, queries: Sequence[Query], policy: RoutingPolicy, call: Call, labels: Labels
    ) -> list[Decision | FrontdeskError]:
        """Decide for many queries; a query that cannot be routed yields its error in its place."""
        results: list[Decision | FrontdeskError] = []
        for query in queries:
            await asyncio.sleep(0)  # a long batch leaves the others their turn
            try:
                results.append(await self.route(query, policy, call, labels))
            except FrontdeskError as error:
                results.append(error)
        return results

    def complete(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Labels, emit: Emit | None = None
    ) -> Awaitable[tuple[Decision, Completion]]:
        """Decide and return the whole answer; `emit` is told what happens meanwhile, `Started` first.

        Raises:
            CompletionFailed: no model answered; carries the settlement.
            Overloaded: too many completions run and wait.
            DeadlineExceeded: the deadline passed before the query was routed.
        """
        return self._executed(query, policy, call, labels, emit or _drop, stream=False)

    def stream_complete(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Labels, emit: Emit
    ) -> Awaitable[tuple[Decision, Completion]]:
        """Decide and push the answer's events to `emit`: `Started` first, `Completed` last.

        Raises:
            CompletionFailed: no model answered, or the stream broke after commit; carries the settlement.
            Overloaded: too many completions run and wait.
            DeadlineExceeded: the deadline passed before the query was routed.
        """
        return self._executed(query, policy, call, labels, emit, stream=True)

    @asynccontextmanager
    async def forwarding(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Labels, *, stream: bool
    ) -> AsyncIterator[Forwarding]:
        """Decide for a query that a gateway forwards; it is settled on leaving, with what was heard of its answer.

        Raises:
            BudgetExhausted: the money of a window has no room for the call.
            RateLimited: the requests or tokens of a window have none.
        """
        deadline = self.deadline(policy, call)
        marked = {**labels, FORWARDED[0]: FORWARDED[1]}
        with self._runtimes.lease() as runtime:

            async def reserve(routed: RoutedQuery) -> Reservation | Refusal:
                return await runtime.limits.reserve(routed, runtime.pool[routed.decision.model], first=True)

            routed, reservation = await self._with_room(runtime, query, policy, call, marked, deadline, reserve)
            with reservation:
                await self._books.ledger.record_decision(routed)
                forwarding = Forwarding(runtime, routed, call, self._clock, stream=stream)
                try:
                    yield forwarding
                finally:
                    settlement, answer = forwarding.settle(reservation)
                    await self._books.settled(
                        routed,
                        settlement,
                        call.observation,
                        model=routed.decision.model,
                        answer=answer,
                        error=forwarding.fate,
                        reason=forwarding.reason,
                    )

    def deadline(self, policy: RoutingPolicy, call: Call) -> float:
        """The instant, of the clock's monotonic time, at which a completion that arrives now must have ended.

        It is the caller's deadline, and at most the router's timeout from now on.

        Raises:
            UnknownRouter: a router is named that does not exist.
            PermissionDenied: the caller may not use that router.
        """
        with self._runtimes.lease() as runtime:
            router = runtime.engine.router(policy.router, call.caller)
        own = self._clock.monotonic() + router.config.timeout_seconds
        return own if call.deadline is None else min(own, call.deadline)

    async def report_outcome(
        self, decision_id: str, quality: float, source: str, call: Call, labels: Labels
    ) -> tuple[Outcome, bool]:
        """Record how good an answer was; True when it replaced an earlier report of the same source.

        Raises:
            DecisionNotFound: no such decision of this caller is recorded.
        """
        await self.decision(decision_id, call)
        outcome = Outcome(decision_id, quality, source, self._clock.now(), labels)
        return outcome, await self._books.ledger.record_outcome(outcome)

    async def decision(self, decision_id: str, call: Call) -> DecisionRecord:
        """Look up a recorded decision with what became of it.

        Raises:
            DecisionNotFound: no such decision of this caller is recorded.
        """
        return await self._books.ledger.decision(decision_id, call.caller.name)

    def models(self, router: str, call: Call) -> list[tuple[Model, bool]]:
        """The models which the caller may use, by name, at the prices from now on.

        Each with whether one of its deployments may be called.

        Raises:
            UnknownRouter: a router is named that does not exist.
            PermissionDenied: the caller may not use that router.
        """
        with self._runtimes.lease() as runtime:
            caller = call.caller
            routers = {router} if router else caller.routers & runtime.loaded.config.routers.keys()
            reachable = {name for one in routers for name in runtime.engine.router_models(one, caller)}
            names = reachable if router or caller.routers else runtime.pool
            models = [runtime.pool[name] for name in sorted(filter(caller.may_use_model, names))]
            now = self._clock.now()
            return [(model.onward(now), runtime.conditions.is_available(model)) for model in models]

    async def _routed(
        self, runtime: Runtime, query: Query, policy: RoutingPolicy, call: Call, labels: Labels, deadline: float
    ) -> RoutedQuery:
        """Decide for a completion that must have ended at `deadline`."""
        if call.deadline is not None and call.deadline <= self._clock.monotonic():
            raise DeadlineExceeded("the deadline had passed when the call arrived")
        own_keys(call)  # before anything is decided for a caller that may not bring them
        observation = call.observation.route_started()
        try:
            decision = await runtime.engine.route(
                query, policy, caller=call.caller, deadline=deadline, observation=observation
            )
        except BaseException as error:
            observation.ended(None, error)
            over_limit = error.over_limit if isinstance(error, NoEligibleModel) else ()
            if (refusal := runtime.limits.refusal(over_limit, call.caller.name)) is not None:
                raise refusal.error from error
            raise
        routed = RoutedQuery(query, policy, decision, call.caller.name, dict(labels), call.observation.trace_id)
        observation.ended(routed)
        return routed

    async def _executed(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Labels, emit: Emit, *, stream: bool
    ) -> tuple[Decision, Completion]:
        deadline = self.deadline(policy, call)
        async with self.admission.admitted(call.caller.name, deadline):
            with self._runtimes.lease() as runtime:

                async def reserve(routed: RoutedQuery) -> Execution | Refusal:
                    execution = runtime.executor.start(routed, call, deadline, self._books, stream=stream)
                    return await execution.reserve() or execution

                routed, execution = await self._with_room(runtime, query, policy, call, labels, deadline, reserve)
                return routed.decision, await execution.run(emit)

    async def _with_room(
        self,
        runtime: Runtime,
        query: Query,
        policy: RoutingPolicy,
        call: Call,
        labels: Labels,
        deadline: float,
        reserve: Callable[[RoutedQuery], Awaitable[Held | Refusal]],
    ) -> tuple[RoutedQuery, Held]:
        """Decide, and `reserve` what the decision needs. A model without room is excluded, and routing asked again.

        Raises:
            BudgetExhausted: the money of a window has no room for the call.
            RateLimited: the requests or tokens of a window have none.
        """
        refused: set[str] = set()
        while True:
            routed = await self._routed(runtime, query, policy, call, labels, deadline)
            held = await reserve(routed)
            if not isinstance(held, Refusal):
                return routed, held
            if not held.model or held.model in refused:
                raise held.error
            refused.add(held.model)


async def _drop(event: CompletionEvent) -> None:
    """The sink of a caller who waits for the whole answer."""
