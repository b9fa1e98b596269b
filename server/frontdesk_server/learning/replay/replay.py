"""What another policy would have done on logged decisions: moved requests, cost, quality with intervals.

Quality and cost are estimated from the decisions whose outcome is known, weighed by how much likelier the new policy
takes the logged model than the old one did: inverse propensity scoring (IPS), its self-normalised form (SNIPS), and the
doubly robust estimate (DR), which starts from the predictions of the log and corrects them by what was observed (Dudík
et al., 2011). Where the log cannot support this, the answer is a refusal that says why, not a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.learning.replay.logged import LoggedDecision, first_of, is_cascade

__all__ = ["Estimate", "MovedDecision", "ReplayPolicy", "ReplayResult", "diff_policy", "replay"]

Vector = NDArray[np.float64]

MIN_EFFECTIVE_DECISIONS = 20.0
_Z95 = 1.959964
_SHORTFALL_ERRORS = 4.0
"""Standard errors by which the weights may fall short of 1; so far, chance hardly ever takes them."""
_Field = Literal["predicted_quality", "predicted_cost_nano_usd"]


class ReplayPolicy(Protocol):
    """A policy that can be asked about a logged decision."""

    def route_logged(self, decision: LoggedDecision) -> Mapping[str, float]:
        """Return the probability with which it takes each model; they sum to 1, models left out have none."""

    def choices(self, decision: LoggedDecision) -> tuple[str, ...]:
        """Return what it chooses, by the hash of the very query; where it explores, also what it takes instead."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval (normal approximation)."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, object]:
        """Return what `--json` prints of it."""
        return {"value": self.value, "ci95": [self.low, self.high]}


