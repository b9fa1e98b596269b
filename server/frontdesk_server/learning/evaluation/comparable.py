"""Whether data can tell what another model would have come to, or only what was asked."""

from __future__ import annotations

import numpy as np

from frontdesk_server.learning.data.dataset import Dataset, DatasetError

__all__ = ["NotComparable", "demand_alternatives", "lack_of_alternatives"]


class NotComparable(DatasetError):
    """Outcomes that no evaluation can rest on, however many there are."""


def demand_alternatives(dataset: Dataset) -> None:
    """Refuse outcomes of one model a query, as a ledger exports them: nobody knows what another would have come to.

    Raises:
        NotComparable: of most queries the outcome of one model alone is recorded.
    """
    if why := lack_of_alternatives(dataset):
        raise NotComparable(
            f"{why}, so that nothing can be compared. `frontdesk replay --policy FILE` estimates that by the "
            "propensities of the ledger's decisions, `frontdesk report` what its own routing adds"
        )


def lack_of_alternatives(dataset: Dataset) -> str:
    """Why nobody knows what another model would have come to on most queries; empty where that is known."""
    recorded = (~np.isnan(dataset.quality)).sum(axis=1)
    single, tried = int((recorded == 1).sum()), int((recorded > 0).sum())
    if len(dataset.models) < 2 or 2 * single <= tried:
        return ""
    return (
        f"of {single:,} of {tried:,} queries the outcome of one model alone is recorded, as a ledger has it; what "
        "another would have come to is not known"
    )
