"""How hard recorded queries are, whoever answered them: the item response model of Rasch (1960).

A model of ability a answers a query of difficulty d right with log-odds a - d. Abilities and difficulties are found
together over all sets, which models that occur in several of them tie to one scale, so that a query that only weak
models failed is not taken for one that nobody can answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.learning.data.dataset import Dataset

__all__ = ["item_difficulties"]

Vector = NDArray[np.float64]

_ABILITY_SPREAD, _DIFFICULTY_SPREAD = 1.5, 2.5
"""Standard deviations of the priors, in log-odds."""
_ROUNDS = 40
_LONGEST_STEP = 1.0


def item_difficulties(datasets: Sequence[Dataset]) -> list[Vector]:
    """For each set the probability [queries] that a model of median ability fails; NaN where nobody was asked.

    The most probable values under normal priors, by alternating Newton steps. Qualities between 0 and 1 count in part.
    """
    names = sorted({model for dataset in datasets for model in dataset.models})
    place = {name: index for index, name in enumerate(names)}
    columns = [np.array([place[model] for model in dataset.models]) for dataset in datasets]
    ability = np.zeros(len(names))
    difficulty = [np.zeros(len(dataset)) for dataset in datasets]
    for _ in range(_ROUNDS):
        slope, curvature = -ability / _ABILITY_SPREAD**2, np.full(len(names), _ABILITY_SPREAD**-2)
        for dataset, of_set, hard in zip(datasets, columns, difficulty, strict=True):
            surplus, weight = _residuals(dataset.quality, ability[of_set], hard)
            np.add.at(slope, of_set, surplus.sum(axis=0))
            np.add.at(curvature, of_set, weight.sum(axis=0))
        ability += np.clip(slope / curvature, -_LONGEST_STEP, _LONGEST_STEP)
        for dataset, of_set, hard in zip(datasets, columns, difficulty, strict=True):
            surplus, weight = _residuals(dataset.quality, ability[of_set], hard)
            step = (-surplus.sum(axis=1) - hard / _DIFFICULTY_SPREAD**2) / (weight.sum(axis=1) + _DIFFICULTY_SPREAD**-2)
            hard += np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
    median = float(np.median(ability))
    return [
        np.where(np.isnan(dataset.quality).all(axis=1), np.nan, _logistic(hard - median))
        for dataset, hard in zip(datasets, difficulty, strict=True)
    ]


def _residuals(
    quality: NDArray[np.float64], ability: Vector, difficulty: Vector
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What came out above what was expected, and the variance of each outcome; 0 where nothing is known."""
    expected = _logistic(ability[None, :] - difficulty[:, None])
    known = ~np.isnan(quality)
    return np.where(known, np.nan_to_num(quality) - expected, 0.0), np.where(known, expected * (1.0 - expected), 0.0)


def _logistic(odds: Vector) -> Vector:
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))
