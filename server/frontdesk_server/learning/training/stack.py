"""Choosing regularisation by cross-validation, and weighing the blocks by what they predict out of fold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from frontdesk_server.learning.training.blocks import BLOCKS, Fitted, Targets
from frontdesk_server.learning.training.matrix import FeatureMatrix

__all__ = ["Stack", "fit_stack"]

Matrix = NDArray[np.float64]

_EQUAL_PRIOR_GROUPS = 5000.0
"""The weights are shrunk to equal ones as if this many groups had asked for them, fewer the more targets there are:
what a block gains out of fold is mostly noise."""
_SCALE_PRIOR_GROUPS = 150.0
"""As if this many groups had found the mean of the blocks well scaled: an unlucky sample must not silence them all."""


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Blocks fitted to all rows, with their weights and what they predicted out of fold."""

    fitted: Mapping[str, Fitted]
    weights: Mapping[str, float]
    strengths: Mapping[str, float]
    mean: Matrix
    """[targets]."""
    out_of_fold: Matrix
    """[n, targets], each row predicted by a stack whose blocks had not seen its group."""

    def predict(self, features: FeatureMatrix) -> Matrix:
        """Return the targets it expects, shape [n, targets]."""
        parts = (self.weights[name] * (block.predict(features) - self.mean) for name, block in self.fitted.items())
        return self.mean + sum(parts, start=np.zeros((len(features), len(self.mean))))


def fit_stack(
    features: FeatureMatrix,
    targets: Targets,
    folds: NDArray[np.int64],
    names: Sequence[str],
    *,
    groups: int,
    seed: int,
    advance: Callable[[int], None] = lambda _: None,
) -> Stack:
    """Fit the named blocks, each at the strength that predicts best out of fold, and weigh them.

    `groups` is how many independent groups the folds were dealt from: the evidence counts in groups, not in rows.
    """
    mean = targets.values.mean(axis=0)
    out_of_fold: dict[str, Matrix] = {}
    strengths: dict[str, float] = {}
    for name in names:
        candidates = {}
        for strength in BLOCKS[name][1]:
            candidates[strength] = _predict_out_of_fold(name, strength, features, targets, folds, seed)
            advance(1)
        strengths[name] = min(candidates, key=lambda strength: _error(candidates[strength], targets.values, mean))
        out_of_fold[name] = candidates[strengths[name]] - mean
    weights = _weigh(out_of_fold, targets.values - mean, len(features) / groups)
    return Stack(
        fitted={name: BLOCKS[name][0](features, targets, strengths[name], seed) for name in names},
        weights=weights,
        strengths=strengths,
        mean=mean,
        out_of_fold=mean + sum(weights[name] * out_of_fold[name] for name in names),
    )


def _predict_out_of_fold(
    name: str, strength: float, features: FeatureMatrix, targets: Targets, folds: NDArray[np.int64], seed: int
) -> Matrix:
    predicted = np.empty_like(targets.values)
    for fold in np.unique(folds):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        seen = Targets(targets.values[train], targets.domains[train])
        predicted[test] = BLOCKS[name][0](features.take(train), seen, strength, seed).predict(features.take(test))
        # A fold's own mean is no merit of the block.
        predicted[test] += targets.values.mean(axis=0) - seen.values.mean(axis=0)
    return predicted


def _error(predicted: Matrix, values: Matrix, mean: Matrix) -> float:
    """Squared error after the best rescaling, since the stack rescales."""
    deviation, truth = predicted - mean, values - mean
    scale = max(0.0, float((deviation * truth).sum() / ((deviation**2).sum() + 1e-12)))
    return float(((scale * deviation - truth) ** 2).sum())


def _weigh(out_of_fold: Mapping[str, Matrix], truth: Matrix, rows_per_group: float) -> dict[str, float]:
    """Non-negative least squares, shrunk to the equal weights that fit best."""
    doubt = rows_per_group / truth.shape[1]
    names = list(out_of_fold)
    columns = np.column_stack([out_of_fold[name].ravel() for name in names])
    values = truth.ravel()
    total = columns.sum(axis=1)
    prior = _SCALE_PRIOR_GROUPS * doubt * (total**2).mean()
    equal = max(0.0, float((total @ values + prior / len(names)) / (total @ total + prior + 1e-12)))
    pull = np.sqrt(_EQUAL_PRIOR_GROUPS * doubt * (columns**2).mean())
    augmented = np.vstack([columns, pull * np.eye(len(names))])
    weights, _ = nnls(augmented, np.concatenate([values, np.full(len(names), pull * equal)]))
    return dict(zip(names, map(float, weights), strict=True))
