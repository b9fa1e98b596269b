"""A decision in words."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.duration_pb2 import Duration

from frontdesk.v1.routing_pb2 import (
    Candidate,
    Decision,
    ExclusionReason,
    Signals,
    StepKind,
    StrategyStep,
    StreamMode,
    Task,
    Verdict,
)

__all__ = ["explain"]


def explain(decision: Decision) -> str:
    """Why the model was chosen: the strategies asked, every candidate, the plan and the query's signals."""
    return "\n".join(_lines(decision))


def _lines(decision: Decision) -> Iterator[str]:
    yield f"{decision.model}: {decision.reason}"
    yield (
        f"  decided by {decision.strategy} of router {decision.router} ({decision.router_version})"
        f" in {_milliseconds(decision.router_duration)}{_router_cost(decision)}"
    )
    if decision.explored or decision.propensity < 1:
        why = "to explore" if decision.explored else "by weight"
        yield f"  chosen {why} with probability {decision.propensity:.3g}"
    yield f"  signals: {_signals(decision.signals)}"
    if decision.path:
        yield "  strategies asked:"
        yield from (f"    {_step(step)}" for step in decision.path)
    if decision.candidates:
        yield "  candidates:"
        width = max(len(candidate.model) for candidate in decision.candidates)
        for candidate in decision.candidates:
            mark = "*" if candidate.model == decision.model else " "
            yield f"    {mark} {candidate.model:<{width}}  {_candidate(candidate)}".rstrip()
    if decision.plan:
        yield "  plan: " + ", ".join(_plan(decision))


def _step(step: StrategyStep) -> str:
    chosen = f" {step.model}" if step.model else ""
    sure = f" (confidence {step.confidence:.2f})" if step.HasField("confidence") else ""
    return f"{step.path}: {_word(Verdict.DESCRIPTOR, step.verdict)}{chosen}{sure}: {step.reason}"


def _candidate(candidate: Candidate) -> str:
    if candidate.exclusion_reason:
        reason = _word(ExclusionReason.DESCRIPTOR, candidate.exclusion_reason)
        return f"excluded, {reason}: {candidate.exclusion_detail}"
    facts = []
    if candidate.HasField("predicted_quality"):
        spread = f" ± {candidate.quality_uncertainty:.2f}" if candidate.HasField("quality_uncertainty") else ""
        facts.append(f"quality {candidate.predicted_quality:.2f}{spread}")
    if candidate.HasField("predicted_cost_nano_usd"):
        facts.append(f"{_usd(candidate.predicted_cost_nano_usd)}")
    if candidate.HasField("predicted_time_to_first_token"):
        facts.append(f"first token in {_milliseconds(candidate.predicted_time_to_first_token)}")
    if candidate.HasField("score"):
        facts.append(f"score {candidate.score:.3f}")
    return ", ".join(facts)


def _plan(decision: Decision) -> Iterator[str]:
    for step in decision.plan:
        kind = _word(StepKind.DESCRIPTOR, step.kind)
        check = f", checked by {step.check}" if step.check else ""
        mode = f", {_word(StreamMode.DESCRIPTOR, step.stream_mode)}" if step.stream_mode else ""
        yield f"{step.model} ({kind}{check}{mode})"


def _signals(signals: Signals) -> str:
    task = _word(Task.DESCRIPTOR, signals.task)
    facts = [task, f"difficulty {signals.difficulty:.2f}", f"about {signals.input_tokens} input tokens"]
    facts += [name for name in ("code", "math", "tools", "media") if getattr(signals, name) and name != task]
    if signals.language:
        facts.append(f"language {signals.language}")
    return ", ".join([*facts, *signals.difficulty_cues])


def _router_cost(decision: Decision) -> str:
    return f" for {_usd(decision.router_cost_nano_usd)}" if decision.router_cost_nano_usd else ""


def _usd(nano_usd: int) -> str:
    return f"{nano_usd / 1e9:.9f}".rstrip("0").rstrip(".") + " USD"


def _milliseconds(duration: Duration) -> str:
    return f"{duration.ToNanoseconds() / 1e6:.3g} ms"


def _word(kind: EnumDescriptor, number: int) -> str:
    """The value's name without its prefix; the number when a newer server sends one this client does not know."""
    value = kind.values_by_number.get(number)
    if value is None:
        return str(number)
    prefix = kind.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return value.name.removeprefix(prefix).lower().replace("_", " ")
