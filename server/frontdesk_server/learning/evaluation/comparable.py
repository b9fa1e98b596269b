"""Whether data can tell what another model would have come to, or only what was asked."""

from __future__ import annotations

import numpy as np

from frontdesk_server.learning.data.dataset import Dataset, DatasetError

__all__ = ["NotComparable", "demand_alternatives"]


class NotComparable(DatasetError):
    """Outcomes that no evaluation can rest on, however many there are."""


def demand_alternatives(dataset: Dataset) -> None:
    """Refuse outcomes of one model a query, as a ledger exports them: nobody knows what another would have come to.

    Raises:
        NotComparable: of most queries the outcome of one model alone is recorded.
    """
    recorded = (~np.isnan(dataset.quality)).sum(axis=1)
    single, tried = int((recorded == 1).sum()), int((recorded > 0).sum())
    if len(dataset.models) > 1 and 2 * single > tried:
        raise NotComparable(
            f"of {single:,} of {tried:,} queries the outcome of one model alone is recorded, as a ledger has it; what "
            "another would have come to is not known, so that nothing can be compared. `frontdesk replay --policy "
            "FILE` estimates that by the propensities of the ledger's decisions"
        )
