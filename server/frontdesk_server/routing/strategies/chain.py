"""chain: the first strategy that is sure decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field

from frontdesk_server.config.strategy_kinds import AnyStrategy, Child, StrategyConfig
from frontdesk_server.domain.decision import Verdict
from frontdesk_server.routing.site import Site, builds
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, conclude, consult
from frontdesk_server.routing.strategies.walk import Walk


class ChainConfig(StrategyConfig):
    """The first strategy that is sure decides."""

    kind: Literal["chain"]
    strategies: Annotated[tuple[AnyStrategy, ...], Field(min_length=1)]

    def children(self) -> Sequence[Child]:
        """Its strategies by their numbers."""
        return [Child(str(index), ("strategies", index), config) for index, config in enumerate(self.strategies)]

    def with_children(self, children: Sequence[StrategyConfig]) -> Self:
        """The same with other strategies."""
        return self.model_copy(update={"strategies": tuple(children)})


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


@builds(ChainConfig)
def build_chain(config: ChainConfig, site: Site) -> Chain:
    """Build it of the strategies below."""
    return Chain(site.path, tuple(site.children.values()))
