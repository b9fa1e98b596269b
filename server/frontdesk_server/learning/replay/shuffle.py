"""What routing itself added on logged decisions: their outcomes beside those of the same choices dealt at random.

Nobody knows what another model would have come to on a decision, so the shuffle is estimated by the propensities, as
any policy that :mod:`.replay` replays: self-normalised, from the decisions whose outcome was reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from frontdesk_server.learning.replay.logged import LoggedDecision
from frontdesk_server.learning.replay.replay import replay

__all__ = ["AddedInLog", "added_in_log"]

_ERRORS_APART = 1.96


@dataclass(frozen=True, slots=True)
class AddedInLog:
    """Mean qualities; the last three are None where `refusal` says why the log cannot tell."""

    outcomes: int
    reached: float
    shuffled: float | None
    added: float | None
    error: float | None
    """Standard error of `added`."""
    refusal: str | None

    @property
    def verdict(self) -> str:
        """What routing adds, in points of quality, and whether that is more than its error; or why nobody knows."""
        if self.added is None or self.error is None:
            return f"What routing adds to the same choices shuffled, the log cannot tell: {self.refusal}."
        told = f"Routing adds {100 * self.added:.1f} ± {100 * self.error:.1f} points to the same choices shuffled"
        if self.added <= _ERRORS_APART * self.error:
            return f"{told}. That is not more than its error: nothing shows that it tells queries apart."
        return f"{told}."


def added_in_log(decisions: Sequence[LoggedDecision]) -> AddedInLog | None:
    """Compare; None where no outcome was reported."""
    rated = [decision for decision in decisions if decision.quality is not None]
    if not rated:
        return None
    quality = np.array([decision.quality for decision in rated], dtype=np.float64)
    policy = _Shuffle({model: count / len(decisions) for model, count in Counter(d.model for d in decisions).items()})
    found = replay(decisions, policy)
    if found.refusal is not None:
        return AddedInLog(len(rated), float(quality.mean()), None, None, None, found.refusal)
    shuffled = found.quality["snips"].value
    weights = np.array([policy.route_logged(d).get(d.model, 0.0) / d.propensity for d in rated])
    influence = quality - quality.mean() - weights * (quality - shuffled) / weights.mean()
    error = float(influence.std(ddof=1) / np.sqrt(len(rated)))
    reached = float(quality.mean())
    return AddedInLog(len(rated), reached, shuffled, reached - shuffled, error, None)


@dataclass(frozen=True, slots=True)
class _Shuffle:
    """Takes each model as often as the log did, whatever the query; implements `replay.ReplayPolicy`."""

    shares: Mapping[str, float]

    def route_logged(self, decision: LoggedDecision) -> Mapping[str, float]:
        """Return each candidate's share among those that could be chosen."""
        if decision.in_tool_loop:
            return {decision.model: 1.0}
        names = dict.fromkeys((decision.model, *(candidate.model for candidate in decision.candidates)))
        shares = {name: self.shares[name] for name in names if name in self.shares}
        return {name: share / sum(shares.values()) for name, share in shares.items()}

    def choices(self, decision: LoggedDecision) -> tuple[str, ...]:
        """Return the model that was taken: dealt anew, not moved."""
        return (decision.model,)
