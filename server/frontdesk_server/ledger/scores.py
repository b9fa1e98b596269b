"""The predictions that classifiers made of live queries, read back from the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import orjson
from sqlalchemy import select

from frontdesk_server.domain.decision import Verdict
from frontdesk_server.ledger.reader import JOINED, Filters, LedgerReader
from frontdesk_server.ledger.schema import DECISIONS

__all__ = ["classifier_scores"]

Scores = Mapping[str, Mapping[str, list[float]]]
"""By the classifier's path and the model."""


def classifier_scores(reader: LedgerReader, filters: Filters, newest: int) -> Scores:
    """Return the predicted qualities of the newest decisions meant that a classifier chose for, newest first."""
    query = (
        select(DECISIONS.c.path, DECISIONS.c.candidates)
        .select_from(JOINED)
        .where(*filters.clauses())
        .order_by(DECISIONS.c.decision_id.desc())
        .limit(newest)
    )
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with reader.engine.connect() as connection:
        for row in connection.execute(query):
            for step in orjson.loads(row.path):
                if step["strategy"] == "classifier" and step["verdict"] == Verdict.CHOSE.value:
                    for candidate in orjson.loads(row.candidates):
                        if candidate["predicted_quality"] is not None:
                            scores[step["path"]][candidate["model"]].append(candidate["predicted_quality"])
    return scores
