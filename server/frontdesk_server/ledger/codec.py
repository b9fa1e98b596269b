"""Domain values as rows and back."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from frontdesk_server.domain.attempt import Adjustment, Answer, Attempt, AttemptOutcome, CheckResult, Settlement
from frontdesk_server.domain.decision import Candidate, Decision, PlanStep, RoutedQuery, StepKind, StrategyStep
from frontdesk_server.domain.ending import CANCELLED
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import (
    ContentPart,
    MediaPart,
    ProviderPart,
    Query,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolResult,
)
from frontdesk_server.domain.record import Outcome
from frontdesk_server.domain.signals import Signals
from frontdesk_server.domain.usage import Cost, FinishReason, Usage, within_int64
from frontdesk_server.ledger.redaction import BLANK, Redactor
from frontdesk_server.ledger.schema import ATTEMPTS

Row = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MESSAGE_CHARACTERS = 500
_FURTHER_USAGE = tuple(field.name for field in fields(Usage) if field.name not in ATTEMPTS.c and field.type != "str")
"""Counts without a column of their own."""
_UNSTATED = RoutingPolicy()
_POLICY_FIELDS = tuple(field.name for field in fields(RoutingPolicy))


@dataclass(frozen=True, slots=True)
class Keeping:
    """What of a query's and an answer's content is stored."""

    redactor: Redactor
    store_prompts: bool = False

    def nothing(self) -> Keeping:
        """What is left when the redactor fails."""
        return Keeping(_Blank())


class _Blank:
    def redact(self, text: str) -> str:
        return BLANK if text else ""


def micros(instant: datetime) -> int:
    """Whole microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(micros_since_1970: int) -> datetime:
    """The inverse of `micros`."""
    return _EPOCH + timedelta(microseconds=micros_since_1970)


def decision_row(routed: RoutedQuery, keeping: Keeping) -> Row:
    """Encode for table decisions."""
    decision = routed.decision
    return {
        "decision_id": decision.decision_id,
        "decided_at_us": micros(decision.decided_at),
        "caller": _plain(routed.caller),
        "labels": _json(routed.labels),
        "router": decision.router,
        "router_version": decision.router_version,
        "strategy": decision.strategy,
        "model": decision.model,
        "reason": _plain(decision.reason),
        "strongest_model": decision.strongest_model,
        "propensity": decision.propensity,
        "explored": decision.explored,
        "router_duration_seconds": decision.router_duration_seconds,
        "router_cost_nano_usd": within_int64(decision.router_cost_nano_usd),
        "task": decision.signals.task.value,
        "policy": _json(_stated(routed.policy)),
        "signals": _json(_signals(decision.signals, keeping)),
        "path": _json([_strategy_step(step) for step in decision.path]),
        "candidates": _json([_candidate(candidate) for candidate in decision.candidates]),
        "plan": _json([_plan_step(step) for step in decision.plan]),
        "prompt": _json(_messages(routed.query, keeping.redactor)) if keeping.store_prompts else None,
    }


def decode_decision(row: RowMapping) -> Decision:
    """Decode a row of table decisions."""
    return Decision(
        decision_id=row["decision_id"],
        model=row["model"],
        reason=row["reason"],
        strategy=row["strategy"],
        path=_adapter(tuple[StrategyStep, ...]).validate_json(row["path"]),
        candidates=_adapter(tuple[Candidate, ...]).validate_json(row["candidates"]),
        plan=_adapter(tuple[PlanStep, ...]).validate_json(row["plan"]),
        signals=_adapter(Signals).validate_json(row["signals"]),
        router=row["router"],
        router_version=row["router_version"],
        strongest_model=row["strongest_model"],
        decided_at=instant(row["decided_at_us"]),
        router_duration_seconds=row["router_duration_seconds"],
        router_cost_nano_usd=row["router_cost_nano_usd"],
        propensity=row["propensity"],
        explored=row["explored"],
    )


