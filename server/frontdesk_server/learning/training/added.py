"""What routing by a predictor adds, so that no training flatters itself.

A predictor that knows which model is better on average, but nothing of a query, gains by choosing that model: routing
adds nothing. So every model's mean prediction is taken off, each query goes to the model that gains most beyond its
mean, and the qualities reached are compared with

* the same choices shuffled over the queries: as many for each model, hence at the same expected cost;
* the choices of the nearest neighbours in the embedding, whose number is chosen to predict best.

All predictions are out of fold. Errors are standard errors over queries.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import numpy as np
from numpy.typing import NDArray

__all__ = ["added_by_routing", "neighbour_predictions"]

Matrix = NDArray[np.float64]

NUMBERS_OF_NEIGHBOURS = (5, 10, 20, 40, 80, 160)
_MOST_REMEMBERED = 10_000
"""Training rows among which neighbours are sought, so that it takes seconds whatever the data."""
_CHUNK = 500
_ERRORS_APART = 1.96


def added_by_routing(
    predicted: Matrix, quality: Matrix, vectors: Matrix, folds: NDArray[np.int64], seed: int
) -> Mapping[str, float | int | bool]:
    """Figures for predictions, outcomes (NaN where unknown), both [n, models], and unit vectors [n, dimension]."""
    by_neighbours, neighbours = neighbour_predictions(quality, vectors, folds, seed)
    mine, theirs = _gains(predicted, quality), _gains(by_neighbours, quality)
    ahead = mine - theirs
    gain, error = _mean_and_error(mine)
    over, over_error = _mean_and_error(ahead)
    return {
        "over_shuffle": round(gain, 5),
        "over_shuffle_error": round(error, 5),
        "neighbours": neighbours,
        "over_neighbours": round(over, 5),
        "over_neighbours_error": round(over_error, 5),
        "beats_shuffle": gain > _ERRORS_APART * error,
        "beats_neighbours": over > _ERRORS_APART * over_error,
    }


def neighbour_predictions(quality: Matrix, vectors: Matrix, folds: NDArray[np.int64], seed: int) -> tuple[Matrix, int]:
    """The mean outcome [n, models] of each query's nearest neighbours of other folds, and their best number."""
    numbers = NUMBERS_OF_NEIGHBOURS
    known, filled = (~np.isnan(quality)).astype(float), np.nan_to_num(quality)
    usual = filled.sum(axis=0) / np.maximum(known.sum(axis=0), 1.0)
    predictions = np.empty((len(numbers), *quality.shape))
    draw = np.random.default_rng(seed)
    for fold in np.unique(folds):
        others = np.flatnonzero(folds != fold)
        if len(others) > _MOST_REMEMBERED:
            others = np.sort(draw.choice(others, _MOST_REMEMBERED, replace=False))
        rows = np.flatnonzero(folds == fold)
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            nearest = others[np.argsort(-(vectors[chunk] @ vectors[others].T), axis=1)[:, : numbers[-1]]]
            seen, reached = known[nearest].cumsum(axis=1), filled[nearest].cumsum(axis=1)
            for place, number in enumerate(numbers):
                at = min(number, nearest.shape[1]) - 1
                # As if one more neighbour had fared as usual, for models of whom few outcomes are known.
                predictions[place, chunk] = (reached[:, at] + usual) / (seen[:, at] + 1.0)
    misses = [np.nanmean((of_number - quality) ** 2) for of_number in predictions]
    best = int(np.argmin(misses))
    return predictions[best], numbers[best]


def _gains(predicted: Matrix, quality: Matrix) -> Matrix:
    """What each query's choice reached, above the mean of the chosen model."""
    known = ~np.isnan(quality)
    usual = np.nanmean(quality, axis=0)
    beyond = np.where(known, predicted - predicted.mean(axis=0), -np.inf)
    chosen = beyond.argmax(axis=1)
    return np.asarray(quality[np.arange(len(quality)), chosen] - usual[chosen])


def _mean_and_error(values: Matrix) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1)) / sqrt(len(values))
