"""Keeps a conversation with its model: consulted after the tree has concluded and before the plan is laid."""

from __future__ import annotations

import math
from dataclasses import replace

from frontdesk_server.domain.affinity import Affinity, affinity_key, tool_loop_key
from frontdesk_server.domain.decision import PlanStep, StepKind, StrategyStep, Verdict
from frontdesk_server.routing.choice import Choice
from frontdesk_server.routing.costs import cold_cost_nano_usd
from frontdesk_server.routing.selection import NANO_USD_PER_CENT, rank
from frontdesk_server.routing.strategies.base import RoutingContext

AFFINITY_STRATEGY = "affinity"
_UNPRICED_SWITCH_COST = 0.1
"""Of quality, where prices are unknown or money has no weight."""


async def consult_affinity(
    affinity: Affinity, choice: Choice, context: RoutingContext, *, caller: str, router: str, switch_cost: float | None
) -> tuple[Choice, StrategyStep | None]:
    """The choice, or the model that the conversation is with already; and what was concluded, None when not asked.

    A tool loop stays with the model that made the call as long as that may answer. Any other conversation leaves its
    model for a gain above the switch cost; None computes it from the tokens that would go cold.
    """
    context_key = context.policy.affinity_key
    loop_key = tool_loop_key(caller, router, context.query)
    if loop_key is None and not context_key:
        return choice, None
    started = context.clock.monotonic()
    pinned = await affinity.model(loop_key) if loop_key else None
    in_loop = pinned is not None
    if pinned is None and context_key:
        pinned = await affinity.model(affinity_key(caller, router, context_key))
        in_loop = context.query.in_tool_loop
    stays, reason = _verdict(pinned, choice, context, in_loop=in_loop, switch_cost=switch_cost)
    step = StrategyStep(
        path=f"{router}/{AFFINITY_STRATEGY}",
        strategy=AFFINITY_STRATEGY,
        verdict=Verdict.CHOSE if stays else Verdict.ABSTAINED,
        reason=reason,
        duration_seconds=context.clock.monotonic() - started,
        model=pinned if stays and pinned else "",
    )
    if not stays or pinned is None:
        return choice, step
    steps = (PlanStep(pinned, StepKind.PRIMARY),) if in_loop else _steps_from(pinned, choice.steps)
    return Choice(pinned, AFFINITY_STRATEGY, reason, steps, choice.predictions, propensity=1.0), step


def _verdict(
    pinned: str | None, choice: Choice, context: RoutingContext, *, in_loop: bool, switch_cost: float | None
) -> tuple[bool, str]:
    """Whether the conversation stays, and why."""
    if pinned is None:
        return False, "the conversation is new"
    if pinned not in context.eligible:
        return False, f"the conversation is with {pinned}, which may not answer now"
    if in_loop:
        return True, f"{pinned} waits for the results of its tool calls"
    if pinned == choice.model:
        return False, f"the conversation is with {pinned} already"
    gain = _gain(pinned, choice, context)
    if gain is None:
        return True, f"the conversation stays with {pinned}; what {choice.model} would gain is unknown"
    if switch_cost is None:
        switch_cost = _cold_cost(pinned, choice, context)
    if gain > switch_cost:
        return False, f"{choice.model} gains {gain:.2f} over {pinned}, more than the switch cost of {switch_cost:.2g}"
    return True, f"the conversation stays with {pinned}; {choice.model} gains {gain:.2f}, not above {switch_cost:.2g}"


def _gain(pinned: str, choice: Choice, context: RoutingContext) -> float | None:
    """What the choice is better by: infinite when it alone reaches the floor, else utility, or the share of cost saved.

    None when a quality is unknown.
    """
    if pinned not in choice.predictions or choice.model not in choice.predictions:
        return None
    both = {name: choice.predictions[name] for name in (pinned, choice.model)}
    preferences = context.preferences
    scored = {score.model: score for score in rank(both, context.outlooks, preferences)}
    old, new = scored[pinned], scored[choice.model]
    floor = preferences.quality_floor
    if floor is None or new.quality < floor:
        return new.utility - old.utility
    if old.quality < floor:
        return math.inf
    if preferences.cost_weight or preferences.latency_weight:
        return new.utility - old.utility
    return 1 - new.cost / old.cost if 0 < old.cost < math.inf and new.cost < math.inf else 0.0


def _cold_cost(pinned: str, choice: Choice, context: RoutingContext) -> float:
    """What it costs that the new model's provider has not cached the conversation, in the unit of the gain."""
    preferences = context.preferences
    cold_nano_usd = cold_cost_nano_usd(
        context.query, context.eligible[pinned], context.eligible[choice.model], context.clock.now()
    )
    old_nano_usd = context.outlooks[pinned].cost_nano_usd
    if cold_nano_usd is None:
        return _UNPRICED_SWITCH_COST
    if preferences.cost_weight:
        return preferences.cost_weight * cold_nano_usd / NANO_USD_PER_CENT
    if preferences.quality_floor is not None and not preferences.latency_weight:
        return cold_nano_usd / old_nano_usd if old_nano_usd else 0.0
    return _UNPRICED_SWITCH_COST


def _steps_from(model: str, steps: tuple[PlanStep, ...]) -> tuple[PlanStep, ...]:
    """A cascade from the model on, where it holds it; else the model alone."""
    for index, step in enumerate(steps):
        if step.model == model:
            return replace(step, kind=StepKind.PRIMARY), *steps[index + 1 :]
    return (PlanStep(model, StepKind.PRIMARY),)
