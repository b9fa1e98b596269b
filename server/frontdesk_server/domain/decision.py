"""The immutable result of routing, and the plan that execution follows."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import field
from datetime import datetime

from frontdesk_server.domain.encoded import Encoded
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.signals import Signals
from frontdesk_server.domain.value import value


class ExclusionReason(enum.Enum):
    """Why a candidate may not answer."""

    CONTEXT_WINDOW = "context_window"
    CAPABILITY = "capability"
    NOT_ALLOWED = "not_allowed"
    EXCLUDED = "excluded"
    BREAKER_OPEN = "breaker_open"
    BUDGET = "budget"
    DEADLINE = "deadline"
    MAX_COST = "max_cost"
    MAX_TIME_TO_FIRST_TOKEN = "max_time_to_first_token"
    DIALECT = "dialect"


@value
class Exclusion:
    """The reason and its particulars in words; `retry_after_seconds` where it passes by itself."""

    reason: ExclusionReason
    detail: str
    retry_after_seconds: float | None = None


@value
class Candidate:
    """A model that was considered: what is expected of it, or why it is excluded."""

    model: str
    predicted_quality: float | None = None
    quality_uncertainty: float | None = None
    predicted_cost_nano_usd: int | None = None
    predicted_time_to_first_token_seconds: float | None = None
    score: float | None = None
    exclusion: Exclusion | None = None


class Verdict(enum.Enum):
    """What a strategy concluded."""

    CHOSE = "chose"
    ABSTAINED = "abstained"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


@value
class StrategyStep:
    """One strategy that was asked on the way to the decision; `path` is its place in the router's tree."""

    path: str
    strategy: str
    verdict: Verdict
    reason: str
    duration_seconds: float
    model: str = ""
    confidence: float | None = None
    cost_nano_usd: int | None = 0


def asked_by(steps: Sequence[StrategyStep]) -> tuple[int | None, ...]:
    """For every step the index of the step that asked it; None for a root.

    A parent precedes its children, and its path begins theirs.
    """
    parents: list[int | None] = []
    for index, step in enumerate(steps):
        above = [i for i in range(index) if step.path.startswith((f"{steps[i].path}.", f"{steps[i].path}/"))]
        parents.append(max(above, key=lambda i: len(steps[i].path), default=None))
    return tuple(parents)


class StreamMode(enum.Enum):
    """When a step's answer reaches the caller."""

    HOLD = "hold"
    GATE = "gate"
    OPTIMISTIC = "optimistic"


class StepKind(enum.Enum):
    """Why a step stands in the plan."""

    PRIMARY = "primary"
    ESCALATION = "escalation"
    FALLBACK = "fallback"


@value
class PlanStep:
    """One step: a model and, for a cascade, the name of the check its answer must pass.

    The name is the check's path in the configuration; `gate_tokens` counts the first tokens that mode GATE checks.
    """

    model: str
    kind: StepKind
    check: str = ""
    stream_mode: StreamMode | None = None
    gate_tokens: int = 0


IN_TURN = " → "
"""Between the names of models that are asked one after another, wherever people read them."""


@value
class Decision:
    """Result of routing. `propensity` is the probability in (0, 1] with which this model was chosen."""

    decision_id: str
    model: str
    reason: str
    strategy: str
    path: tuple[StrategyStep, ...]
    candidates: tuple[Candidate, ...]
    plan: tuple[PlanStep, ...]
    signals: Signals
    router: str
    router_version: str
    strongest_model: str
    decided_at: datetime
    router_duration_seconds: float
    router_cost_nano_usd: int | None = 0
    propensity: float = 1.0
    explored: bool = False
    encoded: Encoded = field(default_factory=Encoded, init=False, repr=False, compare=False)


@value
class RoutedQuery:
    """A query with its decision: what execution, ledger and telemetry work on."""

    query: Query
    policy: RoutingPolicy
    decision: Decision
    caller: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    trace_id: str = ""
    """In hexadecimal, as traces and logs show it; empty where the call has none."""
