"""What routing itself adds, so that nothing flatters itself.

A router that knows which model is better on average, but nothing of a query, gains by choosing that model: routing adds
nothing. So what its choices reached is compared, query by query, with

* the same choices shuffled over the queries: as many for each model, of a cascade as many escalations;
* the choices by nearest neighbours in the embedding (:mod:`.neighbours`).

Choices that send long queries to a dear model cost more than the same shuffled. Where costs are recorded, what one side
spends more is therefore taken off its quality, at what quality costs between the cheapest and the best single model:
for two models that is the comparison with dice at the same cost.

Predictions alone choose nothing yet: every model's mean prediction is taken off, and each query goes to the model that
gains most beyond its mean. A router that has chosen is compared with the neighbours at no more than its own cost.
Errors are standard errors over queries.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.learning.evaluation.neighbours import FEWEST, Neighbours

__all__ = ["Added", "added_by_choices", "added_by_predictions", "told_of_added", "verdicts", "worth"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Added = Mapping[str, float | int | bool | str]
"""``over_shuffle``, ``over_shuffle_error``, ``beats_shuffle``; the same of ``neighbours``, where these could be asked,
with their number, ``neighbours``, and whom they were sought among, ``neighbours_among``. In parts of quality."""

_ERRORS_APART = 1.96


def worth(quality: Matrix, cost: Matrix) -> tuple[Matrix, float]:
    """Return quality less cost [n, models], NaN where unknown, and the quality that a nano-USD is worth.

    That is 0, and costs are left out, where the cost of an outcome is unknown.
    """
    if np.isnan(cost[~np.isnan(quality)]).any():
        return quality, 0.0
    usual, spent = np.nanmean(quality, axis=0), np.nanmean(np.where(np.isnan(quality), np.nan, cost), axis=0)
    best, cheapest = int(usual.argmax()), int(spent.argmin())
    dearer = float(spent[best] - spent[cheapest])
    rate = float(usual[best] - usual[cheapest]) / dearer if dearer > 0.0 else 0.0
    return quality - rate * np.nan_to_num(cost), rate


def added_by_predictions(predicted: Matrix, quality: Matrix, cost: Matrix, neighbours: Neighbours | None) -> Added:
    """Compare by predictions, outcomes and costs (NaN where unknown), all [n, models]; each query has an outcome."""
    outcomes, _ = worth(quality, cost)
    mine = _gains_beyond_means(predicted, outcomes)
    ahead = mine - _gains_beyond_means(neighbours.expected, outcomes) if neighbours else None
    return _compared(mine, ahead, neighbours)


def added_by_choices(
    reached: Vector, shuffled: Vector, by_neighbours: Vector | None, neighbours: Neighbours | None
) -> Added:
    """Compare what was `reached` with the same choices `shuffled`, and with what neighbours reach at that cost.

    All are [n] and less their costs, the last None where that is unknown.
    """
    ahead = None if by_neighbours is None else reached - by_neighbours
    return _compared(reached - shuffled, ahead, neighbours)


def told_of_added(added: Added) -> str:
    """What routing itself adds, in points of quality, and whether that is more than its error."""
    told = f"Routing adds {_points(added, 'over_shuffle')} points to the same choices shuffled"
    if "over_neighbours" in added:
        told += (
            f", and {_points(added, 'over_neighbours')} to those of the {added['neighbours']} nearest neighbours among "
            f"{added['neighbours_among']}"
        )
    else:
        told += (
            f"; nearest neighbours were not asked, which takes {FEWEST} queries, and of choices the costs of all models"
        )
    if not added["beats_shuffle"]:
        return f"{told}. The first is not more than its error: nothing shows that it beats dice at the same cost."
    if not added.get("beats_neighbours", True):
        return f"{told}. The second is not more than its error: plain neighbours would route as well."
    return f"{told}."


def verdicts(result: Mapping[str, Any]) -> list[str]:
    """What every reader of an evaluation's result must be told beside its figures, in sentences."""
    told = [told_of_added(added)] if (added := result["routing_adds"]) else []
    if unknown := result.get("routing_adds_unknown"):
        told.append(f"What routing itself adds cannot be told: {unknown}.")
    if result.get("learned_from_these"):
        told.append("These are the very queries that it was learned from: on others it will do worse.")
    return told


def _compared(over_shuffle: Vector, over_neighbours: Vector | None, neighbours: Neighbours | None) -> Added:
    added = _figures("shuffle", over_shuffle)
    if over_neighbours is None or neighbours is None:
        return added
    among: Added = {"neighbours": neighbours.number, "neighbours_among": neighbours.among}
    return {**added, **among, **_figures("neighbours", over_neighbours)}


def _figures(rival: str, ahead: Vector) -> Added:
    mean, error = float(ahead.mean()), float(ahead.std(ddof=1)) / sqrt(len(ahead)) if len(ahead) > 1 else 0.0
    return {
        f"over_{rival}": round(mean, 5),
        f"over_{rival}_error": round(error, 5),
        f"beats_{rival}": mean > _ERRORS_APART * error,
    }


def _gains_beyond_means(predicted: Matrix, quality: Matrix) -> Vector:
    """What each query's choice reached, above the mean of the chosen model."""
    usual = np.nanmean(quality, axis=0)
    expected = np.isfinite(predicted)
    mean = np.where(expected, predicted, 0.0).sum(axis=0) / np.maximum(expected.sum(axis=0), 1)
    chosen = np.where(expected & ~np.isnan(quality), predicted - mean, -np.inf).argmax(axis=1)
    return np.asarray(quality[np.arange(len(quality)), chosen] - usual[chosen])


def _points(added: Added, name: str) -> str:
    return f"{100 * float(added[name]):.1f} ± {100 * float(added[f'{name}_error']):.1f}"
