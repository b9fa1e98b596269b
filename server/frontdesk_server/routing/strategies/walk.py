"""What strategies that are asked one after the other come to together."""

from __future__ import annotations

from dataclasses import dataclass

from frontdesk_server.domain.decision import StrategyStep
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, intersection


@dataclass(slots=True)
class Walk:
    """The way so far. `context` is what the next strategy gets: the query within all restrictions made before it."""

    context: RoutingContext
    steps_taken: tuple[StrategyStep, ...] = ()
    restricted_to: frozenset[str] | None = None
    propensity: float = 1.0

    def take(self, ranking: Ranking) -> None:
        """Add what one strategy concluded."""
        self.steps_taken += ranking.steps_taken
        self.propensity *= ranking.propensity
        self.restrict(ranking.restricted_to)

    def restrict(self, restricted_to: frozenset[str] | None) -> None:
        """Restrict what is still asked to these models; None restricts nothing."""
        if restricted_to is not None:
            self.restricted_to = intersection(self.restricted_to, restricted_to)
            self.context = self.context.within(restricted_to)

    def total(self, ranking: Ranking) -> Ranking:
        """The last conclusion with all that was taken on the way to it."""
        return ranking._replace(
            steps_taken=self.steps_taken, restricted_to=self.restricted_to, propensity=self.propensity
        )
