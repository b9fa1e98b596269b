"""The desk: what Frontdesk does for a caller, over domain values. Fronts such as gRPC call it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager

from frontdesk_server.desk.forwarding import FORWARDED, Forwarding
from frontdesk_server.desk.runtime import CurrentRuntime, Runtime
from frontdesk_server.domain.affinity import NO_AFFINITY, Affinity, conversation_keys
from frontdesk_server.domain.attempt import Completion, Settlement
from frontdesk_server.domain.call import Call
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.decision import Decision, RoutedQuery
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.ending import CANCELLED
from frontdesk_server.domain.errors import (
    DeadlineExceeded,
    FrontdeskError,
    NoEligibleModel,
)
from frontdesk_server.domain.events import Completed, CompletionEvent, Started
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.own_keys import own_keys
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.record import DecisionRecord, Ledger, Outcome
from frontdesk_server.execution.admission import Admission
from frontdesk_server.execution.executor import Execution
from frontdesk_server.state.limits import Reservation

Labels = Mapping[str, str]


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
        self._affinity = affinity
        self._runtimes = runtimes
        self.admission = admission
        self._ledger = ledger
        self._clock = clock

    async def route(self, query: Query, policy: RoutingPolicy, call: Call, labels: Labels) -> Decision:
        """Decide and record the decision."""
        with self._runtimes.lease() as runtime:
            routed = await self._routed(runtime, query, policy, call, labels, self.deadline(policy, call))
            await self._ledger.record_decision(routed)
            self._affinity.remember(conversation_keys(routed), routed.decision.model)
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

    async def complete(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Labels
    ) -> tuple[Decision, Completion]:
        """Decide and return the whole answer.

        Raises:
            CompletionFailed: no model answered; carries the settlement.
            Overloaded: too many completions run and wait.
            DeadlineExceeded: the deadline passed before the query was routed.
        """
        deadline = self.deadline(policy, call)
        async with self.admission.admitted(call.caller.name, deadline):
            with self._runtimes.lease() as runtime:
                routed, reservation = await self._reserved(runtime, query, policy, call, labels, deadline)
                with reservation:
                    execution = runtime.executor.start(routed, call, deadline, stream=False, reservation=reservation)
                    async with aclosing(self._recorded(routed, execution, call)) as events:
                        async for event in events:
                            if isinstance(event, Completed) and execution.answer is not None:
                                return routed.decision, Completion(event.model, execution.answer, event.settlement)
        raise RuntimeError("an execution ended without completing or failing")

    async def stream_complete(
        self, query: Query, policy: RoutingPolicy, call: Call, labels: Labels
    ) -> AsyncGenerator[CompletionEvent]:
        """Decide and yield the answer's events: `Started` first, `Completed` last.

        Raises:
            CompletionFailed: no model answered, or the stream broke after commit; carries the settlement.
            Overloaded: too many completions run and wait.
            DeadlineExceeded: the deadline passed before the query was routed.
        """
        deadline = self.deadline(policy, call)
        async with self.admission.admitted(call.caller.name, deadline):
            with self._runtimes.lease() as runtime:
                routed, reservation = await self._reserved(runtime, query, policy, call, labels, deadline)
                with reservation:
                    execution = runtime.executor.start(routed, call, deadline, stream=True, reservation=reservation)
                    async with aclosing(self._recorded(routed, execution, call)) as events:
                        async for event in events:
                            yield event

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
            routed, reservation = await self._reserved(runtime, query, policy, call, marked, deadline)
            with reservation:
                await self._ledger.record_decision(routed)
                forwarding = Forwarding(runtime, routed, call, self._clock, stream=stream)
                try:
                    yield forwarding
                finally:
                    settlement, answer = forwarding.settle(reservation), forwarding.answer
                    if answer is not None:
                        self._affinity.remember(conversation_keys(routed, answer), routed.decision.model)
                    _tell_settled(call, routed, settlement, forwarding.fate)
                    await self._ledger.record_settlement(
                        routed, settlement, answer=answer, error_reason=forwarding.reason
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
        return outcome, await self._ledger.record_outcome(outcome)

    async def decision(self, decision_id: str, call: Call) -> DecisionRecord:
        """Look up a recorded decision with what became of it.

        Raises:
            DecisionNotFound: no such decision of this caller is recorded.
        """
        return await self._ledger.decision(decision_id, call.caller.name)

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
        routed = RoutedQuery(query, policy, decision, call.caller.name, dict(labels))
        observation.ended(routed)
        return routed

    async def _reserved(
        self, runtime: Runtime, query: Query, policy: RoutingPolicy, call: Call, labels: Labels, deadline: float
    ) -> tuple[RoutedQuery, Reservation]:
        """Decide, and reserve what the first step may use. A model without room is excluded, and routing asked again.

        Raises:
            BudgetExhausted: the money of a window has no room for the call.
            RateLimited: the requests or tokens of a window have none.
        """
        refused: set[str] = set()
        while True:
            routed = await self._routed(runtime, query, policy, call, labels, deadline)
            reserved = await runtime.limits.reserve(routed, runtime.pool[routed.decision.model], first=True)
            if isinstance(reserved, Reservation):
                return routed, reserved
            if not reserved.model or reserved.model in refused:
                raise reserved.error
            refused.add(reserved.model)

    async def _recorded(self, routed: RoutedQuery, execution: Execution, call: Call) -> AsyncGenerator[CompletionEvent]:
        """`Started` and the execution's events.

        The decision is in the ledger before the caller knows it, and the settlement, however it ends.
        """
        error: BaseException | None = None
        reason = ""
        await self._ledger.record_decision(routed)
        events = execution.events()
        try:
            yield Started(routed.decision)
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, Completed):
                        self._affinity.remember(conversation_keys(routed, execution.answer), event.model)
                        break
                    yield event
        except BaseException as raised:
            cause = execution.cause(raised)
            error, reason = cause or raised, cause.reason if cause else CANCELLED
            raise
        finally:
            settlement = execution.settlement
            _tell_settled(call, routed, settlement, error)
            await self._ledger.record_settlement(routed, settlement, answer=execution.answer, error_reason=reason)
        yield event


def _tell_settled(call: Call, routed: RoutedQuery, settlement: Settlement, error: BaseException | None) -> None:
    """Tell telemetry, whatever becomes of which the books are kept."""
    try:
        call.observation.settled(routed, settlement, error)
    except Exception as fault:
        report_defect("telemetry", fault, call.observation)
