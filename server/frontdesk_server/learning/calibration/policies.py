"""The policies to calibrate among: thresholds on a pair, quality floors over a pool, points of a cascade."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.cascade.policy import FittedCascade
from frontdesk_server.learning.calibration.calibrate import Policies
from frontdesk_server.learning.cascades.evaluation import replay_fitted
from frontdesk_server.learning.data.recorded import RecordedAnswers

__all__ = ["cascade_policies", "floor_policies", "pair_policies"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

_GRID = 64


def pair_policies(score: Vector, quality: Matrix, cost: Matrix) -> Policies:
    """Ask the strong model at a score of the threshold or above; `quality` and `cost` are [n, 2], weak then strong.

    Thresholds are quantiles of the scores, which are known without any outcome.
    """
    inner = np.unique(np.quantile(score, np.linspace(0.0, 1.0, _GRID)))
    thresholds = np.array([-np.inf, *inner[1:], np.inf])
    weak = score[:, None] < thresholds[None, :]
    loss = np.where(weak, (quality[:, 1] - quality[:, 0])[:, None], 0.0)
    return Policies(tuple(thresholds.tolist()), loss, np.where(weak, cost[:, :1], cost[:, 1:]))


def floor_policies(predicted: Matrix, quality: Matrix, cost: Matrix, expected_cost: Vector) -> Policies:
    """Take the cheapest model whose predicted quality reaches a floor, else the strongest, which is the last column.

    `predicted`, `quality` and `cost` are [n, models]; `expected_cost` [models] orders them. Floors run from above every
    prediction down.
    """
    strongest = predicted.shape[1] - 1
    floors = np.array([np.inf, *np.unique(np.quantile(predicted, np.linspace(0.0, 1.0, _GRID)))[::-1]])
    rows = np.arange(len(predicted))
    losses, costs = [], []
    for floor in floors:
        price = np.where(predicted >= floor, expected_cost, np.inf)
        price[:, strongest] = expected_cost[strongest]
        chosen = price.argmin(axis=1)
        losses.append(quality[:, strongest] - quality[rows, chosen])
        costs.append(cost[rows, chosen])
    return Policies(tuple(floors.tolist()), np.array(losses).T, np.array(costs).T)


def cascade_policies(cascade: FittedCascade, data: RecordedAnswers) -> Policies:
    """Replay the cascade's curve, from dearest to cheapest; the thresholds are the policies' cost weights."""
    runs = replay_fitted(data, cascade, cascade.policies)
    loss = np.array([data.quality[:, -1] - run.quality for run in runs]).T
    return Policies(
        tuple(policy.cost_weight for policy in cascade.policies), loss, np.array([run.cost_nano_usd for run in runs]).T
    )
