"""Whether the scores of live traffic still look like those a router was trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["DriftVerdict", "ScoreProfile", "check_drift"]

Vector = NDArray[np.float64]

_BINS = 10
MIN_LIVE_SCORES = 50
SHIFTED = 0.2
"""Population stability index from which a shift is by convention worth acting on."""
_FALSE_ALARM = 0.001


@dataclass(frozen=True, slots=True)
class ScoreProfile:
    """The training scores, kept as the edges of ten bins of equal frequency; small enough for an artefact."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    """What each bin holds; not exactly a tenth where scores repeat."""
    scores: int

    @classmethod
    def of(cls, scores: Vector) -> ScoreProfile:
        """Summarise the scores [n] of the training data."""
        edges = np.unique(np.quantile(scores, np.linspace(0.0, 1.0, _BINS + 1)[1:-1]))
        return cls(tuple(edges.tolist()), tuple(_shares(scores, edges).tolist()), len(scores))


@dataclass(frozen=True, slots=True)
class DriftVerdict:
    """`drifted` only where the shift is both large and too unlikely to be chance."""

    drifted: bool
    stability_index: float
    p_value: float
    reason: str


def check_drift(profile: ScoreProfile, live: Vector) -> DriftVerdict:
    """Compare live scores [n] with the profile: population stability index, and a chi-squared test of the bins."""
    n = len(live)
    if n < MIN_LIVE_SCORES:
        return DriftVerdict(False, 0.0, 1.0, f"{n} live scores, {MIN_LIVE_SCORES} are needed to tell")
    expected, observed = np.array(profile.shares), _shares(live, np.array(profile.edges))
    smooth = [
        (share * size + 0.5) / (size + 0.5 * len(expected))
        for share, size in ((expected, profile.scores), (observed, n))
    ]
    index = float(((smooth[1] - smooth[0]) * np.log(smooth[1] / smooth[0])).sum())
    variance = smooth[0] * (1.0 / n + 1.0 / profile.scores)
    p_value = _chi_squared_above(float(((observed - expected) ** 2 / variance).sum()), len(expected) - 1)
    drifted = index >= SHIFTED and p_value < _FALSE_ALARM
    direction = "higher" if _centre(observed) > _centre(expected) else "lower"
    reason = (
        f"live scores are {direction} than in training: stability index {index:.2f}; label some and train again"
        if drifted
        else f"live scores look like those of training: stability index {index:.2f}"
    )
    return DriftVerdict(drifted, index, p_value, reason)


def _shares(scores: Vector, edges: Vector) -> Vector:
    bins = np.searchsorted(edges, scores, side="right")
    return np.asarray(np.bincount(bins, minlength=len(edges) + 1) / len(scores))


def _centre(shares: Vector) -> float:
    return float(shares @ np.arange(len(shares)))


def _chi_squared_above(statistic: float, degrees: int) -> float:
    """Return the upper tail by Wilson and Hilferty's approximation."""
    if degrees < 1:
        return 1.0
    z = ((statistic / degrees) ** (1 / 3) - (1 - 2 / (9 * degrees))) / math.sqrt(2 / (9 * degrees))
    return 0.5 * math.erfc(z / math.sqrt(2))
