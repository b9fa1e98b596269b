"""split: weighted arms by stable hash, for A/B tests."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from frontdesk_server.routing.hashing import stable_fraction
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, conclude, consult


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
