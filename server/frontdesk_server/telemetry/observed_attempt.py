"""Attempts, and what asks models below a call, as spans, metrics and log lines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind

from frontdesk_server.domain.attempt import Attempt, CheckResult
from frontdesk_server.domain.decision import StepKind
from frontdesk_server.domain.ending import CANCELLED
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.domain.lessons import Refusal
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.query import Query
from frontdesk_server.telemetry import lines, names, spans
from frontdesk_server.telemetry.tracing import Span

if TYPE_CHECKING:
    from frontdesk_server.telemetry.observer import ObservedCall

_ANSWER = "answer"
_FOLLOW_UPS = {StepKind.ESCALATION: names.EVENT_ESCALATION, StepKind.FALLBACK: names.EVENT_FALLBACK}


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
