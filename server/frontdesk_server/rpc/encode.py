"""From domain values to response messages. Lean on purpose: every `Route` and every delta passes here."""

from __future__ import annotations

from datetime import UTC, datetime

from frontdesk.v1 import chat_pb2, router_service_pb2, routing_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from frontdesk_server.domain.attempt import Attempt, CheckResult, Settlement
from frontdesk_server.domain.decision import Candidate, Decision, PlanStep, StrategyStep
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.record import DecisionRecord, Outcome
from frontdesk_server.domain.signals import Signals
from frontdesk_server.domain.usage import Cost, TokenLogprob, Usage, within_int64
from frontdesk_server.rpc.encode_prices import encode_prices
from frontdesk_server.rpc.enums import (
    ATTEMPT_OUTCOME,
    CAPABILITY,
    EXCLUSION_REASON,
    FINISH_REASON,
    STEP_KIND,
    STREAM_MODE,
    TASK,
    VERDICT,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encode_duration(seconds: float) -> Duration:
    """The duration, to the nanosecond."""
    duration = Duration()
    _fill_duration(duration, seconds)
    return duration


def encode_decision(decision: Decision) -> routing_pb2.Decision:
    """The decision with every candidate; filled once, and read from its bytes from then on."""
    if (data := decision.encoded.data) is not None:
        return routing_pb2.Decision.FromString(data)
    message = _fill_decision(decision)
    decision.encoded.data = message.SerializeToString()
    return message


def encode_attempt(attempt: Attempt) -> routing_pb2.Attempt:
    """One attempt; filled once, and read from its bytes from then on."""
    if (data := attempt.encoded.data) is not None:
        return routing_pb2.Attempt.FromString(data)
    message = _fill_attempt(attempt)
    attempt.encoded.data = message.SerializeToString()
    return message


def _fill_decision(decision: Decision) -> routing_pb2.Decision:
    """Submessages are filled in place: handed to a constructor they would be built and then copied."""
    message = routing_pb2.Decision(
        decision_id=decision.decision_id,
        model=decision.model,
        reason=decision.reason,
        strategy=decision.strategy,
        router=decision.router,
        router_version=decision.router_version,
        propensity=decision.propensity,
        explored=decision.explored,
        router_cost_nano_usd=within_int64(decision.router_cost_nano_usd),
        strongest_model=decision.strongest_model,
    )
    for step in decision.path:
        _add_strategy_step(message, step)
    for candidate in decision.candidates:
        _add_candidate(message, candidate)
    for planned in decision.plan:
        _add_plan_step(message, planned)
    _fill_signals(message.signals, decision.signals)
    _fill_duration(message.router_duration, decision.router_duration_seconds)
    _fill_timestamp(message.decided_at, decision.decided_at)
    return message


def _fill_attempt(attempt: Attempt) -> routing_pb2.Attempt:
    first, finish = attempt.time_to_first_token_seconds, attempt.finish_reason
    return routing_pb2.Attempt(
        index=attempt.index,
        model=attempt.model,
        kind=STEP_KIND[attempt.kind],
        outcome=ATTEMPT_OUTCOME[attempt.outcome],
        usage=encode_usage(attempt.usage),
        cost_nano_usd=within_int64(attempt.cost_nano_usd),
        time_to_first_token=None if first is None else encode_duration(first),
        duration=encode_duration(attempt.duration_seconds),
        error_reason=attempt.error_reason,
        error_message=": ".join(filter(None, (attempt.error_message, attempt.upstream_message))),
        checks=[_check_result(check) for check in attempt.checks],
        retries=attempt.retries,
        backend=attempt.backend,
        upstream_model=attempt.upstream_model,
        usage_estimated=attempt.usage_estimated,
        finish_reason=FINISH_REASON[finish] if finish else chat_pb2.FINISH_REASON_UNSPECIFIED,
        adjustments=[routing_pb2.Adjustment(field=made.field, detail=made.detail) for made in attempt.adjustments],
        provider_request_id=attempt.provider_request_id,
        provider_cost_nano_usd=within_int64(attempt.provider_cost_nano_usd),
        cache_saved_nano_usd=within_int64(attempt.cache_saved_nano_usd),
    )


def encode_usage(usage: Usage) -> chat_pb2.Usage:
    """Tokens; what is unknown stays unset."""
    return chat_pb2.Usage(
        input_tokens=within_int64(usage.input_tokens),
        output_tokens=within_int64(usage.output_tokens),
        cache_read_tokens=within_int64(usage.cache_read_tokens),
        cache_write_tokens=within_int64(usage.cache_write_tokens),
        reasoning_tokens=within_int64(usage.reasoning_tokens),
        cache_write_long_tokens=within_int64(usage.cache_write_long_tokens),
        input_audio_tokens=within_int64(usage.input_audio_tokens),
        output_audio_tokens=within_int64(usage.output_audio_tokens),
        input_image_tokens=within_int64(usage.input_image_tokens),
        output_image_tokens=within_int64(usage.output_image_tokens),
        web_searches=within_int64(usage.web_searches),
        service_tier=usage.service_tier,
    )


def encode_cost(cost: Cost) -> routing_pb2.Cost:
    """The cost; what is unknown stays unset."""
    return routing_pb2.Cost(
        total_nano_usd=within_int64(cost.total_nano_usd),
        attempts_nano_usd=within_int64(cost.attempts_nano_usd),
        checks_nano_usd=within_int64(cost.checks_nano_usd),
        router_nano_usd=within_int64(cost.router_nano_usd),
        strongest_nano_usd=within_int64(cost.strongest_nano_usd),
    )


def encode_logprobs(logprobs: tuple[TokenLogprob, ...]) -> list[chat_pb2.TokenLogprob]:
    """Log-probabilities of tokens, in order."""
    return [
        chat_pb2.TokenLogprob(
            token=entry.token,
            logprob=entry.logprob,
            top=[chat_pb2.TopLogprob(token=top.token, logprob=top.logprob) for top in entry.top],
        )
        for entry in logprobs
    ]


def encode_failure(settlement: Settlement, completion_id: str) -> router_service_pb2.CompletionFailure:
    """What a failed completion did and cost."""
    return router_service_pb2.CompletionFailure(
        completion_id=completion_id,
        attempts=[encode_attempt(attempt) for attempt in settlement.attempts],
        cost=encode_cost(settlement.cost),
        committed=settlement.committed,
    )


def encode_outcome(outcome: Outcome) -> router_service_pb2.Outcome:
    """One reported outcome."""
    message = router_service_pb2.Outcome(
        decision_id=outcome.decision_id, quality=outcome.quality, source=outcome.source, labels=outcome.labels
    )
    _fill_timestamp(message.reported_at, outcome.reported_at)
    return message


def encode_model(model: Model, available: bool) -> router_service_pb2.Model:
    """A model of the pool, as its first deployment serves it."""
    return router_service_pb2.Model(
        name=model.name,
        description=model.description,
        backend=model.primary.backend,
        upstream_model=model.primary.upstream_model,
        prices=None if model.prices is None else encode_prices(model.prices),
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        capabilities=sorted(CAPABILITY[capability] for capability in model.capabilities),
        available=available,
    )


def _fill_duration(duration: Duration, seconds: float) -> None:
    duration.seconds, duration.nanos = divmod(round(seconds * 1e9), 1_000_000_000)


def _fill_timestamp(timestamp: Timestamp, instant: datetime) -> None:
    since = instant - _EPOCH
    timestamp.seconds = since.days * 86_400 + since.seconds
    timestamp.nanos = since.microseconds * 1_000


def _add_strategy_step(message: routing_pb2.Decision, step: StrategyStep) -> None:
    added = message.path.add(
        path=step.path,
        strategy=step.strategy,
        verdict=VERDICT[step.verdict],
        reason=step.reason,
        model=step.model,
        confidence=step.confidence,
        cost_nano_usd=step.cost_nano_usd,
    )
    _fill_duration(added.duration, step.duration_seconds)


def _add_candidate(message: routing_pb2.Decision, candidate: Candidate) -> None:
    added = message.candidates.add(
        model=candidate.model,
        predicted_quality=candidate.predicted_quality,
        quality_uncertainty=candidate.quality_uncertainty,
        predicted_cost_nano_usd=candidate.predicted_cost_nano_usd,
        score=candidate.score,
    )
    if candidate.predicted_time_to_first_token_seconds is not None:
        _fill_duration(added.predicted_time_to_first_token, candidate.predicted_time_to_first_token_seconds)
    if candidate.exclusion is not None:
        added.exclusion_reason = EXCLUSION_REASON[candidate.exclusion.reason]
        added.exclusion_detail = candidate.exclusion.detail
        if candidate.exclusion.retry_after_seconds is not None:
            _fill_duration(added.exclusion_retry_after, candidate.exclusion.retry_after_seconds)


def _add_plan_step(message: routing_pb2.Decision, step: PlanStep) -> None:
    added = message.plan.add(
        model=step.model, kind=STEP_KIND[step.kind], check=step.check, gate_tokens=step.gate_tokens
    )
    if step.stream_mode is not None:
        added.stream_mode = STREAM_MODE[step.stream_mode]


def _fill_signals(message: routing_pb2.Signals, signals: Signals) -> None:
    message.task = TASK[signals.task]
    message.difficulty = signals.difficulty
    message.input_tokens = signals.input_tokens
    message.text_characters = signals.text_characters
    message.code = signals.code
    message.math = signals.math
    message.language = signals.language
    message.turns = signals.turns
    message.tools = signals.tools
    message.media = signals.media
    message.difficulty_cues.extend(signals.difficulty_cues)
    message.in_tool_loop = signals.in_tool_loop


def _check_result(check: CheckResult) -> routing_pb2.CheckResult:
    return routing_pb2.CheckResult(
        check=check.check,
        score=check.score,
        threshold=check.threshold,
        passed=check.passed,
        detail=check.detail,
        cost_nano_usd=within_int64(check.cost_nano_usd),
        unrated=check.unrated,
    )


def encode_record(record: DecisionRecord) -> router_service_pb2.GetDecisionResponse:
    """A recorded decision with what became of it."""
    settlement = record.settlement
    return router_service_pb2.GetDecisionResponse(
        decision=encode_decision(record.decision),
        attempts=[encode_attempt(attempt) for attempt in settlement.attempts] if settlement else (),
        cost=encode_cost(settlement.cost) if settlement else None,
        outcomes=[encode_outcome(outcome) for outcome in record.outcomes],
        labels=record.labels,
    )
