"""Decisions and settlements as the bytes that callers get, and back from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from frontdesk.v1 import chat_pb2, router_service_pb2, routing_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from frontdesk_server.domain.attempt import Adjustment, Attempt, CheckResult, Settlement
from frontdesk_server.domain.decision import Candidate, Decision, Exclusion, PlanStep, StrategyStep
from frontdesk_server.domain.signals import Signals
from frontdesk_server.domain.usage import Cost, Usage
from frontdesk_server.rpc.encode import encode_attempt, encode_cost, encode_decision
from frontdesk_server.rpc.enums import (
    ATTEMPT_OUTCOME_OF,
    EXCLUSION_REASON_OF,
    FINISH_REASON_OF,
    STEP_KIND_OF,
    STREAM_MODE_OF,
    TASK_OF,
    VERDICT_OF,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTS = tuple(field.name for field in chat_pb2.Usage.DESCRIPTOR.fields if field.cpp_type != field.CPPTYPE_STRING)
_COSTS = ("attempts_nano_usd", "checks_nano_usd", "router_nano_usd", "strongest_nano_usd")

_ATTEMPTS = router_service_pb2.GetDecisionResponse.ATTEMPTS_FIELD_NUMBER
_LENGTH_DELIMITED = 2


class ContractCodec:
    """Implements `domain.record.RecordCodec` by the contract's messages."""

    def encode_decision(self, decision: Decision) -> bytes:
        """A `Decision`."""
        if decision.encoded.data is None:
            encode_decision(decision)  # which keeps its bytes
        return decision.encoded.data or b""

    def decode_decision(self, data: bytes, text: str) -> Decision:
        """The inverse, with the text that was kept apart."""
        decision = _decision(routing_pb2.Decision.FromString(data), text)
        decision.encoded.data = data
        return decision

    def encode_account(self, attempts: Sequence[Attempt], cost: Cost) -> bytes:
        """The fields of a `GetDecisionResponse` that tell of attempts and cost."""
        account = router_service_pb2.GetDecisionResponse(cost=encode_cost(cost)).SerializeToString()
        return b"".join((*(_within(_ATTEMPTS, _attempt_bytes(attempt)) for attempt in attempts), account))

    def decode_account(self, data: bytes, *, committed: bool) -> Settlement:
        """The inverse."""
        message = router_service_pb2.GetDecisionResponse.FromString(data)
        cost = Cost(*(_known(message.cost, name) for name in _COSTS))
        return Settlement(tuple(map(_attempt, message.attempts)), cost, committed)


def _attempt_bytes(attempt: Attempt) -> bytes:
    return attempt.encoded.data or encode_attempt(attempt).SerializeToString()


def _within(field_number: int, data: bytes) -> bytes:
    """An encoded message as a field of another (protobuf.dev/programming-guides/encoding)."""
    head = [field_number << 3 | _LENGTH_DELIMITED]
    length = len(data)
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes((*head, length)) + data


def _decision(message: routing_pb2.Decision, text: str) -> Decision:
    return Decision(
        decision_id=message.decision_id,
        model=message.model,
        reason=message.reason,
        strategy=message.strategy,
        path=tuple(map(_strategy_step, message.path)),
        candidates=tuple(map(_candidate, message.candidates)),
        plan=tuple(map(_plan_step, message.plan)),
        signals=_signals(message.signals, text),
        router=message.router,
        router_version=message.router_version,
        strongest_model=message.strongest_model,
        decided_at=_instant(message.decided_at),
        router_duration_seconds=_seconds(message.router_duration),
        router_cost_nano_usd=_known(message, "router_cost_nano_usd"),
        propensity=message.propensity,
        explored=message.explored,
    )


def _strategy_step(message: routing_pb2.StrategyStep) -> StrategyStep:
    return StrategyStep(
        path=message.path,
        strategy=message.strategy,
        verdict=VERDICT_OF[message.verdict],
        reason=message.reason,
        duration_seconds=_seconds(message.duration),
        model=message.model,
        confidence=message.confidence if message.HasField("confidence") else None,
        cost_nano_usd=_known(message, "cost_nano_usd"),
    )


