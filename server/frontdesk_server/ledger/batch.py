"""What waits for the ledger's next commit, and the rows it becomes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from frontdesk_server.domain.attempt import Answer, Settlement
from frontdesk_server.domain.decision import RoutedQuery
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.record import DropReason, Outcome, RecordCodec
from frontdesk_server.ledger.content import ContentPolicy
from frontdesk_server.ledger.rows import UNSETTLED, Row, decided_row, outcome_row, settled_row

Waiter = asyncio.Future[bool]


@dataclass(slots=True, eq=False)
class DecisionEntry:
    """A decision to be kept."""

    routed: RoutedQuery
    queued_at: float
    waiter: Waiter | None = None


@dataclass(slots=True, eq=False)
class SettlementEntry:
    """How a completion ended, to be kept. `settled_at` is taken when the entry is made, not when it is written."""

    routed: RoutedQuery
    settlement: Settlement
    answer: Answer | None
    error_reason: str
    settled_at: datetime
    queued_at: float
    waiter: Waiter | None = None


@dataclass(slots=True, eq=False)
class OutcomeEntry:
    """An outcome to be kept; the waiter learns whether it replaced one, or that there is no such decision."""

    outcome: Outcome
    queued_at: float
    waiter: Waiter | None = None


Entry = DecisionEntry | SettlementEntry | OutcomeEntry


@dataclass(slots=True)
class Batch:
    """Rows of one transaction; outcomes come last, so that they find decisions of the same batch.

    A decision that is settled within the batch is one row.
    """

    codec: RecordCodec
    entries: list[Entry] = field(default_factory=list)
    records: dict[str, Row] = field(default_factory=dict)
    """By decision id, of the columns DECIDED and SETTLED."""
    outcomes: list[dict[str, Any]] = field(default_factory=list)

    def add(self, entry: Entry, content: ContentPolicy) -> None:
        """Encode an entry, wholly or not at all; raises whatever makes it impossible."""
        match entry:
            case DecisionEntry(routed):
                self.records[routed.decision.decision_id] = decided_row(routed, content, self.codec) + UNSETTLED
            case SettlementEntry():
                self._settle(entry, content)
            case OutcomeEntry(outcome):
                self.outcomes.append(outcome_row(outcome))
        self.entries.append(entry)

    def _settle(self, entry: SettlementEntry, content: ContentPolicy) -> None:
        routed = entry.routed
        settled = settled_row(
            routed, entry.settlement, entry.answer, entry.error_reason, entry.settled_at, content, self.codec
        )
        decided = self.records.get(routed.decision.decision_id)
        if decided is None:  # its row is there; should it be lost, all but its prompt is written now
            decided = decided_row(routed, ContentPolicy(content.redactor), self.codec) + UNSETTLED
        self.records[routed.decision.decision_id] = decided[: -len(UNSETTLED)] + settled


def encode(
    entries: Sequence[Entry],
    content: ContentPolicy,
    codec: RecordCodec,
    *,
    pause: Callable[[], None],
    lost: Callable[[Entry, DropReason], None],
) -> Batch:
    """Encode entries; `lost` is told of each whose content or whole cannot be kept, `pause` is called every few."""
    batch = Batch(codec)
    for index, entry in enumerate(entries, 1):
        try:
            batch.add(entry, content)
        except Exception as error:
            report_defect("ledger", error, entry=type(entry).__name__)  # it is counted as lost
            _add_bare(batch, entry, content.nothing(), lost)
        if index % 32 == 0:
            pause()
    return batch


def _add_bare(batch: Batch, entry: Entry, content: ContentPolicy, lost: Callable[[Entry, DropReason], None]) -> None:
    try:
        batch.add(entry, content)
    except Exception as error:
        report_defect("ledger", error, entry=type(entry).__name__)
        lost(entry, "unencodable")
    else:
        lost(entry, "content")
