"""Whether the scores of live traffic still look like those a predictor was trained on.

Training writes a profile of each model's held-out predictions into the artefact: ten bins of equal frequency. Live
predictions are counted into the same bins. The two differ where the population stability index is at least 0.2, by
convention a shift worth acting on, and where a chi-squared test finds that too unlikely to be chance. Both take queries
to be independent of each other; traffic that repeats itself looks more shifted than it is.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "WINDOW",
    "DriftMonitor",
    "DriftVerdict",
    "DriftWatch",
    "ModelDrift",
    "ScoreProfile",
    "check_drift",
    "profile_scores",
]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

WINDOW = 500
"""Live scores that are judged together. By chance a window of one model alarms less than once in 20,000."""
SHIFTED = 0.2
"""Population stability index from which a shift is by convention worth acting on."""
_BINS = 10
_DIGITS = 4
_MIN_LIVE_SCORES = 50
_MIN_TRAINING_SCORES = 300
"""Bins of fewer scores are too uncertain themselves to compare with."""
_LEAST_SPREAD = 0.02
"""Standard deviation under which predictions are a constant but for noise."""
_FALSE_ALARM = 0.001


@dataclass(frozen=True, slots=True)
class ScoreProfile:
    """Training scores as ten bins of equal frequency, small enough for a manifest."""

    edges: tuple[float, ...]
    """Between the bins, rising; a score on an edge is above it."""
    shares: tuple[float, ...]
    """What each bin holds; not exactly a tenth where scores repeat."""
    scores: int

    @classmethod
    def of(cls, scores: Vector) -> ScoreProfile:
        """Summarise the scores [n] of the training data."""
        edges = np.unique(np.round(np.quantile(scores, np.linspace(0.0, 1.0, _BINS + 1)[1:-1]), _DIGITS))
        counts = np.bincount(np.searchsorted(edges, scores, side="right"), minlength=len(edges) + 1)
        shares = np.round(counts / len(scores), _DIGITS)
        return cls(tuple(edges.tolist()), tuple(shares.tolist()), len(scores))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ScoreProfile:
        """Read what `as_json` returned. Raises KeyError, TypeError or ValueError for anything else."""
        edges, shares = tuple(map(float, values["edges"])), tuple(map(float, values["shares"]))
        if len(shares) != len(edges) + 1:
            raise ValueError(f"{len(edges)} edges cannot bound {len(shares)} bins")
        return cls(edges, shares, int(values["scores"]))

    def as_json(self) -> dict[str, Any]:
        """Return it for a manifest."""
        return {"edges": self.edges, "shares": self.shares, "scores": self.scores}


@dataclass(frozen=True, slots=True)
class DriftVerdict:
    """`drifted` only where the shift is both large and too unlikely to be chance."""

    drifted: bool
    stability_index: float
    p_value: float
    reason: str


@dataclass(frozen=True, slots=True)
class ModelDrift:
    """How a classifier's predictions of one model compare with those of training."""

    classifier: str
    """The strategy's path."""
    model: str
    scores: int
    """How many were compared."""
    verdict: DriftVerdict


class DriftMonitor(Protocol):
    """Is told how the scores of classifiers fare."""

    def judged(self, classifier: str, model: str, verdict: DriftVerdict) -> None:
        """A window of a model's scores is full; `classifier` is the strategy's path."""


def profile_scores(models: Sequence[str], scores: Matrix) -> dict[str, ScoreProfile]:
    """Return the profiles of held-out scores [n, models].

    Left out are models whose scores hardly vary, and all of them where there are too few to tell a shift from chance.
    """
    if len(scores) < _MIN_TRAINING_SCORES:
        return {}
    spread = scores.std(axis=0)
    return {name: ScoreProfile.of(scores[:, j]) for j, name in enumerate(models) if spread[j] >= _LEAST_SPREAD}


def check_drift(profile: ScoreProfile, live: Sequence[float] | Vector) -> DriftVerdict:
    """Compare live scores with the profile."""
    counts = [0] * len(profile.shares)
    for score in live:
        counts[bisect_right(profile.edges, score)] += 1
    return _judge(profile, counts)


class DriftWatch:
    """Counts a classifier's live scores and tells a monitor of every full window; not for several threads.

    Memory is a few hundred bytes per model, and a score costs a fraction of a microsecond.
    """

    __slots__ = ("_classifier", "_monitor", "_seen", "_watched")

    def __init__(
        self, classifier: str, profiles: Mapping[str, tuple[int, ScoreProfile]], monitor: DriftMonitor
    ) -> None:
        """Watch models by name, each with its place among the scores that will come and its profile."""
        self._classifier = classifier
        self._monitor = monitor
        self._seen = 0
        self._watched = [
            (model, place, profile, profile.edges, [0] * len(profile.shares))
            for model, (place, profile) in profiles.items()
        ]

    def observe(self, scores: Sequence[float]) -> None:
        """Take the scores of one query."""
        for _, place, _, edges, counts in self._watched:
            counts[bisect_right(edges, scores[place])] += 1
        self._seen += 1
        if self._seen == WINDOW:
            self._close()

    def _close(self) -> None:
        self._seen = 0
        for model, _, profile, _, counts in self._watched:
            self._monitor.judged(self._classifier, model, _judge(profile, counts))
            counts[:] = [0] * len(counts)


def _judge(profile: ScoreProfile, counts: Sequence[int]) -> DriftVerdict:
    n, bins = sum(counts), len(counts)
    if n < _MIN_LIVE_SCORES:
        return DriftVerdict(False, 0.0, 1.0, f"{n} live scores, {_MIN_LIVE_SCORES} are needed to tell")
    index = statistic = 0.0
    for count, share in zip(counts, profile.shares, strict=True):
        expected = (share * profile.scores + 0.5) / (profile.scores + 0.5 * bins)
        observed = (count + 0.5) / (n + 0.5 * bins)
        index += (observed - expected) * math.log(observed / expected)
        statistic += (count / n - share) ** 2 / (expected * (1.0 / n + 1.0 / profile.scores))
    p_value = _chi_squared_above(statistic, bins - 1)
    drifted = index >= SHIFTED and p_value < _FALSE_ALARM
    if not drifted:
        return DriftVerdict(False, index, p_value, f"live scores look like those of training: index {index:.2f}")
    direction = "higher" if _centre(counts) / n > _centre(profile.shares) else "lower"
    reason = f"live scores are {direction} than in training: index {index:.2f}; label some and train again"
    return DriftVerdict(True, index, p_value, reason)


def _centre(weights: Sequence[float]) -> float:
    return sum(place * weight for place, weight in enumerate(weights))


def _chi_squared_above(statistic: float, degrees: int) -> float:
    """Return the upper tail by Wilson and Hilferty's approximation."""
    if degrees < 1:
        return 1.0
    z = ((statistic / degrees) ** (1 / 3) - (1 - 2 / (9 * degrees))) / math.sqrt(2 / (9 * degrees))
    return 0.5 * math.erfc(z / math.sqrt(2))
