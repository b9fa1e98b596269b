"""The predictions that classifiers made of live queries, read back from the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import select

from frontdesk_server.domain.decision import Verdict
from frontdesk_server.ledger.reader import Filters, LedgerReader
from frontdesk_server.ledger.schema import RECORDS

__all__ = ["classifier_scores"]

Scores = Mapping[str, Mapping[str, list[float]]]
"""By the classifier's path and the model."""


def classifier_scores(reader: LedgerReader, filters: Filters, newest: int) -> Scores:
    """Return the predicted qualities of the newest decisions meant that a classifier chose for, newest first."""
    query = select(RECORDS.c.decision).where(*filters.clauses()).order_by(RECORDS.c.decision_id.desc()).limit(newest)
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with reader.engine.connect() as connection:
        for data in connection.execute(query).scalars():
            decision = reader.codec.decode_decision(data, "")
            predicted = [(each.model, each.predicted_quality) for each in decision.candidates]
            for step in decision.path:
                if step.strategy == "classifier" and step.verdict is Verdict.CHOSE:
                    for model, quality in predicted:
                        if quality is not None:
                            scores[step.path][model].append(quality)
    return scores
