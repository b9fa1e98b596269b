"""The seam to the ledger, and what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, get_args

from frontdesk_server.domain.attempt import Answer, Attempt, Settlement
from frontdesk_server.domain.decision import Decision, RoutedQuery
from frontdesk_server.domain.usage import Cost

DropReason = Literal["queue_full", "unencodable", "content", "refused", "defect", "stopped"]
"""Why a record is lost: no room while the store fails, no bytes for it or for its content alone, a store that takes all
others, a fault of Frontdesk's own, a stop whose time was over."""
DROP_REASONS: tuple[DropReason, ...] = get_args(DropReason)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How good an answer was in [0, 1], as `source` judged it."""

    decision_id: str
    quality: float
    source: str
    reported_at: datetime
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision with what became of it; no settlement when it was only routed, still runs or was killed."""

    decision: Decision
    caller: str
    labels: Mapping[str, str] = field(default_factory=dict)
    settlement: Settlement | None = None
    outcomes: tuple[Outcome, ...] = ()
    trace_id: str = ""


class RecordCodec(Protocol):
    """Values as the bytes that callers get and the ledger keeps, and back, down to the nanosecond.

    Of a decision all but its text is kept; what comes back is encoded already.
    """

    def encode_decision(self, decision: Decision) -> bytes:
        """The decision without its text."""

    def decode_decision(self, data: bytes, text: str) -> Decision:
        """The inverse; `text` is what was kept of the decision's apart."""

    def encode_account(self, attempts: Sequence[Attempt], cost: Cost) -> bytes:
        """The attempts and the cost of a settlement."""

    def decode_account(self, data: bytes, *, committed: bool) -> Settlement:
        """The settlement with these attempts and this cost."""


class Ledger(Protocol):
    """The durable record of decisions, attempts, usage, cost, latency, outcomes."""

    async def record_decision(self, routed: RoutedQuery) -> None:
        """Keep a decision; returns when it is as durable as configured."""

    async def record_settlement(
        self, routed: RoutedQuery, settlement: Settlement, *, answer: Answer | None, error_reason: str
    ) -> None:
        """Keep how a completion ended; returns when it is as durable as configured."""

    async def record_outcome(self, outcome: Outcome) -> bool:
        """Keep an outcome, durable on return; True when it replaced one of the same source.

        Raises:
            DecisionNotFound: no such decision is recorded.
            LedgerUnavailable: the store does not answer.

        """

    async def decision(self, decision_id: str, caller: str) -> DecisionRecord:
        """Look up a decision of this caller's, records that are not committed yet included.

        Another caller's is as unknown as one that does not exist: it costs the same look-ups and takes as long.

        Raises:
            DecisionNotFound: no such decision of this caller is recorded.
            LedgerUnavailable: the store does not answer.

        """
