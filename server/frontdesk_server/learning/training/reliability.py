"""How far predicted qualities can be trusted as numbers: Brier score and expected calibration error."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ModelReliability", "measure_reliability"]

Matrix = NDArray[np.float64]

_BINS = 10


@dataclass(frozen=True, slots=True)
class ModelReliability:
    """One model's predictions against its outcomes."""

    model: str
    rows: int
    mean_quality: float
    brier: float
    """Mean squared difference of prediction and outcome."""
    brier_of_mean: float
    """The same for predicting the mean every time: what a useful predictor beats."""
    ece: float
    """Expected calibration error over ten equally full bins."""

    def as_dict(self) -> dict[str, Any]:
        """Return it for a manifest or for JSON."""
        return {key: round(value, 5) if isinstance(value, float) else value for key, value in asdict(self).items()}


def measure_reliability(models: Sequence[str], predicted: Matrix, quality: Matrix) -> list[ModelReliability]:
    """Compare predictions with outcomes, both [n, models]; NaN outcomes do not count."""
    measured = []
    for j, model in enumerate(models):
        known = np.flatnonzero(~np.isnan(quality[:, j]))
        if len(known):
            p, q = predicted[known, j], quality[known, j]
            brier, of_mean = float(((p - q) ** 2).mean()), float(q.var())
            measured.append(
                ModelReliability(model, len(known), float(q.mean()), brier, of_mean, _calibration_error(p, q))
            )
    return measured


def _calibration_error(predicted: Matrix, quality: Matrix) -> float:
    order = np.argsort(predicted, kind="stable")
    bins = np.array_split(order, min(_BINS, len(order)))
    return float(sum(len(rows) * abs(predicted[rows].mean() - quality[rows].mean()) for rows in bins) / len(order))
