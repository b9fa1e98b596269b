"""router: another router's tree, shared and not copied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, conclude, consult


@dataclass(frozen=True, slots=True)
class RouterReferenceStrategy:
    """Asks the tree of the router it names; that router's defaults stay behind. `trees` hold all routers' trees."""

    path: str
    router: str
    trees: Mapping[str, Strategy]
    kind: str = "router"

    async def rank(self, context: RoutingContext) -> Ranking:
        """What the other tree concludes."""
        started = context.clock.monotonic()
        return conclude(self, context, started, await consult(self.trees[self.router], context))
