"""What routing itself adds, so that nothing flatters itself.

A router that knows which model is better on average, but nothing of a query, gains by choosing that model: routing adds
nothing. So what its choices reached is compared, query by query, with

* the same choices shuffled over the queries: as many for each model, of a cascade as many escalations;
* the choices by nearest neighbours in the embedding (:mod:`.neighbours`).

Choices that send long queries to a dear model cost more than the same shuffled. Where costs are recorded, what one side
spends more is therefore taken off its quality, at what quality costs between the cheapest and the best single model:
for two models that is the comparison with dice at the same cost.

Predictions alone choose nothing yet: every model's mean prediction is taken off, among queries for which the same
others were learned from, and each query goes to the model that gains most beyond its mean. A router that has chosen is
compared with the neighbours at no more than its own cost.
Errors are standard errors over queries.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.learning.evaluation.neighbours import FEWEST, Neighbours
from frontdesk_server.learning.evaluation.standing import JUDGED, TESTED, Standing, standing, told_points

__all__ = ["Added", "added_by_choices", "added_by_predictions", "told_of_added", "verdicts", "worth"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Added = Mapping[str, float | int | bool | str]
"""``over_shuffle``, ``over_shuffle_error``, ``beats_shuffle``; the same of ``neighbours``, where these could be asked,
with their number, ``neighbours``, and whom they were sought among, ``neighbours_among``. In parts of quality."""


def worth(quality: Matrix, cost: Matrix) -> tuple[Matrix, float, Vector]:
    """Return quality less cost [n, models], NaN where unknown, the quality that a nano-USD is worth, and its sway.

    The worth is 0, and costs are left out, where the cost of an outcome is unknown. Its sway [n] is what each query
    adds to it beyond the mean query, which its error comes from.
    """
    if np.isnan(cost[~np.isnan(quality)]).any():
        return quality, 0.0, np.zeros(len(quality))
    spent = np.where(np.isnan(quality), np.nan, cost)
    usual = np.nanmean(spent, axis=0)
    best, cheapest = int(np.nanmean(quality, axis=0).argmax()), int(usual.argmin())
    dearer = float(usual[best] - usual[cheapest])
    rate = float(np.nanmean(quality[:, best]) - np.nanmean(quality[:, cheapest])) / dearer if dearer > 0.0 else 0.0
    kept = quality - rate * np.nan_to_num(cost)
    sway = (kept[:, best] - kept[:, cheapest]) / dearer if dearer > 0.0 else np.zeros(len(quality))
    return kept, rate, np.where(np.isnan(sway), 0.0, sway - _means(sway))


def added_by_predictions(
    predicted: Matrix,
    quality: Matrix,
    cost: Matrix,
    neighbours: Neighbours | None,
    folds: NDArray[np.int64] | None = None,
) -> Added:
    """Compare by predictions, outcomes and costs (NaN where unknown), all [n, models]; each query has an outcome.

    `folds` [n] are alike where predictions were learned from the same outcomes; None where no outcome was learned from.
    """
    outcomes, _, _ = worth(quality, cost)
    mine = _gains_beyond_means(predicted, outcomes, np.zeros(len(quality), dtype=np.int64) if folds is None else folds)
    ahead = mine - _gains_beyond_means(neighbours.expected, outcomes, neighbours.folds) if neighbours else None
    return _compared(mine, ahead, neighbours)


def added_by_choices(
    reached: Vector, shuffled: Vector, by_neighbours: Vector | None, neighbours: Neighbours | None
) -> Added:
    """Compare what was `reached` with the same choices `shuffled`, and with what neighbours reach at that cost.

    All are [n] and less their costs, the last None where that is unknown.
    """
    ahead = None if by_neighbours is None else reached - by_neighbours
    return _compared(reached - shuffled, ahead, neighbours, 1.0 if neighbours is None else neighbours.doubt)


def told_of_added(added: Added) -> str:
    """What routing itself adds, in points of quality, and whether that is shown, of dice and of neighbours."""
    dice = float(added["over_shuffle"]), float(added["over_shuffle_error"])
    told = f"Routing adds {told_points(*dice)} points to the same choices shuffled"
    judged = JUDGED["shuffled"][standing(*dice)]
    if "over_neighbours" not in added:
        told += (
            f"; nearest neighbours were not asked, which takes {FEWEST} queries, and of choices the costs of all models"
        )
    else:
        near = float(added["over_neighbours"]), float(added["over_neighbours_error"])
        among = f"the {added['neighbours']} nearest neighbours among {added['neighbours_among']}"
        told += f", and {told_points(*near)} to those of {among}"
        judged += f", and {JUDGED['neighbours'][standing(*near)]}"
    return f"{told}. It {judged} ({TESTED})."


def verdicts(result: Mapping[str, Any]) -> list[str]:
    """What every reader of an evaluation's result must be told beside its figures, in sentences."""
    told = [told_of_added(added)] if (added := result["routing_adds"]) else []
    if unknown := result.get("routing_adds_unknown"):
        told.append(f"What routing itself adds cannot be told: {unknown}.")
    if result.get("learned_from_these"):
        told.append("These are the very queries that it was learned from: on others it will do worse.")
    return told


def _compared(
    over_shuffle: Vector, over_neighbours: Vector | None, neighbours: Neighbours | None, doubt: float = 1.0
) -> Added:
    added = _figures("shuffle", over_shuffle)
    if over_neighbours is None or neighbours is None:
        return added
    among: Added = {"neighbours": neighbours.number, "neighbours_among": neighbours.among}
    return {**added, **among, **_figures("neighbours", over_neighbours, doubt)}


def _figures(rival: str, ahead: Vector, doubt: float = 1.0) -> Added:
    mean, error = float(ahead.mean()), doubt * float(ahead.std(ddof=1)) / sqrt(len(ahead)) if len(ahead) > 1 else 0.0
    return {
        f"over_{rival}": round(mean, 5),
        f"over_{rival}_error": round(error, 5),
        f"beats_{rival}": standing(mean, error) is Standing.BETTER,
    }


def _gains_beyond_means(predicted: Matrix, quality: Matrix, folds: NDArray[np.int64]) -> Vector:
    """What each query's choice reached, above the mean of the chosen model in the query's fold.

    Means are those of the fold, of predictions and of outcomes: what was learned from the other folds expects of a
    model less where this fold has more, so that over all folds even predictions that are alike within each would do
    worse than chance.
    """
    gains = np.empty(len(quality))
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        expects = np.where(np.isfinite(predicted[rows]), predicted[rows], np.nan)
        beyond, gained = expects - _means(expects), quality[rows] - _means(quality[rows])
        chosen = np.where(np.isnan(beyond + gained), -np.inf, beyond).argmax(axis=1)
        gains[rows] = gained[np.arange(len(rows)), chosen]
    return gains


def _means(values: NDArray[np.float64]) -> Vector:
    """The mean over queries, 0 where nothing is known."""
    known = ~np.isnan(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
