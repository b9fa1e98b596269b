"""What strategies that choose a model share: another strategy may take over for the model they chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from frontdesk_server.config.strategy_kinds import AnyStrategy, Child, StrategyConfig
from frontdesk_server.domain.decision import Verdict
from frontdesk_server.routing.site import Site
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, consult


class ChoosingConfig(StrategyConfig):
    """What strategies that choose a model share."""

    then: dict[str, AnyStrategy] = {}
    """Strategy that takes over when this model was chosen, such as a cascade that starts with it."""

    asks_one: ClassVar[bool] = True

    def children(self) -> Sequence[Child]:
        """The followers by the models that they follow."""
        return [Child(model, ("then", model), config) for model, config in self.then.items()]

    def with_children(self, children: Sequence[StrategyConfig]) -> Self:
        """The same with other followers."""
        return self.model_copy(update={"then": dict(zip(self.then, children, strict=True))})

    def check_followed(self, site: Site) -> None:
        """Note a fault for each follower of what is none of the router's models."""
        for model in self.then:
            site.scope.check_candidate(model, (*site.location, "then", model))


async def hand_over(chosen: Ranking, then: Mapping[str, Strategy], context: RoutingContext) -> Ranking:
    """The chosen ranking, or what the strategy that follows the chosen model makes of it; the path shows both.

    `chosen` has been concluded. Where the follower does not choose, the first choice stands.
    """
    follower = then.get(chosen.model)
    if follower is None or chosen.verdict is not Verdict.CHOSE:
        return chosen
    below = await consult(follower, context)
    path = (*chosen.steps_taken, *below.steps_taken)
    propensity = chosen.propensity * below.propensity
    if below.verdict is not Verdict.CHOSE:
        return chosen._replace(restricted_to=below.restricted_to, propensity=propensity, steps_taken=path)
    return below._replace(
        reason=f"{chosen.reason}; {below.reason}",
        predictions={**chosen.predictions, **below.predictions},
        scores={**chosen.scores, **below.scores},
        propensity=propensity,
        steps_taken=path,
    )
