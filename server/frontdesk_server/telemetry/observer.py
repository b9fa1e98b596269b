"""The observer: one object per call, route and attempt that feeds spans, metrics and log lines together."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.trace import SpanKind

from frontdesk_server.domain.attempt import Attempt, CheckResult, Settlement
from frontdesk_server.domain.decision import RoutedQuery, StepKind
from frontdesk_server.domain.ending import CANCELLED, cause_of
from frontdesk_server.domain.errors import FrontdeskError, UpstreamError
from frontdesk_server.domain.lessons import Refusal
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.query import Query
from frontdesk_server.telemetry import lines, names, spans
from frontdesk_server.telemetry.logging import EventLog
from frontdesk_server.telemetry.metrics import Metrics, completion_status
from frontdesk_server.telemetry.propagation import Inbound, extract, inject
from frontdesk_server.telemetry.tracing import Span, Tracing, new_span_id, new_trace_id

_ANSWER = "answer"
_FOLLOW_UPS = {StepKind.ESCALATION: names.EVENT_ESCALATION, StepKind.FALLBACK: names.EVENT_FALLBACK}


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
        self._account.caller = routed.caller
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


class ObservedAsking:
    """A part of a call below whose span models are asked."""

    __slots__ = ("_call", "_span")

    def __init__(self, call: ObservedCall, span: Span | None) -> None:
        self._call = call
        self._span = span

    def attempt_started(self, model: Model, deployment: Deployment, query: Query, *, purpose: str) -> ObservedAttempt:
        """A model is about to be asked."""
        return ObservedAttempt(self._call, self._span, model, deployment, query, purpose)

    def defect(self, part: str, error_type: str) -> None:
        """An exception that nobody foresaw was caught."""
        self._call.defect(part, error_type)


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


class ObservedCheck(ObservedAsking):
    """The questions of one check, below the attempt whose answer it judges."""

    __slots__ = ()

    def ended(self, result: CheckResult | None) -> None:
        """The check has its verdict; None where it came to none."""
        if self._span is None:
            return
        if result is not None:
            self._span.attributes |= spans.verdict_attributes(result)
        self._span.end(CANCELLED if result is None else "")


class ObservedAttempt:
    """One call of one model. An answer begun while another of the same call still runs is a hedge, and links to it."""

    __slots__ = (
        "_answered_ns",
        "_call",
        "_deployment",
        "_model",
        "_parent",
        "_provider",
        "_purpose",
        "_span",
        "headers",
    )

    def __init__(
        self, call: ObservedCall, parent: Span | None, model: Model, deployment: Deployment, query: Query, purpose: str
    ) -> None:
        self._call = call
        self._parent = parent
        self._model = model
        self._deployment = deployment
        self._purpose = purpose
        self._provider = call.observer.providers.get(deployment.backend, names.OTHER)
        self._span = None
        self._answered_ns: int | None = None
        if parent is not None:
            self._span = parent.child(f"{names.SPAN_CHAT} {model.name}", SpanKind.CLIENT)
            self._span.attributes = spans.request_attributes(model, deployment, self._provider, query, purpose)
            if purpose == _ANSWER:
                for running in call.answering:
                    self._span.link(running)
                call.answering.append(self._span)
        self.headers = call.outbound(self._span)

    def first_token(self) -> None:
        """The first content has come."""
        if self._span is not None:
            self._span.event(names.EVENT_FIRST_TOKEN, {names.MODEL: self._model.name})

    def repeated(self, deployment: Deployment, error: UpstreamError) -> None:
        """The call failed before any content, and is made once more on this deployment."""
        failed, self._deployment = self._deployment, deployment
        self._provider = self._call.observer.providers.get(deployment.backend, names.OTHER)
        if self._span is not None:
            self._span.event(names.EVENT_REPEAT, {names.BACKEND: failed.backend, names.ERROR_TYPE: error.reason})
            self._span.attributes |= spans.deployment_attributes(deployment, self._provider)
        if self._call.observer.log is not None:
            lines.attempt_repeated(self._call.observer.log, self._model, failed, deployment, error, self._span)

    def learned(self, deployment: Deployment, refusal: Refusal) -> None:
        """The deployment's upstream refused something by name that was not known of it."""
        observer = self._call.observer
        if observer.metrics is not None:
            observer.metrics.field_refused(self._model, deployment, refusal)
        if observer.log is not None:
            lines.field_refused(observer.log, self._model, deployment, refusal, self._span)

    def answered(self) -> None:
        """The whole answer has come: its span ends here, however long it is judged."""
        if self._span is not None:
            self._answered_ns = time.time_ns()
            self._runs_no_more(self._span)

    def check_started(self, kind: str) -> ObservedCheck:
        """A check is about to ask a model about the answer."""
        span = None if self._span is None else self._span.child(f"{names.SPAN_CHECK} {kind}")
        return ObservedCheck(self._call, span)

    def ended(self, attempt: Attempt) -> None:
        """The attempt is settled."""
        call, observer, span = self._call, self._call.observer, self._span
        call.attempted(attempt, self._purpose)
        if span is not None and self._parent is not None:
            self._runs_no_more(span)
            if self._purpose == _ANSWER and attempt.kind in _FOLLOW_UPS:
                self._parent.event(
                    _FOLLOW_UPS[attempt.kind],
                    {names.MODEL: self._model.name, names.ATTEMPT_INDEX: attempt.index},
                    at_ns=span.start_ns,
                )
            spans.end_attempt(span, attempt, self._answered_ns)
        if observer.metrics is not None:
            router = call.router
            observer.metrics.attempt_ended(
                attempt, self._model, self._deployment, self._provider, self._purpose, router
            )
        if observer.log is not None:
            lines.attempt_ended(observer.log, attempt, call.decision_id, self._purpose, span)

    def _runs_no_more(self, span: Span) -> None:
        if span in self._call.answering:
            self._call.answering.remove(span)
