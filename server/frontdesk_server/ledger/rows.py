"""Domain values as rows, the values in the order of the tables' columns.

Beside the record as it was encoded for its caller, a row holds what decisions are selected and summed up by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import RowMapping

from frontdesk_server.domain.attempt import Answer, Attempt, AttemptOutcome, Settlement
from frontdesk_server.domain.decision import RoutedQuery, StepKind
from frontdesk_server.domain.ending import status_of
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.record import Outcome, RecordCodec
from frontdesk_server.domain.usage import within_int64
from frontdesk_server.ledger.content import ContentPolicy, messages, plain
from frontdesk_server.ledger.schema import LAST_ATTEMPT, SETTLED, instant, micros

Row = tuple[Any, ...]

_MESSAGE_CHARACTERS = 500
_UNSTATED = RoutingPolicy()
_POLICY_FIELDS = tuple(field.name for field in fields(RoutingPolicy))
_policy_values = attrgetter(*_POLICY_FIELDS)
_NO_ATTEMPT: Row = (None,) * len(LAST_ATTEMPT)

UNSETTLED: Row = (None,) * len(SETTLED)
"""The columns SETTLED of a decision without settlement."""


def decided_row(routed: RoutedQuery, content: ContentPolicy, codec: RecordCodec) -> Row:
    """The columns DECIDED."""
    decision = routed.decision
    text = prompt = None
    if content.store_prompts:
        text = plain(content.redactor.redact(decision.signals.text))
        prompt = _json(messages(routed.query, content.redactor))
    return (
        decision.decision_id,
        micros(decision.decided_at),
        decision.router,
        plain(routed.caller),
        decision.strategy,
        decision.model,
        plain(decision.reason),
        decision.router_duration_seconds,
        _json(routed.labels) if routed.labels else "{}",
        _policy(routed.policy),
        text,
        prompt,
        codec.encode_decision(decision),
        routed.trace_id or None,
    )


def settled_row(
    routed: RoutedQuery,
    settlement: Settlement,
    answer: Answer | None,
    error_reason: str,
    settled_at: datetime,
    content: ContentPolicy,
    codec: RecordCodec,
) -> Row:
    """The columns SETTLED. The duration runs from the start of routing."""
    decision, cost = routed.decision, settlement.cost
    attempts = [_kept(attempt, content) for attempt in settlement.attempts]
    accepted = [attempt.model for attempt in attempts if attempt.outcome is AttemptOutcome.ACCEPTED]
    stored = content.redactor.redact(answer.text) if content.store_prompts and answer is not None else None
    return (
        micros(settled_at),
        status_of(error_reason),
        error_reason,
        settlement.committed,
        accepted[-1] if accepted else "",
        len(attempts),
        sum(attempt.kind is StepKind.ESCALATION for attempt in attempts),
        sum(attempt.kind is StepKind.FALLBACK for attempt in attempts),
        within_int64(cost.total_nano_usd),
        within_int64(cost.saved_nano_usd),
        (settled_at - decision.decided_at).total_seconds() + decision.router_duration_seconds,
        *attempt_figures(attempts),
        None if stored is None else plain(stored),
        codec.encode_account(attempts, cost),
    )


def attempt_figures(attempts: Sequence[Attempt]) -> Row:
    """The columns LAST_ATTEMPT, and the same of the attempts before it as a JSON list."""
    figures = [_figures(attempt) for attempt in attempts]
    return (*(figures[-1] if figures else _NO_ATTEMPT), _json(figures[:-1]) if len(figures) > 1 else None)


def outcome_row(outcome: Outcome) -> dict[str, Any]:
    """A row of table outcomes."""
    return {
        "decision_id": outcome.decision_id,
        "source": outcome.source,
        "quality": outcome.quality,
        "reported_at_us": micros(outcome.reported_at),
        "labels": _json(outcome.labels),
    }


def decode_outcome(row: RowMapping) -> Outcome:
    """Decode a row of table outcomes."""
    return Outcome(
        row["decision_id"],
        row["quality"],
        row["source"],
        instant(row["reported_at_us"]),
        orjson.loads(row["labels"]),
    )


def _kept(attempt: Attempt, content: ContentPolicy) -> Attempt:
    """What the upstream said is left out, as it may quote the query."""
    if not attempt.error_message and not attempt.upstream_message:
        return attempt
    message = plain(content.redactor.redact(attempt.error_message)[:_MESSAGE_CHARACTERS])
    return replace(attempt, error_message=message, upstream_message="")


def _figures(attempt: Attempt) -> Row:
    """The columns LAST_ATTEMPT."""
    usage = attempt.usage
    return (
        attempt.model,
        attempt.outcome.value,
        within_int64(usage.input_tokens),
        within_int64(usage.output_tokens),
        within_int64(usage.cache_read_tokens),
        within_int64(usage.cache_write_tokens),
        within_int64(attempt.cache_saved_nano_usd),
        within_int64(attempt.cost_nano_usd),
        attempt.duration_seconds,
        attempt.time_to_first_token_seconds,
    )


def _policy(policy: RoutingPolicy) -> str:
    """What the caller stated; all else is the router's default."""
    if policy is _UNSTATED:
        return "{}"
    pairs = zip(_POLICY_FIELDS, _policy_values(policy), _policy_values(_UNSTATED), strict=True)
    return _json({name: value for name, value, unstated in pairs if value != unstated})


def _json(value: Mapping[str, Any] | list[Any]) -> str:
    return orjson.dumps(value, default=_sets).decode()


def _sets(value: object) -> list[Any]:
    if isinstance(value, frozenset):
        return sorted(value, key=str)
    raise TypeError(type(value).__name__)
