"""What waits for the ledger's next commit, and the rows it becomes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from frontdesk_server.domain.attempt import Answer, Settlement
from frontdesk_server.domain.decision import RoutedQuery
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.record import Outcome
from frontdesk_server.ledger.codec import Keeping, Row, attempt_row, decision_row, outcome_row, settlement_row

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
    """Rows of one transaction; outcomes come last, so that they find decisions of the same batch."""

    entries: list[Entry] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    settlements: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    outcomes: list[Row] = field(default_factory=list)

    def add(self, entry: Entry, keeping: Keeping) -> None:
        """Encode an entry, wholly or not at all; raises whatever makes it impossible."""
        match entry:
            case DecisionEntry(routed):
                self.decisions.append(decision_row(routed, keeping))
            case SettlementEntry(routed, settlement, answer, error_reason, settled_at):
                decision_id = routed.decision.decision_id
                attempts = [attempt_row(decision_id, attempt, keeping) for attempt in settlement.attempts]
                self.settlements.append(settlement_row(routed, settlement, answer, error_reason, settled_at, keeping))
                self.attempts.extend(attempts)
            case OutcomeEntry(outcome):
                self.outcomes.append(outcome_row(outcome))
        self.entries.append(entry)


def encode(
    entries: Sequence[Entry], keeping: Keeping, *, pause: Callable[[], None], lost: Callable[[Entry, str], None]
) -> Batch:
    """Encode entries; `lost` is told of each whose content or whole cannot be kept, `pause` is called every few."""
    batch = Batch()
    for index, entry in enumerate(entries, 1):
        try:
            batch.add(entry, keeping)
        except Exception as error:
            report_defect("ledger", error, entry=type(entry).__name__)  # it is counted as lost
            _add_bare(batch, entry, keeping.nothing(), lost)
        if index % 32 == 0:
            pause()
    return batch


def _add_bare(batch: Batch, entry: Entry, keeping: Keeping, lost: Callable[[Entry, str], None]) -> None:
    try:
        batch.add(entry, keeping)
    except Exception as error:
        report_defect("ledger", error, entry=type(entry).__name__)
        lost(entry, "unencodable")
    else:
        lost(entry, "content")