@dataclass(frozen=True, slots=True)
class MovedDecision:
    """A decision that the new policy takes otherwise; None where nothing was predicted."""

    decision_id: str
    router: str
    old_model: str
    new_model: str
    predicted_quality_change: float | None
    predicted_cost_change_nano_usd: float | None


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What replay found; either the estimates are there or `refusal` says why not."""

    decisions: int
    outcomes: int
    """Decisions with a reported quality, which the estimates of quality rest on."""
    moved: tuple[MovedDecision, ...]
    cascades_kept: int
    """Decisions that run a cascade of the same models under both; its checks are taken to be the same."""
    effective_decisions: float
    """How many unweighed outcomes the weighed ones are worth."""
    logged_quality: Estimate | None
    logged_cost: Estimate | None
    quality: Mapping[str, Estimate]
    """By estimator: ips, snips, dr."""
    cost: Mapping[str, Estimate]
    refusal: str | None

    def flows(self) -> list[tuple[str, str, int]]:
        """From which model to which how many decisions move, most first."""
        counts = Counter((moved.old_model, moved.new_model) for moved in self.moved)
        return [(old, new, count) for (old, new), count in counts.most_common()]

    def as_json(self) -> dict[str, object]:
        """Return what `--json` prints."""
        return {
            "decisions": self.decisions,
            "outcomes": self.outcomes,
            "moved": len(self.moved),
            "flows": [{"old_model": old, "new_model": new, "decisions": count} for old, new, count in self.flows()],
            "cascades_kept": self.cascades_kept,
            "effective_decisions": self.effective_decisions,
            "logged_quality": self.logged_quality and self.logged_quality.as_json(),
            "logged_cost": self.logged_cost and self.logged_cost.as_json(),
            "quality": {name: estimate.as_json() for name, estimate in self.quality.items()},
            "cost": {name: estimate.as_json() for name, estimate in self.cost.items()},
            "refusal": self.refusal,
        }


def diff_policy(decisions: Sequence[LoggedDecision], policy: ReplayPolicy) -> tuple[MovedDecision, ...]:
    """Return the decisions that the policy takes otherwise; those of a tool loop stay with their model.

    Neither exploring in place of the same choice nor leaving that is a move.
    """
    moved = []
    for decision in decisions:
        if decision.in_tool_loop:
            continue
        new_model, *explored = policy.choices(decision)
        if decision.model in (new_model, *explored) or first_of(new_model) == decision.unexplored:
            continue
        moved.append(
            MovedDecision(
                decision.decision_id,
                decision.router,
                decision.model,
                new_model,
                _change(decision, new_model, "predicted_quality"),
                _change(decision, new_model, "predicted_cost_nano_usd"),
            )
        )
    return tuple(moved)


def replay(decisions: Sequence[LoggedDecision], policy: ReplayPolicy) -> ReplayResult:
    """Estimate what the policy would have come to. Outcomes are taken to be missing at random."""
    moved = diff_policy(decisions, policy)
    rated = [d for d in decisions if d.quality is not None]
    chances = [_chances(d, policy) for d in rated]
    weights = np.array([c.get(d.model, 0.0) / d.propensity for d, c in zip(rated, chances, strict=True)])
    effective = float(weights.sum() ** 2 / (weights**2).sum()) if weights.any() else 0.0
    refusal = _unsupported(rated, chances, weights, effective)
    quality: Mapping[str, Estimate] = {}
    cost: Mapping[str, Estimate] = {}
    if refusal is None:
        reward = np.array([d.quality for d in rated], dtype=np.float64)
        quality = _estimates(reward, weights, *_predicted(rated, chances, "predicted_quality"))
        paid = np.array([np.nan if d.cost_nano_usd is None else d.cost_nano_usd for d in rated])
        if not np.isnan(paid).any():
            cost = _estimates(paid, weights, *_predicted(rated, chances, "predicted_cost_nano_usd"))
    return ReplayResult(
        decisions=len(decisions),
        outcomes=len(rated),
        moved=moved,
        cascades_kept=sum(is_cascade(d.model) for d in decisions) - sum(is_cascade(m.old_model) for m in moved),
        effective_decisions=effective,
        logged_quality=_known_mean([d.quality for d in decisions]),
        logged_cost=_known_mean([d.cost_nano_usd for d in decisions]),
        quality=quality,
        cost=cost,
        refusal=refusal,
    )


def _chances(decision: LoggedDecision, policy: ReplayPolicy) -> Mapping[str, float]:
    return {decision.model: 1.0} if decision.in_tool_loop else policy.route_logged(decision)


def _unsupported(
    rated: Sequence[LoggedDecision], chances: Sequence[Mapping[str, float]], weights: Vector, effective: float
) -> str | None:
    """Say why the log cannot tell how the policy would have fared; None when it can.

    Under full support the weights average 1; they fall short where the policy takes models the old one never tried.
    """
    if not rated:
        return "no decision has a reported outcome"
    certain = sum(d.propensity == 1.0 and c.get(d.model, 0.0) < 1.0 for d, c in zip(rated, chances, strict=True))
    if certain:
        return (
            f"{certain} of {len(rated)} decisions move although the old policy took their model with certainty: "
            "nothing is known of the others there; let a share of traffic explore, then replay"
        )
    if effective < MIN_EFFECTIVE_DECISIONS:
        return f"the outcomes are worth {effective:.0f} under that policy, {MIN_EFFECTIVE_DECISIONS:.0f} are needed"
    shortfall = (1.0 - weights.mean()) / (weights.std() / np.sqrt(len(weights)) + 1e-12)
    if shortfall > _SHORTFALL_ERRORS:
        return (
            f"that policy takes models the old one hardly ever tried: weights average {weights.mean():.2f}, "
            f"{shortfall:.1f} standard errors below 1"
        )
    return None


def _predicted(
    rated: Sequence[LoggedDecision], chances: Sequence[Mapping[str, float]], field: _Field
) -> tuple[Vector, Vector]:
    """Return what was predicted of the logged model, and of the new policy's choice; NaN where nothing was."""
    logged = [_value(d, d.model, field) for d in rated]
    new = [sum(p * _value(d, m, field) for m, p in c.items() if p) for d, c in zip(rated, chances, strict=True)]
    return np.array(logged), np.array(new)


def _estimates(reward: Vector, weights: Vector, logged: Vector, new: Vector) -> dict[str, Estimate]:
    snips = float((weights * reward).sum() / weights.sum())
    influence = weights * (reward - snips) / weights.mean()
    found = {"ips": _mean(weights * reward), "snips": _around(snips, influence)}
    if not np.isnan(logged + new).any():
        found["dr"] = _mean(new + weights * (reward - logged))
    return found


def _known_mean(values: Sequence[float | None]) -> Estimate | None:
    known = np.array([value for value in values if value is not None])
    return _mean(known) if len(known) else None


def _mean(values: Vector) -> Estimate:
    return _around(float(values.mean()), values - values.mean())


def _around(value: float, influence: Vector) -> Estimate:
    half = _Z95 * float(influence.std()) / np.sqrt(len(influence))
    return Estimate(value, value - half, value + half)


def _change(decision: LoggedDecision, new_model: str, field: _Field) -> float | None:
    change = _value(decision, new_model, field) - _value(decision, decision.model, field)
    return None if np.isnan(change) else change


def _value(decision: LoggedDecision, model: str, field: _Field) -> float:
    value = getattr(decision.candidate(model), field, None)
    return np.nan if value is None else float(value)