def _candidate(message: routing_pb2.Candidate) -> Candidate:
    has, first = message.HasField, message.predicted_time_to_first_token
    return Candidate(
        model=message.model,
        predicted_quality=message.predicted_quality if has("predicted_quality") else None,
        quality_uncertainty=message.quality_uncertainty if has("quality_uncertainty") else None,
        predicted_cost_nano_usd=_known(message, "predicted_cost_nano_usd"),
        predicted_time_to_first_token_seconds=_seconds(first) if has("predicted_time_to_first_token") else None,
        score=message.score if has("score") else None,
        exclusion=_exclusion(message) if message.exclusion_reason else None,
    )


def _exclusion(message: routing_pb2.Candidate) -> Exclusion:
    passes = message.HasField("exclusion_retry_after")
    return Exclusion(
        EXCLUSION_REASON_OF[message.exclusion_reason],
        message.exclusion_detail,
        _seconds(message.exclusion_retry_after) if passes else None,
    )


def _plan_step(message: routing_pb2.PlanStep) -> PlanStep:
    return PlanStep(
        message.model,
        STEP_KIND_OF[message.kind],
        message.check,
        STREAM_MODE_OF.get(message.stream_mode),
        message.gate_tokens,
    )


def _signals(message: routing_pb2.Signals, text: str) -> Signals:
    return Signals(
        text=text,
        task=TASK_OF[message.task],
        difficulty=message.difficulty,
        input_tokens=message.input_tokens,
        code=message.code,
        math=message.math,
        language=message.language,
        turns=message.turns,
        tools=message.tools,
        media=message.media,
        in_tool_loop=message.in_tool_loop,
        difficulty_cues=tuple(message.difficulty_cues),
        text_characters=message.text_characters,
    )


def _attempt(message: routing_pb2.Attempt) -> Attempt:
    has = message.HasField
    attempt = Attempt(
        index=message.index,
        model=message.model,
        kind=STEP_KIND_OF[message.kind],
        outcome=ATTEMPT_OUTCOME_OF[message.outcome],
        backend=message.backend,
        usage=Usage(**{name: _known(message.usage, name) for name in _COUNTS}, service_tier=message.usage.service_tier),
        cost_nano_usd=_known(message, "cost_nano_usd"),
        duration_seconds=_seconds(message.duration),
        time_to_first_token_seconds=_seconds(message.time_to_first_token) if has("time_to_first_token") else None,
        error_reason=message.error_reason,
        error_message=message.error_message,
        checks=tuple(map(_check_result, message.checks)),
        retries=message.retries,
        upstream_model=message.upstream_model,
        finish_reason=FINISH_REASON_OF.get(message.finish_reason),
        usage_estimated=message.usage_estimated,
        adjustments=tuple(Adjustment(made.field, made.detail) for made in message.adjustments),
        provider_request_id=message.provider_request_id,
        provider_cost_nano_usd=_known(message, "provider_cost_nano_usd"),
        cache_saved_nano_usd=_known(message, "cache_saved_nano_usd"),
    )
    attempt.encoded.data = message.SerializeToString()
    return attempt


def _check_result(message: routing_pb2.CheckResult) -> CheckResult:
    return CheckResult(
        message.check,
        message.score,
        message.threshold,
        message.passed,
        message.detail,
        _known(message, "cost_nano_usd"),
        message.unrated,
    )


def _known(
    message: routing_pb2.Decision
    | routing_pb2.StrategyStep
    | routing_pb2.Candidate
    | routing_pb2.Attempt
    | routing_pb2.CheckResult
    | routing_pb2.Cost
    | chat_pb2.Usage,
    name: str,
) -> int | None:
    """A count or an amount; what is unset is unknown."""
    value: int | None = getattr(message, name) if message.HasField(name) else None  # type: ignore[arg-type]
    return value


def _seconds(duration: Duration) -> float:
    return (duration.seconds * 1_000_000_000 + duration.nanos) / 1e9


def _instant(timestamp: Timestamp) -> datetime:
    return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1_000)
