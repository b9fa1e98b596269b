"""What others reach at no more than the cost of choices that were made, and what routing itself adds to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.learning.evaluation.added import Added, added_by_choices, worth
from frontdesk_server.learning.evaluation.estimates import Figures, plain
from frontdesk_server.learning.evaluation.neighbours import Neighbours
from frontdesk_server.learning.evaluation.pool_routing import (
    best_at_cost,
    choices_at_cost,
    expected_costs,
    pool_points,
    quality_by_length,
)

__all__ = ["Choices", "Outcomes", "beside_at_same_cost", "deal_answers"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


class Outcomes(Protocol):
    """What each of `m` models came to on `n` queries: a data set, or the recorded answers of a cascade."""

    @property
    def prompts(self) -> tuple[str, ...]:
        """One per query."""
        ...

    @property
    def quality(self) -> Matrix:
        """[n, m], NaN where unknown."""
        ...

    @property
    def cost_nano_usd(self) -> Matrix:
        """[n, m], NaN where unknown."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """What choices came to on each of `n` queries."""

    quality: Vector
    cost_nano_usd: Vector
    """NaN where unknown."""
    dealt_quality: Vector
    dealt_cost_nano_usd: Vector
    """What the same choices are expected to come to where they are dealt to other queries; NaN where unknown."""


def deal_answers(outcomes: Outcomes, answered: Matrix, asked: Matrix, checks_nano_usd: Vector) -> tuple[Vector, Vector]:
    """Return quality and cost [n] of choices dealt to other queries: each model then comes to its mean.

    `answered` and `asked` [n, models] are the chances that a model's answer stands, and that it is asked at all.
    """
    known = ~np.isnan(outcomes.quality)
    cost = np.where(known, outcomes.cost_nano_usd, np.nan)
    spent = np.where(asked > 0.0, asked * _usual(cost, empty=np.nan), 0.0).sum(axis=1)
    return answered @ _usual(outcomes.quality), spent + checks_nano_usd


def beside_at_same_cost(
    outcomes: Outcomes, choices: Choices, neighbours: Neighbours | None
) -> tuple[dict[str, Figures], Added]:
    """Return quality and cost of what must be beaten, by name, and what routing itself adds.

    `fixed` is the best model among those that always asked cost no more, `shuffled` the same choices dealt to other
    queries, whose cost may be a little another; all but the latter need costs of every model. All are of the same
    queries in the same order, each with an outcome.
    """
    priced = np.flatnonzero(~np.isnan(choices.cost_nano_usd))
    cost, quality = outcomes.cost_nano_usd[priced], outcomes.quality[priced]
    if not len(priced) or np.isnan(cost + quality).all(axis=0).any():
        shuffled = _figures(float("nan"), float(choices.dealt_quality.mean()))
        return {"shuffled": shuffled}, added_by_choices(choices.quality, choices.dealt_quality, None, None)
    dealt_quality, dealt_cost = choices.dealt_quality[priced], choices.dealt_cost_nano_usd[priced]
    outcomes_less_costs, rate, sway = worth(quality, cost)
    limit = float(choices.cost_nano_usd[priced].mean())
    sizes = np.array([float(len(outcomes.prompts[row])) for row in priced])
    expected = expected_costs(cost, sizes)
    rivals = {"prompt_length": quality_by_length(quality, sizes), "oracle": np.nan_to_num(quality)}
    by_neighbours = None
    if neighbours is not None:
        rivals["neighbours"] = neighbours.expected[priced]
        chosen = choices_at_cost(rivals["neighbours"], expected, quality, cost, limit)
        if chosen is not None:
            rows = np.arange(len(priced))
            saved = float(choices.cost_nano_usd[priced].mean() - cost[rows, chosen].mean())
            # What the saving is worth is uncertain, too.
            by_neighbours = outcomes_less_costs[rows, chosen] + saved * sway
    found = {
        "fixed": _figures(*best_at_cost(np.nanmean(cost, axis=0), _usual(quality), limit)),
        "shuffled": _figures(float(dealt_cost.mean()), float(dealt_quality.mean())),
        **{
            name: _figures(*best_at_cost(*pool_points(values, expected, quality, cost), limit))
            for name, values in rivals.items()
        },
    }
    reached = choices.quality[priced] - rate * choices.cost_nano_usd[priced]
    return found, added_by_choices(reached, dealt_quality - rate * dealt_cost, by_neighbours, neighbours)


def _usual(values: Matrix, empty: float = 0.0) -> Vector:
    """The mean of each model, `empty` where nothing is known of it."""
    known = (~np.isnan(values)).sum(axis=0)
    return np.where(known, np.nan_to_num(values).sum(axis=0) / np.maximum(known, 1), empty)


def _figures(cost: float, quality: float) -> Figures:
    return plain({"quality": quality, "cost": cost})
