"""A decision in words. The clients of all languages write the same text, so the arithmetic is spelled out."""

from __future__ import annotations

import math
from collections.abc import Iterator

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.duration_pb2 import Duration

from frontdesk.v1.routing_pb2 import (
    STEP_KIND_ESCALATION,
    STEP_KIND_FALLBACK,
    Candidate,
    Decision,
    ExclusionReason,
    PlanStep,
    Signals,
    StrategyStep,
    StreamMode,
    Task,
    Verdict,
)

__all__ = ["explain"]

_CONDITIONS = {STEP_KIND_ESCALATION: " if rejected", STEP_KIND_FALLBACK: " if failed"}


def explain(decision: Decision) -> str:
    """How the decision came about: what was asked, what each candidate promised or why it is excluded, and the plan."""
    return "\n".join(_lines(decision))


def _lines(decision: Decision) -> Iterator[str]:
    yield f"{decision.model}: {decision.reason}" + (" (chosen to explore)" if decision.explored else "")
    yield (
        f"decision {decision.decision_id} of router {decision.router} at {decision.router_version},"
        f" strategy {decision.strategy}, propensity {_hundredths(decision.propensity)}"
    )
    known = decision.HasField
    took = _milliseconds(decision.router_duration) if known("router_duration") else "an unknown time"
    cost = _usd(decision.router_cost_nano_usd) if known("router_cost_nano_usd") else "an unknown amount"
    yield f"routing took {took} and cost {cost}"
    if known("signals"):
        yield f"signals: {', '.join(_signals(decision.signals))}"
    yield "asked:"
    yield from map(_step, decision.path)
    yield "candidates:"
    yield from map(_candidate, decision.candidates)
    yield "plan:"
    yield from map(_plan_step, decision.plan)


def _signals(signals: Signals) -> Iterator[str]:
    yield _words(Task.DESCRIPTOR, signals.task, "TASK_")
    reasons = f" ({', '.join(signals.difficulty_cues)})" if signals.difficulty_cues else ""
    yield f"difficulty {_hundredths(signals.difficulty)}{reasons}"
    yield f"about {signals.input_tokens} input tokens"
    yield from (f"with {name}" for name in ("code", "math", "tools", "media") if getattr(signals, name))
    if signals.language:
        yield f"language {signals.language}"


def _step(step: StrategyStep) -> str:
    facts = [_words(Verdict.DESCRIPTOR, step.verdict, "VERDICT_") + _after(" ", step.model)]
    if step.HasField("confidence"):
        facts.append(f"confidence {_hundredths(step.confidence)}")
    if step.HasField("duration"):
        facts.append(_milliseconds(step.duration))
    if step.HasField("cost_nano_usd"):
        facts.append(_usd(step.cost_nano_usd))
    return f"  {step.path} {', '.join(facts)}{_after(': ', step.reason)}"


def _candidate(candidate: Candidate) -> str:
    if candidate.exclusion_reason:
        reason = _words(ExclusionReason.DESCRIPTOR, candidate.exclusion_reason, "EXCLUSION_REASON_")
        return f"  {candidate.model}: excluded, {reason}{_after(': ', candidate.exclusion_detail)}"
    return f"  {candidate.model}: {', '.join(_predictions(candidate)) or 'nothing is predicted'}"


def _predictions(candidate: Candidate) -> Iterator[str]:
    known = candidate.HasField
    if known("predicted_quality"):
        spread = f" ± {_hundredths(candidate.quality_uncertainty)}" if known("quality_uncertainty") else ""
        yield f"quality {_hundredths(candidate.predicted_quality)}{spread}"
    if known("predicted_cost_nano_usd"):
        yield _usd(candidate.predicted_cost_nano_usd)
    if known("predicted_time_to_first_token"):
        yield f"first token in {_milliseconds(candidate.predicted_time_to_first_token)}"
    if known("score"):
        yield f"score {_hundredths(candidate.score)}"


def _plan_step(step: PlanStep) -> str:
    mode = _words(StreamMode.DESCRIPTOR, step.stream_mode, "STREAM_MODE_") if step.stream_mode else ""
    return f"  {step.model}{_CONDITIONS.get(step.kind, '')}{_after(', check ', step.check)}{_after(', ', mode)}"


def _after(separator: str, text: str) -> str:
    """A separator before a text that is not empty."""
    return separator + text if text else ""


def _words(enum: EnumDescriptor, number: int, prefix: str) -> str:
    """VERDICT_TIMED_OUT is "timed out"; a value of a newer server is "unknown"."""
    value = enum.values_by_number.get(number)
    return value.name.removeprefix(prefix).lower().replace("_", " ") if value else "unknown"


def _hundredths(value: float) -> str:
    """Rounds half up to two decimals."""
    whole = math.floor(value * 100 + 0.5)
    return f"{'-' if whole < 0 else ''}{abs(whole) // 100}.{abs(whole) % 100:02}"


def _milliseconds(duration: Duration) -> str:
    """Drops what is below a microsecond."""
    return f"{_decimal(duration.seconds * 1_000_000 + duration.nanos // 1_000, 3)} ms"


def _usd(nano: int) -> str:
    return f"{_decimal(nano, 9)} USD"


def _decimal(units: int, places: int) -> str:
    """Writes units of 10^-places exactly, without trailing zeros."""
    digits = f"{abs(units):0{places + 1}}"
    fraction = digits[-places:].rstrip("0")
    return f"{'-' if units < 0 else ''}{digits[:-places]}{_after('.', fraction)}"