def settlement_row(
    routed: RoutedQuery,
    settlement: Settlement,
    answer: Answer | None,
    error_reason: str,
    settled_at: datetime,
    keeping: Keeping,
) -> Row:
    """Encode for table settlements. The duration runs from the start of routing."""
    decision, attempts, cost = routed.decision, settlement.attempts, settlement.cost
    accepted = [attempt.model for attempt in attempts if attempt.outcome is AttemptOutcome.ACCEPTED]
    stored = keeping.redactor.redact(answer.text) if keeping.store_prompts and answer is not None else None
    return {
        "decision_id": decision.decision_id,
        "settled_at_us": micros(settled_at),
        "status": "completed" if not error_reason else "cancelled" if error_reason == CANCELLED else "failed",
        "error_reason": error_reason,
        "committed": settlement.committed,
        "model": accepted[-1] if accepted else "",
        "attempts": len(attempts),
        "escalations": sum(attempt.kind is StepKind.ESCALATION for attempt in attempts),
        "fallbacks": sum(attempt.kind is StepKind.FALLBACK for attempt in attempts),
        "attempts_nano_usd": within_int64(cost.attempts_nano_usd),
        "checks_nano_usd": within_int64(cost.checks_nano_usd),
        "router_nano_usd": within_int64(cost.router_nano_usd),
        "strongest_nano_usd": within_int64(cost.strongest_nano_usd),
        "total_nano_usd": within_int64(cost.total_nano_usd),
        "saved_nano_usd": within_int64(cost.saved_nano_usd),
        "duration_seconds": (settled_at - decision.decided_at).total_seconds() + decision.router_duration_seconds,
        "answer": None if stored is None else _plain(stored),
    }


def attempt_row(decision_id: str, attempt: Attempt, keeping: Keeping) -> Row:
    """Encode for table attempts; what the upstream said is left out, as it may quote the query."""
    usage = attempt.usage
    return {
        "decision_id": decision_id,
        "attempt_index": attempt.index,
        "model": attempt.model,
        "kind": attempt.kind.value,
        "outcome": attempt.outcome.value,
        "backend": attempt.backend,
        "upstream_model": _plain(attempt.upstream_model),
        "finish_reason": None if attempt.finish_reason is None else attempt.finish_reason.value,
        "error_reason": attempt.error_reason,
        "error_message": _plain(keeping.redactor.redact(attempt.error_message)[:_MESSAGE_CHARACTERS]),
        "retries": attempt.retries,
        "input_tokens": within_int64(usage.input_tokens),
        "output_tokens": within_int64(usage.output_tokens),
        "cache_read_tokens": within_int64(usage.cache_read_tokens),
        "cache_write_tokens": within_int64(usage.cache_write_tokens),
        "reasoning_tokens": within_int64(usage.reasoning_tokens),
        "usage_estimated": attempt.usage_estimated,
        "cost_nano_usd": within_int64(attempt.cost_nano_usd),
        "duration_seconds": attempt.duration_seconds,
        "time_to_first_token_seconds": attempt.time_to_first_token_seconds,
        "checks": _json(attempt.checks),
        "adjustments": _json(attempt.adjustments) if attempt.adjustments else "[]",
        "provider_request_id": _plain(attempt.provider_request_id),
        "provider_cost_nano_usd": attempt.provider_cost_nano_usd,
        "further_usage": _json(further) if (further := _further(usage)) else "{}",
        "cache_saved_nano_usd": within_int64(attempt.cache_saved_nano_usd),
    }


def decode_settlement(row: RowMapping, attempts: Sequence[RowMapping]) -> Settlement:
    """Decode a row of table settlements and its rows of table attempts, in order."""
    cost = Cost(row["attempts_nano_usd"], row["checks_nano_usd"], row["router_nano_usd"], row["strongest_nano_usd"])
    return Settlement(tuple(map(_decode_attempt, attempts)), cost, row["committed"])


def outcome_row(outcome: Outcome) -> Row:
    """Encode for table outcomes."""
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


def _decode_attempt(row: RowMapping) -> Attempt:
    return Attempt(
        index=row["attempt_index"],
        model=row["model"],
        kind=StepKind(row["kind"]),
        outcome=AttemptOutcome(row["outcome"]),
        backend=row["backend"],
        usage=Usage(
            row["input_tokens"],
            row["output_tokens"],
            row["cache_read_tokens"],
            row["cache_write_tokens"],
            row["reasoning_tokens"],
            **orjson.loads(row["further_usage"]),
        ),
        cost_nano_usd=row["cost_nano_usd"],
        duration_seconds=row["duration_seconds"],
        time_to_first_token_seconds=row["time_to_first_token_seconds"],
        error_reason=row["error_reason"],
        error_message=row["error_message"],
        checks=_adapter(tuple[CheckResult, ...]).validate_json(row["checks"]),
        retries=row["retries"],
        upstream_model=row["upstream_model"],
        finish_reason=None if row["finish_reason"] is None else FinishReason(row["finish_reason"]),
        usage_estimated=row["usage_estimated"],
        adjustments=_adapter(tuple[Adjustment, ...]).validate_json(row["adjustments"]),
        provider_request_id=row["provider_request_id"],
        provider_cost_nano_usd=row["provider_cost_nano_usd"],
        cache_saved_nano_usd=row["cache_saved_nano_usd"],
    )


