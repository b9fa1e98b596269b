"""chain: the first strategy that is sure decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk_server.domain.decision import Verdict
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, conclude, consult
from frontdesk_server.routing.strategies.walk import Walk


@dataclass(frozen=True, slots=True)
class Chain:
    """Asks its strategies in order until one chooses. What one restricts binds the later ones."""

    path: str
    strategies: Sequence[Strategy]
    kind: str = "chain"

    async def rank(self, context: RoutingContext) -> Ranking:
        """The first choice; abstains when none chooses."""
        started = context.clock.monotonic()
        walk = Walk(context)
        for strategy in self.strategies:
            ranking = await consult(strategy, walk.context)
            walk.take(ranking)
            if ranking.verdict is Verdict.CHOSE:
                return conclude(self, context, started, walk.total(ranking))
        abstention = Ranking(Verdict.ABSTAINED, "none of its strategies chose")
        return conclude(self, context, started, walk.total(abstention))
