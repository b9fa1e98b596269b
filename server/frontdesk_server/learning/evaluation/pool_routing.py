"""Routing among N models by predicted quality: every policy that a price on quality gives, from cheapest to best.

At a price p each query takes the model with the highest ``quality - p * cost``, by the predicted quality and the cost
expected of the model for a query of that size. A model whose outcome on a query is unknown cannot be chosen for it.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "best_at_cost",
    "best_single",
    "choices_at_cost",
    "choices_by_price",
    "envelope",
    "expected_costs",
    "pool_points",
    "quality_by_length",
    "shuffled_points",
]

Matrix = NDArray[np.float64]

_STEPS = 100
_LEAST_SHARE_OF_MEAN_COST = 0.1
_NEARLY_ALWAYS_KNOWN = 0.95
_ROUNDING = 1.0 + 1e-9


def expected_costs(cost: Matrix, sizes: Matrix) -> Matrix:
    """Return the cost to expect of each model on queries of these sizes, [n, models]: a straight line for each model.

    It is fitted to the recorded costs, so that it knows what a model costs at a length, and not what a query did cost.
    """
    lines = _fitted_lines(cost, sizes)
    return np.asarray(np.maximum(lines, _LEAST_SHARE_OF_MEAN_COST * np.nanmean(cost, axis=0)))


def quality_by_length(quality: Matrix, sizes: Matrix) -> Matrix:
    """Return what length alone predicts, [n, models]; fitted to the very outcomes, which favours this baseline."""
    return _fitted_lines(quality, np.log1p(sizes))


def best_single(quality: Matrix) -> int:
    """Return the column of the model that is best when asked always, among those known on nearly every query."""
    known = ~np.isnan(quality)
    candidates = np.flatnonzero(known.mean(axis=0) >= _NEARLY_ALWAYS_KNOWN)
    if not len(candidates):
        candidates = known.sum(axis=0).argmax(keepdims=True)
    return int(candidates[np.nanmean(quality[:, candidates], axis=0).argmax()])


def pool_points(predicted: Matrix, expected_cost: Matrix, quality: Matrix, cost: Matrix) -> tuple[Matrix, Matrix]:
    """Return mean cost and mean quality at each price; all arguments are [n, models]."""
    rows = np.arange(len(predicted))
    points = [
        (cost[rows, chosen].mean(), quality[rows, chosen].mean())
        for chosen in choices_by_price(predicted, expected_cost, quality, cost)
    ]
    paid, reached = np.array(points).T
    return paid, reached


def shuffled_points(predicted: Matrix, expected_cost: Matrix, quality: Matrix, cost: Matrix) -> tuple[Matrix, Matrix]:
    """Return the same with the choices at each price shuffled over the queries, in the mean over all shuffles."""
    usual_cost, usual_quality = np.nanmean(cost, axis=0), np.nanmean(quality, axis=0)
    points = [
        (usual_cost[chosen].mean(), usual_quality[chosen].mean())
        for chosen in choices_by_price(predicted, expected_cost, quality, cost)
    ]
    paid, reached = np.array(points).T
    return paid, reached


def choices_at_cost(
    predicted: Matrix, expected_cost: Matrix, quality: Matrix, cost: Matrix, limit: float
) -> NDArray[np.int64] | None:
    """Return the columns chosen at the lowest price whose mean cost keeps within a limit; None where none does."""
    rows = np.arange(len(predicted))
    for chosen in choices_by_price(predicted, expected_cost, quality, cost):
        if cost[rows, chosen].mean() <= limit * _ROUNDING:
            return chosen
    return None


def best_at_cost(cost: Matrix, quality: Matrix, limit: float) -> tuple[float, float]:
    """Return the cost and quality of the best point within a cost, NaN where there is none."""
    within = np.flatnonzero(cost <= limit * _ROUNDING)
    if not len(within):
        return float("nan"), float("nan")
    best = within[quality[within].argmax()]
    return float(cost[best]), float(quality[best])


def envelope(cost: Matrix, quality: Matrix) -> tuple[Matrix, Matrix]:
    """Return the points that no cheaper one beats, in order of rising cost and quality."""
    order = np.lexsort((-quality, cost))
    best = np.maximum.accumulate(quality[order])
    kept = np.concatenate([[True], best[1:] > best[:-1]])
    return cost[order][kept], quality[order][kept]


def choices_by_price(
    predicted: Matrix, expected_cost: Matrix, quality: Matrix, cost: Matrix
) -> Iterator[NDArray[np.int64]]:
    """Yield the column chosen for each query, at each price, from none to the dearest."""
    paid = expected_cost[expected_cost > 0.0]
    prices = np.concatenate([[0.0], np.geomspace(1e-4, 1e3, _STEPS)]) / (np.median(paid) if len(paid) else 1.0)
    available = np.where(np.isnan(quality + cost), -np.inf, predicted)
    for price in prices:
        yield (available - price * expected_cost).argmax(axis=1)


def _fitted_lines(values: Matrix, inputs: Matrix) -> Matrix:
    """Return a least-squares line per column, evaluated at the inputs; unknown values are left out."""
    design = np.column_stack([np.ones(len(inputs)), inputs])
    fitted = np.empty_like(values)
    for j, column in enumerate(values.T):
        known = np.flatnonzero(~np.isnan(column))
        fitted[:, j] = design @ np.linalg.lstsq(design[known], column[known], rcond=None)[0]
    return fitted
