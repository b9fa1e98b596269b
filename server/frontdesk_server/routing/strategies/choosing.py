"""What strategies that choose a model share: another strategy may take over for the model they chose."""

from __future__ import annotations

from collections.abc import Mapping

from frontdesk_server.domain.decision import Verdict
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext, Strategy, consult


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
        return chosen._replace(only=below.only, propensity=propensity, steps_taken=path)
    return below._replace(
        reason=f"{chosen.reason}; {below.reason}",
        predictions={**chosen.predictions, **below.predictions},
        scores={**chosen.scores, **below.scores},
        propensity=propensity,
        steps_taken=path,
    )
