"""A cascade replayed on recorded answers, all queries at once: the same moves as `FittedCascade.next_move`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.cascade.policy import CascadePolicy

__all__ = ["Replayed", "StateOf", "replay_policy"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

StateOf = Callable[[tuple[int, ...]], tuple[Vector, NDArray[np.intp]]]
"""Member columns that were asked, ascending -> the score of accepting [n] and the column of the leading answer [n]."""


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """What a policy came to on each query, all shape (n,)."""

    quality: Vector
    cost_nano_usd: Vector
    answered_by: NDArray[np.intp]
    """Column of the model whose answer stands; the last column is the strongest model."""
    predicted_loss: Vector
    """The score with which an answer was accepted; 0 where the strongest model answered."""
    asked: NDArray[np.bool_]
    """[n, models]"""


def replay_policy(
    policy: CascadePolicy, columns: tuple[str, ...], difficulty: Vector, state: StateOf, quality: Matrix, cost: Matrix
) -> Replayed:
    """Replay a policy; `columns` names the models of `quality` and `cost_nano_usd` [n, models], the strongest last."""
    n, strongest = len(quality), len(columns) - 1
    asked = np.zeros((n, len(columns)), bool)
    answered_by = np.full(n, strongest)
    predicted_loss = np.zeros(n)
    open_ = difficulty <= policy.escalate_above_difficulty
    order: list[int] = []
    for step in policy.steps:
        order.append(columns.index(step.model))
        asked[open_, order[-1]] = True
        score, lead = state(tuple(sorted(order)))
        accepted = open_ & (score <= step.accept_at_most)
        answered_by[accepted], predicted_loss[accepted] = lead[accepted], score[accepted]
        open_ &= ~accepted & (score <= step.escalate_above)
    asked[answered_by == strongest, strongest] = True
    return Replayed(
        quality[np.arange(n), answered_by], np.where(asked, cost, 0.0).sum(axis=1), answered_by, predicted_loss, asked
    )
