"""The parts of a decision as JSON text, as exports hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from frontdesk_server.domain.decision import Candidate, Decision, PlanStep, StrategyStep
from frontdesk_server.domain.signals import Signals

# Dictionaries written out: orjson takes three times as long for slotted dataclasses, and exports are long.


def json_parts(decision: Decision) -> Mapping[str, str]:
    """Signals, path, candidates and plan."""
    return {
        "signals": _text(_signals(decision.signals)),
        "path": _text([_strategy_step(step) for step in decision.path]),
        "candidates": _text([_candidate(candidate) for candidate in decision.candidates]),
        "plan": _text([_plan_step(step) for step in decision.plan]),
    }


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


def _signals(signals: Signals) -> dict[str, object]:
    return {
        "text": signals.text,
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


def _candidate(candidate: Candidate) -> dict[str, Any]:
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
