"""What the log lines say. Reasons come from strategies and rules; content of queries and answers never."""

from __future__ import annotations

from dataclasses import dataclass, field

from frontdesk_server.domain.attempt import Attempt, Settlement
from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.domain.lessons import Refusal
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.logging import EventLog
from frontdesk_server.telemetry.metrics import reason_class
from frontdesk_server.telemetry.tracing import Span

_PAGES = "GET /console"


def decided(log: EventLog, decision: Decision, caller: str, span: Span | None) -> None:
    """One line per decision."""
    if log.enabled(names.LOG_ROUTE_DECIDED):
        log.write(names.LOG_ROUTE_DECIDED, **_decision(decision, caller), **_ids(span))


def route_failed(log: EventLog, reason: str, span: Span | None) -> None:
    """Routing came to no decision."""
    log.write(names.LOG_ROUTE_FAILED, error_reason=reason, **_ids(span))


def attempt_repeated(
    log: EventLog, model: Model, failed: Deployment, asked: Deployment, error: UpstreamError, span: Span | None
) -> None:
    """One line per call that failed and was repeated, on the same deployment or on another."""
    if log.enabled(names.LOG_ATTEMPT_REPEATED):
        log.write(
            names.LOG_ATTEMPT_REPEATED,
            model=model.name,
            backend=failed.backend,
            upstream_model=failed.upstream_model,
            error_reason=error.reason,
            next_backend=asked.backend,
            next_upstream_model=asked.upstream_model,
            **_ids(span),
        )


def field_refused(log: EventLog, model: Model, deployment: Deployment, refusal: Refusal, span: Span | None) -> None:
    """One line per lesson: what the upstream refused by name, and is not sent again for a while."""
    if log.enabled(names.LOG_FIELD_REFUSED):
        log.write(
            names.LOG_FIELD_REFUSED,
            model=model.name,
            backend=deployment.backend,
            upstream_model=deployment.upstream_model,
            field=str(refusal),
            refused=refusal.how.value,
            **_ids(span),
        )


def attempt_ended(log: EventLog, attempt: Attempt, decision_id: str, purpose: str, span: Span | None) -> None:
    """One line per attempt; an upstream's own message stays out, as it may quote the query."""
    if log.enabled(names.LOG_ATTEMPT_ENDED):
        log.write(names.LOG_ATTEMPT_ENDED, decision_id=decision_id, **_attempt(attempt, purpose), **_ids(span))


def settled(log: EventLog, decision: Decision, settlement: Settlement, status: str, span: Span | None) -> None:
    """One line per completion."""
    if log.enabled(names.LOG_COMPLETION_SETTLED):
        log.write(
            names.LOG_COMPLETION_SETTLED,
            decision_id=decision.decision_id,
            status=status,
            attempts=len(settlement.attempts),
            cost_nano_usd=settlement.cost.total_nano_usd,
            saved_nano_usd=settlement.cost.saved_nano_usd,
            **_ids(span),
        )


@dataclass(slots=True)
class CallAccount:
    """What has become of a call so far, for the one line that says all of it."""

    caller: str = ""
    decisions: list[Decision] = field(default_factory=list)
    attempts: list[tuple[Attempt, str]] = field(default_factory=list)
    """With the purpose of each."""
    settlement: Settlement | None = None
    status: str = ""


def call_ended(
    log: EventLog, method: str, code: str, error_reason: str, seconds: float, account: CallAccount, span: Span | None
) -> None:
    """One line per call: what was decided last, every attempt, how it was settled.

    Calls that failed have an event of their own, and so have pages of the console that were merely looked at.
    """
    if code != "OK":
        event = names.LOG_CALL_FAILED
    else:
        event = names.LOG_PAGE_SHOWN if method.startswith(_PAGES) else names.LOG_CALL_ENDED
    if not log.enabled(event):
        return
    values: dict[str, object] = {"method": method, "code": code, "error_reason": error_reason}
    values["duration_ms"] = _milliseconds(seconds)
    if account.caller:
        values["caller"] = account.caller
    if account.decisions:
        values |= _decision(account.decisions[-1], account.caller)
        if len(account.decisions) > 1:  # a batch, or models that turned out to have no room
            values["decision_ids"] = [decision.decision_id for decision in account.decisions]
    if account.attempts:
        values["attempts"] = [_attempt(attempt, purpose) for attempt, purpose in account.attempts]
    if (settlement := account.settlement) is not None:
        values["status"] = account.status
        values["cost_nano_usd"] = settlement.cost.total_nano_usd
        values["saved_nano_usd"] = settlement.cost.saved_nano_usd
    log.write(event, **values, **_ids(span))


def _decision(decision: Decision, caller: str) -> dict[str, object]:
    return {
        "decision_id": decision.decision_id,
        "caller": caller,
        "router": decision.router,
        "strategy": decision.strategy,
        "model": decision.model,
        "reason": decision.reason,
        "reason_class": reason_class(decision),
        "router_ms": _milliseconds(decision.router_duration_seconds),
    }


def _attempt(attempt: Attempt, purpose: str) -> dict[str, object]:
    return {
        "index": attempt.index,
        "model": attempt.model,
        "purpose": purpose,
        "kind": attempt.kind.value,
        "outcome": attempt.outcome.value,
        "error_reason": attempt.error_reason,
        "retries": attempt.retries,
        "duration_ms": _milliseconds(attempt.duration_seconds),
        "time_to_first_token_ms": _milliseconds(attempt.time_to_first_token_seconds),
        "input_tokens": attempt.usage.input_tokens,
        "output_tokens": attempt.usage.output_tokens,
        "cost_nano_usd": attempt.cost_nano_usd,
        "provider_request_id": attempt.provider_request_id,
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _ids(span: Span | None) -> dict[str, str]:
    if span is None:
        return {}
    return {"trace_id": f"{span.context.trace_id:032x}", "span_id": f"{span.context.span_id:016x}"}