def _further(usage: Usage) -> dict[str, int | str | None]:
    """What an answer used beyond the classes that have columns."""
    counts: dict[str, int | str | None] = {
        name: within_int64(count) for name in _FURTHER_USAGE if (count := getattr(usage, name)) is not None
    }
    return {**counts, "service_tier": _plain(usage.service_tier)} if usage.service_tier else counts


# Dictionaries written out: orjson takes three times as long for slotted dataclasses, and most decisions pass here.


def _signals(signals: Signals, keeping: Keeping) -> dict[str, object]:
    return {
        "text": keeping.redactor.redact(signals.text) if keeping.store_prompts else "",
        "text_characters": signals.text_characters,
        "task": signals.task.value,
        "difficulty": signals.difficulty,
        "input_tokens": signals.input_tokens,
        "code": signals.code,
        "math": signals.math,
        "language": signals.language,
        "turns": signals.turns,
        "tools": signals.tools,
        "media": signals.media,
        "in_tool_loop": signals.in_tool_loop,
        "difficulty_cues": signals.difficulty_cues,
    }


def _strategy_step(step: StrategyStep) -> dict[str, object]:
    return {
        "path": step.path,
        "strategy": step.strategy,
        "verdict": step.verdict.value,
        "reason": step.reason,
        "duration_seconds": step.duration_seconds,
        "model": step.model,
        "confidence": step.confidence,
        "cost_nano_usd": step.cost_nano_usd,
    }


def _candidate(candidate: Candidate) -> dict[str, object]:
    return {
        "model": candidate.model,
        "predicted_quality": candidate.predicted_quality,
        "quality_uncertainty": candidate.quality_uncertainty,
        "predicted_cost_nano_usd": candidate.predicted_cost_nano_usd,
        "predicted_time_to_first_token_seconds": candidate.predicted_time_to_first_token_seconds,
        "score": candidate.score,
        "exclusion": candidate.exclusion,
    }


def _plan_step(step: PlanStep) -> dict[str, object]:
    return {
        "model": step.model,
        "kind": step.kind.value,
        "check": step.check,
        "stream_mode": step.stream_mode and step.stream_mode.value,
        "gate_tokens": step.gate_tokens,
    }


def _stated(policy: RoutingPolicy) -> dict[str, object]:
    """What the caller stated; all else is the router's default."""
    return {name: value for name in _POLICY_FIELDS if (value := getattr(policy, name)) != getattr(_UNSTATED, name)}


def _messages(query: Query, redactor: Redactor) -> list[dict[str, Any]]:
    return [
        {"role": message.role.value, "parts": [_part(part, redactor) for part in message.parts]}
        for message in query.messages
    ]


def _part(part: ContentPart, redactor: Redactor) -> dict[str, str]:
    match part:
        case TextPart(text):
            return {"text": redactor.redact(text)}
        case ReasoningPart(text):
            return {"reasoning": redactor.redact(text)}
        case ToolCall(_, name, arguments):
            return {"tool_call": name, "arguments_json": redactor.redact(arguments)}
        case ToolResult():
            return {"tool_result": redactor.redact(part.text)}
        case MediaPart(mime_type):
            return {"media": mime_type}
        case ProviderPart(block):
            return {"provider_block": block.dialect}


def _plain(text: str) -> str:
    """What both databases take: PostgreSQL's text holds no NUL, and neither driver half a surrogate pair."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _json(value: object) -> str:
    return orjson.dumps(value, default=_sets).decode()


def _sets(value: object) -> list[Any]:
    if isinstance(value, frozenset):
        return sorted(value, key=str)
    raise TypeError(type(value).__name__)


@functools.cache
def _adapter(form: Any) -> TypeAdapter[Any]:
    return TypeAdapter(form)
