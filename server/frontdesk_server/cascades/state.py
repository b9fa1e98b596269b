"""What is known in the middle of a cascade, as numbers: who agrees, how hard the query is, how long the answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEATURES", "describe"]

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


def describe(
    groups: Groups, weights: Vector, difficulty: Vector, length: Matrix, size: Matrix
) -> tuple[Matrix, NDArray[np.intp]]:
    """Return the features [n, len(FEATURES)] of n states, and which of the members holds the leading answer [n].

    `groups` [n, members] numbers the answers that agree, -1 for none; `weights` [members] is how much each member's
    vote counts; `difficulty` [n], `length` [n, members] of the responses and `size` [n, members] of the final answers
    are in standard deviations. The leading answer is the one whose supporters weigh most.
    """
    same = (groups[:, :, None] == groups[:, None, :]) & (groups[:, :, None] >= 0)
    support = same @ weights
    lead = support.argmax(axis=1)
    rows = np.arange(len(groups))
    with_lead = same[rows, lead]
    agreeing = with_lead.sum(axis=1)
    leading = support[rows, lead]
    features = (
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
    return np.stack(features, axis=1).astype(np.float64), lead
