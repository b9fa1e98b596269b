"""model: always the same model."""

from __future__ import annotations

from dataclasses import dataclass

from frontdesk_server.domain.decision import Verdict
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, conclude


@dataclass(frozen=True, slots=True)
class FixedModel:
    """Chooses its model whenever that is eligible."""

    path: str
    model: str
    kind: str = "model"

    async def rank(self, context: RoutingContext) -> Ranking:
        """The model, or an abstention."""
        started = context.clock.monotonic()
        if self.model in context.eligible:
            ranking = Ranking(Verdict.CHOSE, f"always {self.model}", self.model)
        else:
            ranking = Ranking(Verdict.ABSTAINED, f"{self.model} is not eligible")
        return conclude(self, context, started, ranking)
