"""The observer: one object per call, route and attempt that feeds spans, metrics and log lines together.

What calls models, be it to answer or to ask them something, is observed by `observed_attempt`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from frontdesk_server.domain.attempt import Attempt, Settlement
from frontdesk_server.domain.decision import RoutedQuery
from frontdesk_server.domain.ending import CANCELLED, cause_of
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.query import Query
from frontdesk_server.telemetry import lines, names, spans
from frontdesk_server.telemetry.logging import EventLog
from frontdesk_server.telemetry.metrics import Metrics, completion_status
from frontdesk_server.telemetry.observed_attempt import ObservedAsking, ObservedAttempt
from frontdesk_server.telemetry.propagation import Inbound, extract, inject
from frontdesk_server.telemetry.tracing import Span, Tracing, new_span_id, new_trace_id


@dataclass(frozen=True, slots=True)
class TelemetryObserver:
    """Implements `domain.observer.Observer`; each of the three sinks may be absent.

    `providers` maps backends to their providers' names in the GenAI conventions. Server spans carry `span_labels`.
    """

    tracing: Tracing | None = None
    metrics: Metrics | None = None
    log: EventLog | None = None
    providers: Mapping[str, str] = field(default_factory=dict)
    propagators: frozenset[str] = frozenset({"tracecontext", "baggage"})
    span_labels: tuple[str, ...] = ()

    def call_started(self, method: str, metadata: Mapping[str, str]) -> ObservedCall:
        """A call has arrived."""
        inbound = extract(metadata, self.propagators)
        span = None if self.tracing is None else self.tracing.server_span(method, inbound)
        if span is not None:
            span.attributes = _served(method)
        if self.metrics is not None:
            self.metrics.call_started()
        return ObservedCall(self, method, inbound, span)


def _served(method: str) -> dict[str, Any]:
    """What a server's span says of how it was reached: by an RPC, or by an HTTP method and a path."""
    verb, space, route = method.partition(" ")
    if not space:
        return {names.RPC_SYSTEM_NAME: names.GRPC, names.RPC_METHOD: method}
    return {names.HTTP_REQUEST_METHOD: verb, names.HTTP_ROUTE: route}


class ObservedCall:
    """One call. `router` and `decision_id` are those of its latest decision, for what hangs on it later."""

    __slots__ = (
        "_account",
        "_inbound",
        "_method",
        "_started",
        "_trace_id",
        "answering",
        "decision_id",
        "observer",
        "router",
        "span",
    )

    def __init__(self, observer: TelemetryObserver, method: str, inbound: Inbound, span: Span | None) -> None:
        self._method = method
        self._inbound = inbound
        self._started = time.perf_counter()
        self._trace_id = 0
        self._account = lines.CallAccount()
        self.observer = observer
        self.span = span
        self.router = ""
        self.decision_id = ""
        self.answering: list[Span] = []

    @property
    def trace_id(self) -> str:
        """That of its span, recorded or not, or of its caller; empty where there is neither."""
        trace_id = self.span.context.trace_id if self.span is not None else self._inbound.trace_id or self._trace_id
        return f"{trace_id:032x}" if trace_id else ""

    def route_started(self) -> ObservedRoute:
        """Routing begins."""
        return ObservedRoute(self, None if self.span is None else self.span.child(names.SPAN_ROUTE))

    def attempt_started(self, model: Model, deployment: Deployment, query: Query, *, purpose: str) -> ObservedAttempt:
        """A model is about to be called."""
        return ObservedAttempt(self, self.span, model, deployment, query, purpose)

    def defect(self, part: str, error_type: str) -> None:
        """An exception that nobody foresaw was caught."""
        if self.observer.metrics is not None:
            self.observer.metrics.defect(part, error_type)

    def settled(self, routed: RoutedQuery, settlement: Settlement, error: BaseException | None) -> None:
        """A completion has ended."""
        status = completion_status(error)
        if self.span is not None:
            spans.describe_settlement(self.span, settlement)
        if self.observer.metrics is not None:
            self.observer.metrics.settled(routed.decision.router, settlement, status)
        self._account.settlement, self._account.status = settlement, status
        if self.observer.log is not None:
            lines.settled(self.observer.log, routed.decision, settlement, status, self.span)

    def identified(self, caller: str) -> None:
        """It is known who calls."""
        self._account.caller = caller

    def ended(self, code: str, error: FrontdeskError | None) -> None:
        """The call is over."""
        seconds = time.perf_counter() - self._started
        reason = "" if code == "OK" else code if error is None else error.reason
        if self.span is not None:
            self.span.attributes[names.RPC_STATUS_CODE] = code
            self.span.end(reason, failed=code in spans.SERVER_FAULTS)
        if self.observer.metrics is not None:
            self.observer.metrics.call_ended(self._method, code, seconds)
        if self.observer.log is not None:
            lines.call_ended(self.observer.log, self._method, code, reason, seconds, self._account, self.span)

    def decided(self, routed: RoutedQuery) -> None:
        """Routing has decided; not always for the last time."""
        decision = routed.decision
        self.router, self.decision_id = decision.router, decision.decision_id
        self._account.decisions.append(decision)
        if self.span is not None:
            spans.describe_routed(self.span, routed, self.observer.span_labels)

    def attempted(self, attempt: Attempt, purpose: str) -> None:
        """An attempt is settled."""
        self._account.attempts.append((attempt, purpose))

    def outbound(self, span: Span | None) -> Mapping[str, str]:
        """Headers for a request below `span`; without one they carry on what came in."""
        propagators = self.observer.propagators
        if span is not None:
            return inject(span.context.trace_id, span.context.span_id, True, self._inbound, propagators)
        if self._inbound.trace_id:
            # Not recording leaves the caller's flag alone; having decided against it does not.
            sampled = self._inbound.sampled and self.observer.tracing is None
            return inject(self._inbound.trace_id, self._inbound.span_id, sampled, self._inbound, propagators)
        if self.observer.tracing is not None and not self._trace_id:
            self._trace_id = new_trace_id()
        return inject(self._trace_id, new_span_id(), False, self._inbound, propagators)


class ObservedRoute(ObservedAsking):
    """Routing of one query, which may ask router LLMs."""

    __slots__ = ()

    def ended(self, routed: RoutedQuery | None, error: BaseException | None = None) -> None:
        """Routing has decided, or failed."""
        observer, span = self._call.observer, self._span
        if routed is None:
            cause = None if error is None else cause_of(error)
            reason = CANCELLED if cause is None else cause.reason
            if span is not None:
                span.end(reason)
            if observer.log is not None:
                lines.route_failed(observer.log, reason, span)
            return
        decision = routed.decision
        self._call.decided(routed)
        if span is not None:
            spans.describe_decision(span, decision)
            span.end()
        if observer.metrics is not None:
            observer.metrics.decided(decision)
        if observer.log is not None:
            lines.decided(observer.log, decision, routed.caller, span)
