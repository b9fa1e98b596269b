"""What those are told who wait for their records to be durable; it belongs to their event loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from frontdesk_server.domain.errors import DecisionNotFound, LedgerUnavailable
from frontdesk_server.ledger.batch import Entry, OutcomeEntry

_AGAIN_SECONDS = 5.0


def release(entries: Iterable[Entry]) -> None:
    """The store fails: calls go on without durability, only reports of outcomes are refused (and kept)."""
    for entry in entries:
        if entry.waiter is None or entry.waiter.done():
            continue
        if isinstance(entry, OutcomeEntry):
            entry.waiter.set_exception(LedgerUnavailable("the ledger cannot be written", _AGAIN_SECONDS))
        else:
            entry.waiter.set_result(False)


def settle(entries: Sequence[Entry], replaced: Sequence[bool | None]) -> None:
    """The batch is durable; `replaced` tells of each outcome what became of an earlier one of its source."""
    answers = iter(replaced)
    for entry in entries:
        answer = next(answers) if isinstance(entry, OutcomeEntry) else True
        if entry.waiter is None or entry.waiter.done():
            continue
        if isinstance(entry, OutcomeEntry) and answer is None:
            entry.waiter.set_exception(DecisionNotFound(entry.outcome.decision_id))
        else:
            entry.waiter.set_result(bool(answer))
