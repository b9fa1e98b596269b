"""model: always the same model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from frontdesk_server.config.strategy_kinds import StrategyConfig
from frontdesk_server.domain.decision import Verdict
from frontdesk_server.routing.site import Site, builds
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, conclude


class FixedModelConfig(StrategyConfig):
    """Always this model."""

    kind: Literal["model"]
    model: str


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


@builds(FixedModelConfig)
def build_fixed_model(config: FixedModelConfig, site: Site) -> FixedModel:
    """Build it, and note a model that is none of the router's."""
    site.scope.check_candidate(config.model, (*site.location, "model"))
    return FixedModel(site.path, config.model)
