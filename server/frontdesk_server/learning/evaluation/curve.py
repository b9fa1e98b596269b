"""The curve of routing between a weak and a strong model, exactly as RouteLLM's evaluation draws it.

Ong et al. (2024), arXiv 2406.18665, ``routellm/evals``: thresholds are the eleven edges of ten equal-frequency bins of
the score; a query goes to the strong model at score >= threshold, at the last edge at score > threshold. APGR
integrates the recovered gap over the strong share by trapezoids. CPT(x) is the strong share at which x percent of the
gap are recovered, interpolated linearly between the points in order of strong share.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RECOVERIES", "PairCurve", "pair_curve"]

Matrix = NDArray[np.float64]

BINS = 10
RECOVERIES = (20, 50, 80)
"""Percent of the quality gap whose price CPT names."""


@dataclass(frozen=True, slots=True, eq=False)
class PairCurve:
    """Eleven points in order of rising strong share, and the two models alone."""

    strong_share: Matrix
    quality: Matrix
    weak_quality: float
    strong_quality: float

    @property
    def apgr(self) -> float:
        """Average performance gap recovered: about 0.5 by chance; NaN where the models do not differ."""
        gap = self.strong_quality - self.weak_quality
        width = self.strong_share[-1] - self.strong_share[0]
        if gap == 0.0 or width == 0.0:
            return float("nan")
        return float((np.trapezoid(self.quality, self.strong_share) / width - self.weak_quality) / gap)

    def cpt(self, recovery_percent: float) -> float:
        """Percent of queries that go to the strong model when this much of the gap is recovered."""
        target = self.weak_quality + recovery_percent / 100.0 * (self.strong_quality - self.weak_quality)
        return float(100.0 * np.interp(target, self.quality, self.strong_share))


def pair_curve(score: Matrix, weak: Matrix, strong: Matrix) -> PairCurve:
    """Draw the curve of a score (higher: rather the strong model) over both models' outcomes, all of shape [n]."""
    edges = np.quantile(score, np.linspace(0.0, 1.0, BINS + 1))
    choices = [score >= edge for edge in edges[:-1]] + [score > edges[-1]]
    points = sorted((choice.mean(), np.where(choice, strong, weak).mean()) for choice in choices)
    share, quality = np.array(points).T
    return PairCurve(share, quality, float(weak.mean()), float(strong.mean()))
