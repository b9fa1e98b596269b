"""chain: the first strategy that is sure decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from frontdesk_server.domain.decision import StrategyStep, Verdict
from frontdesk_server.routing.strategies.base import (
    Ranking,
    RoutingContext,
    Strategy,
    conclude,
    consult,
    intersection,
)


@dataclass(frozen=True, slots=True)
class Chain:
    """Asks its strategies in order until one chooses. What one restricts binds the later ones."""

    path: str
    strategies: Sequence[Strategy]
    kind: str = "chain"

    async def rank(self, context: RoutingContext) -> Ranking:
        """The first choice; abstains when none chooses."""
        started = context.clock.monotonic()
        taken: tuple[StrategyStep, ...] = ()
        only: frozenset[str] | None = None
        for strategy in self.strategies:
            ranking = await consult(strategy, context)
            taken += ranking.steps_taken
            if ranking.only is not None:
                only = intersection(only, ranking.only)
                context = context.within(ranking.only)
            if ranking.verdict is Verdict.CHOSE:
                return conclude(self, context, started, replace(ranking, only=only, steps_taken=taken))
        ranking = Ranking(Verdict.ABSTAINED, "none of its strategies chose", only=only, steps_taken=taken)
        return conclude(self, context, started, ranking)
