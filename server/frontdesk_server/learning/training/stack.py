"""Choosing regularisation by cross-validation, and weighing the blocks by what they predict out of fold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

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
    unseen: Matrix
    """[n, targets], the same by a stack whose strengths and weights, too, were chosen without the row's fold."""

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

    There are three folds or more. `groups` is how many independent groups they were dealt from: the evidence counts in
    groups, not in rows.
    """
    views = _views(folds)
    means = [targets.values[view].mean(axis=0) for view in views]
    strengths: list[dict[str, float]] = [{} for _ in views]
    expected: list[dict[str, Matrix]] = [{} for _ in views]
    for name in names:
        candidates = {}
        for strength in BLOCKS[name][1]:
            candidates[strength] = _predict_out_of_fold(name, strength, features, targets, folds, seed)
            advance(1)
        for number, (view, mean) in enumerate(zip(views, means, strict=True)):
            errors = {
                strength: _error(predicted[number, view], targets.values[view], mean)
                for strength, predicted in candidates.items()
            }
            strengths[number][name] = best = min(errors, key=errors.__getitem__)
            expected[number][name] = candidates[best][number] - mean
    doubt = len(features) / groups
    weights = [
        _weigh({name: part[view] for name, part in parts.items()}, targets.values[view] - mean, doubt)
        for view, mean, parts in zip(views, means, expected, strict=True)
    ]
    weighed = [
        mean + sum(of[name] * parts[name] for name in names)
        for mean, of, parts in zip(means, weights, expected, strict=True)
    ]
    return Stack(
        fitted={name: BLOCKS[name][0](features, targets, strengths[0][name], seed) for name in names},
        weights=weights[0],
        strengths=strengths[0],
        mean=means[0],
        out_of_fold=weighed[0],
        unseen=np.where(views[1:, :, None], 0.0, weighed[1:]).sum(axis=0),
    )


def _views(folds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows are learned from, [1 + folds, n]: all of them, and all without each fold in turn."""
    return np.vstack([np.ones(len(folds), dtype=bool), *(folds != fold for fold in np.unique(folds))])


def _predict_out_of_fold(
    name: str, strength: float, features: FeatureMatrix, targets: Targets, folds: NDArray[np.int64], seed: int
) -> Matrix:
    """What a block expects of every row in each view, [1 + folds, n, targets], its fold never seen.

    Of a view without fold f, the other rows are predicted without their own fold and f: what is chosen by them is then
    chosen without f, whose own rows are predicted without f alone.
    """
    views = _views(folds)
    numbers = len(views)
    predicted = np.empty((numbers, *targets.values.shape))
    for one, other in combinations_with_replacement(range(1, numbers), 2):
        seen = np.flatnonzero(views[one] & views[other])
        learned = Targets(targets.values[seen], targets.domains[seen])
        block = BLOCKS[name][0](features.take(seen), learned, strength, seed)
        for view, left in ((0 if one == other else one, other), (other, one)):
            rows = np.flatnonzero(~views[left])
            # A fold's own mean is no merit of the block.
            usual = targets.values[views[view]].mean(axis=0) - learned.values.mean(axis=0)
            predicted[view, rows] = block.predict(features.take(rows)) + usual
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
