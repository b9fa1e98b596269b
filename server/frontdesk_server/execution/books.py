"""Where it is kept what was decided for a request, and how it ended: ledger, affinity, telemetry."""

from __future__ import annotations

from dataclasses import dataclass

from frontdesk_server.domain.affinity import Affinity, conversation_keys
from frontdesk_server.domain.attempt import Answer, Settlement
from frontdesk_server.domain.decision import RoutedQuery
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.observer import CallObservation
from frontdesk_server.domain.record import Ledger


@dataclass(frozen=True, slots=True)
class Books:
    """Outlives every request and every configuration."""

    ledger: Ledger
    affinity: Affinity

    async def settled(
        self,
        routed: RoutedQuery,
        settlement: Settlement,
        observation: CallObservation,
        *,
        model: str = "",
        answer: Answer | None = None,
        error: BaseException | None = None,
        reason: str = "",
    ) -> None:
        """A request has ended, with this model's answer or for an error; returns when that is as durable as configured.

        `reason` is that of the error in the ledger.
        """
        if answer is not None:
            self.affinity.remember(conversation_keys(routed, answer), model)
        try:
            observation.settled(routed, settlement, error)
        except Exception as fault:  # the books are kept whatever becomes of telemetry
            report_defect("telemetry", fault, observation)
        await self.ledger.record_settlement(routed, settlement, answer=answer, error_reason=reason)
