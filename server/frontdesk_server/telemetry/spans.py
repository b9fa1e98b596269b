"""What Frontdesk's spans say of calls, decisions and attempts."""

from __future__ import annotations

import time
from collections.abc import Sequence

from frontdesk_server.domain.attempt import Attempt, AttemptOutcome, CheckResult, Settlement
from frontdesk_server.domain.decision import Candidate, Decision, RoutedQuery, StrategyStep, Verdict, asked_by
from frontdesk_server.domain.ending import CANCELLED
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.query import JsonObjectFormat, JsonSchemaFormat, Query
from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.tracing import Attributes, Span, known

_NANOSECONDS = 1_000_000_000
_MOST_CANDIDATES = 64
_FAILURES = frozenset({Verdict.FAILED, Verdict.TIMED_OUT})

SERVER_FAULTS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
"""The codes which the RPC conventions count as errors of the server."""


def describe_routed(span: Span, routed: RoutedQuery, labels: Sequence[str]) -> None:
    """Set on a call's span what it is searched by: its latest decision, and those of its labels that may be shown."""
    decision = routed.decision
    span.attributes |= {
        names.DECISION_ID: decision.decision_id,
        names.ROUTER: decision.router,
        names.MODEL: decision.model,
        **{f"{names.LABEL}.{key}": routed.labels[key] for key in labels if key in routed.labels},
    }


def describe_decision(span: Span, decision: Decision) -> None:
    """Set a route span's attributes, its candidates as events, and a child for every strategy asked."""
    signals = decision.signals
    span.attributes = {
        names.DECISION_ID: decision.decision_id,
        names.ROUTER: decision.router,
        names.ROUTER_VERSION: decision.router_version,
        names.STRATEGY: decision.strategy,
        names.MODEL: decision.model,
        names.DECISION_REASON: decision.reason,
        names.PROPENSITY: decision.propensity,
        names.EXPLORED: decision.explored,
        names.SIGNAL_TASK: signals.task.value,
        names.SIGNAL_DIFFICULTY: signals.difficulty,
        names.SIGNAL_INPUT_TOKENS: signals.input_tokens,
    }
    if decision.router_cost_nano_usd is not None:
        span.attributes[names.ROUTER_COST] = decision.router_cost_nano_usd
    now_ns = time.time_ns()
    for candidate in decision.candidates[:_MOST_CANDIDATES]:
        span.event(names.EVENT_CANDIDATE, _candidate(candidate), now_ns)
    _strategy_spans(span, decision.path)


def _candidate(candidate: Candidate) -> Attributes:
    exclusion = candidate.exclusion
    if exclusion is not None:
        return {
            names.MODEL: candidate.model,
            names.EXCLUSION_REASON: exclusion.reason.value,
            names.EXCLUSION_DETAIL: exclusion.detail,
        }
    return known(
        {
            names.MODEL: candidate.model,
            names.PREDICTED_QUALITY: candidate.predicted_quality,
            names.PREDICTED_COST: candidate.predicted_cost_nano_usd,
            names.PREDICTED_TIME_TO_FIRST_TOKEN: candidate.predicted_time_to_first_token_seconds,
            names.SCORE: candidate.score,
        }
    )


def _strategy_spans(route: Span, steps: Sequence[StrategyStep]) -> None:
    """Spans made after the fact: each below the step that asked it, siblings one after the other."""
    spans: list[Span] = []
    next_start_ns: dict[int | None, int] = {None: route.start_ns}
    for index, (step, parent) in enumerate(zip(steps, asked_by(steps), strict=True)):
        start_ns = next_start_ns[parent]
        end_ns = start_ns + round(step.duration_seconds * _NANOSECONDS)
        above = route if parent is None else spans[parent]
        span = above.child(f"{names.SPAN_STRATEGY} {step.strategy}", start_ns=start_ns)
        span.attributes = _strategy(step)
        failed = step.verdict in _FAILURES
        span.end(f"strategy_{step.verdict.value}" if failed else "", end_ns=end_ns)
        spans.append(span)
        next_start_ns[parent], next_start_ns[index] = end_ns, start_ns


def _strategy(step: StrategyStep) -> Attributes:
    attributes: Attributes = {
        names.STRATEGY: step.strategy,
        names.STRATEGY_PATH: step.path,
        names.STRATEGY_VERDICT: step.verdict.value,
        names.STRATEGY_REASON: step.reason,
    }
    if step.model:
        attributes[names.MODEL] = step.model
    if step.confidence is not None:
        attributes[names.STRATEGY_CONFIDENCE] = step.confidence
    if step.cost_nano_usd:
        attributes[names.STRATEGY_COST] = step.cost_nano_usd
    return attributes


