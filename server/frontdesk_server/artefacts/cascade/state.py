"""What is known in the middle of a cascade, as numbers: who agrees, how hard the query is, how long the answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEATURES", "describe", "feature_count"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Groups = NDArray[np.int64]

FEATURES = (
    "support",
    "dissent",
    "strongest_rival",
    "two_agree",
    "three_agree",
    "difficulty",
    "response_length",
    "answer_size",
    "no_answer",
)
"""Of every state; after them stand, for each member of the pool, whether it agrees with the leading answer, and then
for each whether it was asked and does not."""


def feature_count(members: int) -> int:
    """Return how many features describe a state of a pool of so many members."""
    return len(FEATURES) + 2 * members


def describe(
    asked: Sequence[int], groups: Groups, weights: Vector, difficulty: Vector, length: Matrix, size: Matrix
) -> tuple[Matrix, NDArray[np.intp]]:
    """Return the features [n, feature_count(members)] of n states, and the member whose answer leads [n].

    `asked` are the columns of the members that were asked, ascending; nothing is read of the others. `groups`
    [n, members] numbers the answers that agree, -1 for none; `weights` [members] is how much each member's vote counts;
    `difficulty` [n], `length` [n, members] of the responses and `size` [n, members] of the final answers are in
    standard deviations. The leading answer is the one whose supporters weigh most.
    """
    columns = np.array(asked)
    members = len(weights)
    groups, weights, length, size = groups[:, columns], weights[columns], length[:, columns], size[:, columns]
    same = (groups[:, :, None] == groups[:, None, :]) & (groups[:, :, None] >= 0)
    support = same @ weights
    lead = support.argmax(axis=1)
    rows = np.arange(len(groups))
    with_lead = same[rows, lead]
    agreeing = with_lead.sum(axis=1)
    leading = support[rows, lead]
    agrees, differs = np.zeros((2, len(groups), members))
    agrees[:, columns], differs[:, columns] = with_lead, ~with_lead
    shared = (
        leading,
        weights.sum() - leading,
        np.where(with_lead, 0.0, support).max(axis=1),
        agreeing >= 2,
        agreeing >= 3,
        difficulty,
        length.mean(axis=1),
        size[rows, lead],
        groups[rows, lead] < 0,
    )
    return np.hstack([np.stack(shared, axis=1).astype(np.float64), agrees, differs]), columns[lead]
