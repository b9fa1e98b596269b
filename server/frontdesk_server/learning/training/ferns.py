"""Randomised ferns: regression trees that ask one question per level, averaged by the hundred.

Ferns after Özuysal et al. (2010), splits drawn at random as in extremely randomised trees (Geurts et al., 2006) and the
best of a few kept. A fern of depth d is d comparisons and one look-up, so hundreds are a few numpy calls.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ferns", "fit_ferns"]

Matrix = NDArray[np.float64]

_CANDIDATES = 3
_SAMPLE_SHARE = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Ferns:
    """A fitted ensemble; its prediction is the mean over ferns of the leaf that a row falls into."""

    columns: NDArray[np.int64]
    """[ferns, depth], which input each level compares."""
    thresholds: Matrix
    """[ferns, depth]."""
    leaves: Matrix
    """[ferns, 2 ** depth, targets], deviations from the mean."""
    mean: Matrix
    """[targets]."""

    def predict(self, inputs: Matrix) -> Matrix:
        """Return the predictions, shape [rows, targets]."""
        ferns, depth = self.columns.shape
        places = (inputs[:, self.columns] > self.thresholds) @ (1 << np.arange(depth)[::-1])
        prediction: Matrix = self.mean + self.leaves[np.arange(ferns), places].mean(axis=1)
        return prediction


def fit_ferns(
    inputs: Matrix, targets: Matrix, *, ferns: int, depth: int, shrinkage: float, seed: int, last_as_many: int = 1
) -> Ferns:
    """Fit to targets [rows, targets]; `shrinkage` is the number of mean-valued rows added to every leaf.

    The last input is drawn as often as if it were `last_as_many` of them.
    """
    rng = np.random.default_rng(seed)
    mean = targets.mean(axis=0)
    deviations = targets - mean
    columns = np.zeros((ferns, depth), dtype=np.int64)
    thresholds = np.zeros((ferns, depth))
    leaves = np.zeros((ferns, 1 << depth, targets.shape[1]))
    for fern in range(ferns):
        rows = rng.choice(len(inputs), max(1, int(_SAMPLE_SHARE * len(inputs))), replace=False)
        columns[fern], thresholds[fern], leaves[fern] = _fit_one(
            inputs[rows], deviations[rows], depth, shrinkage, last_as_many, rng
        )
    return Ferns(columns, thresholds, leaves, mean)


def _fit_one(
    inputs: Matrix, deviations: Matrix, depth: int, shrinkage: float, last_as_many: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Matrix, Matrix]:
    last = inputs.shape[1] - 1
    columns = np.zeros(depth, dtype=np.int64)
    thresholds = np.zeros(depth)
    places = np.zeros(len(inputs), dtype=np.int64)
    values: Matrix = np.zeros((1, deviations.shape[1]))
    for level in range(depth):
        best_gain = -1.0
        parents = places
        for _ in range(_CANDIDATES):
            column = min(int(rng.integers(last + last_as_many)), last)
            low, high = inputs[rng.integers(len(inputs), size=2), column]
            threshold = low + (high - low) * rng.random()
            candidate = 2 * parents + (inputs[:, column] > threshold)
            counts, sums = _leaf_sums(candidate, deviations, 2 << level)
            gain = float(((sums**2) / (counts + shrinkage)).sum())
            if gain > best_gain:
                best_gain, places = gain, candidate
                columns[level], thresholds[level] = column, threshold
                values = sums / (counts + shrinkage)
    return columns, thresholds, values


def _leaf_sums(places: NDArray[np.int64], deviations: Matrix, leaves: int) -> tuple[Matrix, Matrix]:
    counts = np.bincount(places, minlength=leaves)[:, None].astype(np.float64)
    sums: Matrix = np.column_stack([np.bincount(places, column, leaves).astype(np.float64) for column in deviations.T])
    return counts, sums