def deployment_attributes(deployment: Deployment, provider: str) -> Attributes:
    """Where an attempt is made."""
    return {
        names.PROVIDER_NAME: provider,
        names.REQUEST_MODEL: deployment.upstream_model,
        names.BACKEND: deployment.backend,
    }


def request_attributes(model: Model, deployment: Deployment, provider: str, query: Query, purpose: str) -> Attributes:
    """What an attempt's span says from the start."""
    generation = query.generation
    output = generation.response_format
    return known(
        {
            names.OPERATION_NAME: names.CHAT,
            **deployment_attributes(deployment, provider),
            names.REQUEST_MAX_TOKENS: generation.max_output_tokens,
            names.REQUEST_TEMPERATURE: generation.temperature,
            names.REQUEST_TOP_P: generation.top_p,
            names.REQUEST_STOP_SEQUENCES: generation.stop_sequences,
            names.REQUEST_SEED: generation.seed,
            names.REQUEST_FREQUENCY_PENALTY: generation.frequency_penalty,
            names.REQUEST_PRESENCE_PENALTY: generation.presence_penalty,
            names.OUTPUT_TYPE: "json" if isinstance(output, JsonObjectFormat | JsonSchemaFormat) else None,
            names.MODEL: model.name,
            names.PURPOSE: purpose,
        }
    )


def end_attempt(span: Span, attempt: Attempt, end_ns: int | None = None) -> None:
    """Say what became of an attempt and end its span when the attempt ended, which is now unless told."""
    usage = attempt.usage
    span.attributes |= known(
        {
            names.ATTEMPT_INDEX: attempt.index,
            names.ATTEMPT_KIND: attempt.kind.value,
            names.ATTEMPT_OUTCOME: attempt.outcome.value,
            names.ATTEMPT_RETRIES: attempt.retries or None,
            names.RESPONSE_MODEL: attempt.upstream_model,
            names.RESPONSE_FINISH_REASONS: attempt.finish_reason and (attempt.finish_reason.value,),
            names.RESPONSE_TIME_TO_FIRST_CHUNK: attempt.time_to_first_token_seconds,
            names.USAGE_INPUT_TOKENS: usage.input_tokens,
            names.USAGE_OUTPUT_TOKENS: usage.output_tokens,
            names.USAGE_CACHE_READ_TOKENS: usage.cache_read_tokens,
            names.USAGE_CACHE_WRITE_TOKENS: usage.cache_write_tokens,
            names.USAGE_REASONING_TOKENS: usage.reasoning_tokens,
            names.USAGE_ESTIMATED: attempt.usage_estimated or None,
            names.COST: attempt.cost_nano_usd,
            names.PROVIDER_REQUEST_ID: attempt.provider_request_id,
            names.PROVIDER_COST: attempt.provider_cost_nano_usd,
            names.ADJUSTMENTS: tuple(f"{made.field}: {made.detail}" for made in attempt.adjustments) or None,
        }
    )
    for check in attempt.checks:
        span.event(names.EVENT_CHECK, verdict_attributes(check), at_ns=end_ns)
    span.end(attempt_error(attempt), end_ns=end_ns)


def verdict_attributes(check: CheckResult) -> Attributes:
    """What a check has said; what could not be rated has no score."""
    return {
        names.CHECK: check.check,
        names.CHECK_THRESHOLD: check.threshold,
        names.CHECK_PASSED: check.passed,
        **({} if check.unrated else {names.CHECK_SCORE: check.score}),
    }


def attempt_error(attempt: Attempt) -> str:
    """`error.type` of an attempt; empty when it ended well, and an answer that was rejected ended well."""
    if attempt.outcome is AttemptOutcome.CANCELLED:
        return CANCELLED
    if attempt.outcome is AttemptOutcome.FAILED:
        return attempt.error_reason or names.OTHER
    return ""


def describe_settlement(span: Span, settlement: Settlement) -> None:
    """Set what a completion came to on its call's span."""
    cost = settlement.cost
    accepted = [one.model for one in settlement.attempts if one.outcome is AttemptOutcome.ACCEPTED]
    span.attributes |= known(
        {
            names.MODEL: accepted[-1] if accepted else None,
            names.ATTEMPTS: len(settlement.attempts),
            names.COST: cost.total_nano_usd,
            names.SAVED: cost.saved_nano_usd,
        }
    )
