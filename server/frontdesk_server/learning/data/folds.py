"""Dealing queries to folds, so that what is fitted on some is measured on others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["folds_by_group", "numbered"]


def folds_by_group(groups: Sequence[str], folds: int, seed: int) -> NDArray[np.int64]:
    """Deal groups to folds at random; rows of one group stay together."""
    distinct = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(distinct))
    fold_of = {group: int(order[i]) % folds for i, group in enumerate(distinct)}
    return np.array([fold_of[group] for group in groups])


def numbered(groups: Sequence[str]) -> NDArray[np.int64]:
    """A number for each row's group, alike for rows of one group."""
    number_of: dict[str, int] = {}
    return np.array([number_of.setdefault(group, len(number_of)) for group in groups], dtype=np.int64)
