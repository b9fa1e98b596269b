"""router: another router's tree, shared and not copied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from frontdesk_server.config.strategy_kinds import StrategyConfig
from frontdesk_server.routing.site import Site, builds
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, conclude, consult


class RouterReferenceConfig(StrategyConfig):
    """Another router's tree."""

    kind: Literal["router"]
    router: str

    @property
    def refers_to(self) -> str:
        """The other router."""
        return self.router


@dataclass(frozen=True, slots=True)
class RouterReference:
    """Asks the tree of the router it names; that router's defaults stay behind. `trees` hold all routers' trees."""

    path: str
    router: str
    trees: Mapping[str, Strategy]
    kind: str = "router"

    async def rank(self, context: RoutingContext) -> Ranking:
        """What the other tree concludes."""
        started = context.clock.monotonic()
        return conclude(self, context, started, await consult(self.trees[self.router], context))


@builds(RouterReferenceConfig)
def build_reference(config: RouterReferenceConfig, site: Site) -> RouterReference:
    """Build it, and note a router that there is not."""
    site.scope.refer(config.router, (*site.location, "router"))
    return RouterReference(site.path, config.router, site.scope.trees.strategies)
