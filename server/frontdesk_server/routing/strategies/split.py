"""split: weighted arms by stable hash, for A/B tests."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from frontdesk_server.config.base import Section
from frontdesk_server.config.names import Name
from frontdesk_server.config.strategy_kinds import AnyStrategy, Child, StrategyConfig
from frontdesk_server.routing.hashing import stable_fraction
from frontdesk_server.routing.site import Site, builds
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, conclude, consult


class SplitArm(Section):
    """One arm of a split."""

    name: Name
    weight: Annotated[float, Field(gt=0)]
    strategy: AnyStrategy


class SplitConfig(StrategyConfig):
    """Weighted arms by stable hash, for A/B tests."""

    kind: Literal["split"]
    arms: Annotated[tuple[SplitArm, ...], Field(min_length=2)]
    salt: str = ""
    """Changes who falls into which arm."""

    asks_one: ClassVar[bool] = True
    by_chance: ClassVar[bool] = True

    def children(self) -> Sequence[Child]:
        """The strategies of the arms by the names of those."""
        return [Child(arm.name, ("arms", index, "strategy"), arm.strategy) for index, arm in enumerate(self.arms)]

    def with_children(self, children: Sequence[StrategyConfig]) -> Self:
        """The same with other strategies in the arms."""
        arms = (arm.model_copy(update={"strategy": child}) for arm, child in zip(self.arms, children, strict=True))
        return self.model_copy(update={"arms": tuple(arms)})


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm; `share` in (0, 1] is its probability."""

    name: str
    share: float
    strategy: Strategy


class Split:
    """Sends a query down the arm that its affinity key, or else its text, falls into."""

    kind = "split"

    def __init__(self, path: str, arms: Sequence[Arm], salt: str) -> None:
        self.path = path
        self.arms = tuple(arms)
        self._bounds = list(accumulate(arm.share for arm in arms))
        self._salt = salt or path

    def arm(self, key: str) -> Arm:
        """The arm of a key."""
        place = bisect_right(self._bounds, stable_fraction(key, self._salt))
        return self.arms[min(place, len(self.arms) - 1)]

    async def rank(self, context: RoutingContext) -> Ranking:
        """What the arm concludes; the probability of the arm is multiplied into the propensity."""
        started = context.clock.monotonic()
        arm = self.arm(context.hash_key)
        below = await consult(arm.strategy, context)
        ranking = below._replace(propensity=below.propensity * arm.share, reason=f"arm {arm.name}: {below.reason}")
        return conclude(self, context, started, ranking)


@builds(SplitConfig)
def build_split(config: SplitConfig, site: Site) -> Split:
    """Build it of the strategies of its arms."""
    site.scope.check_names([arm.name for arm in config.arms], (*site.location, "arms"))
    total = sum(arm.weight for arm in config.arms)
    return Split(
        site.path, [Arm(arm.name, arm.weight / total, site.children[arm.name]) for arm in config.arms], config.salt
    )
