"""The ledger that keeps nothing."""

from __future__ import annotations

from frontdesk_server.domain.attempt import Answer, Settlement
from frontdesk_server.domain.decision import RoutedQuery
from frontdesk_server.domain.errors import DecisionNotFound
from frontdesk_server.domain.record import DecisionRecord, Outcome


class NullLedger:
    """Used where the configuration names no URL; it knows no decision."""

    async def record_decision(self, routed: RoutedQuery) -> None:
        """Keep nothing."""

    async def record_settlement(
        self, routed: RoutedQuery, settlement: Settlement, *, answer: Answer | None, error_reason: str
    ) -> None:
        """Keep nothing."""

    async def record_outcome(self, outcome: Outcome) -> bool:
        """Always raise DecisionNotFound."""
        raise DecisionNotFound(outcome.decision_id)

    async def decision(self, decision_id: str, caller: str) -> DecisionRecord:
        """Always raise DecisionNotFound."""
        raise DecisionNotFound(decision_id)
