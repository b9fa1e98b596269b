"""From what the tree concluded to the model that answers: the caller's floor, the default, exploration."""

from __future__ import annotations

from collections.abc import Mapping

from frontdesk_server.config.routers import ExplorationConfig
from frontdesk_server.domain.decision import PlanStep, StepKind, StrategyStep, Verdict
from frontdesk_server.domain.value import value
from frontdesk_server.routing.hashing import stable_fraction
from frontdesk_server.routing.selection import Prediction, select
from frontdesk_server.routing.strategies.base import Ranking, RoutingContext

DEFAULT_STRATEGY = "default"
"""What decisions name where no strategy chose."""


@value
class Choice:
    """The model that answers. `steps` start with it; `predictions` are of all eligible models that have one."""

    model: str
    strategy: str
    reason: str
    steps: tuple[PlanStep, ...]
    predictions: Mapping[str, Prediction]
    propensity: float
    explored: bool = False


def choose(
    ranking: Ranking, context: RoutingContext, default_model: str, predictions: Mapping[str, Prediction]
) -> Choice:
    """The tree's choice where it made one, else the router's default, else the best of the eligible models.

    A model that a strategy chose outright gives way when its predicted quality misses a floor that the caller's policy
    itself sets. A cascade does not: its checks see to quality.
    """
    if ranking.verdict is Verdict.CHOSE and ranking.model in context.eligible:
        strategy = _decider(ranking.steps_taken)
        if ranking.steps:
            return Choice(ranking.model, strategy, ranking.reason, ranking.steps, predictions, ranking.propensity)
        model, reason = _above_floor(ranking, context, predictions)
        return _single(model, strategy, reason, predictions, ranking.propensity)
    model, reason = _without_choice(context, default_model, predictions)
    reason = f"no strategy chose ({ranking.reason}){reason}"
    return _single(model, DEFAULT_STRATEGY, reason, predictions, ranking.propensity)


def _without_choice(
    context: RoutingContext, default_model: str, predictions: Mapping[str, Prediction]
) -> tuple[str, str]:
    if default_model in context.eligible:
        return default_model, f", so the default {default_model} answers"
    why = f" and the default {default_model} is not eligible"
    if predictions:
        selection = select(predictions, context.outlooks, context.preferences)
        return selection.model, f"{why}; {selection.reason}"
    model = min(context.eligible)
    return model, f"{why}; {model} is the first that is"


def explore(choice: Choice, context: RoutingContext, config: ExplorationConfig, router: str) -> Choice:
    """Send the configured share of queries, by stable hash, to another model with equal chances.

    Never in a tool loop, never above the cost cap, never below the caller's own quality floor.
    """
    if not config.share or context.query.in_tool_loop:
        return choice
    others = sorted(
        name for name in context.eligible if name != choice.model and _may_explore(name, choice, context, config)
    )
    if not others:
        return choice
    salt = f"explore {router}"
    if stable_fraction(context.hash_key, salt) >= config.share:
        propensity = choice.propensity * (1 - config.share)
        return Choice(choice.model, choice.strategy, choice.reason, choice.steps, choice.predictions, propensity)
    model = others[int(stable_fraction(context.hash_key, f"{salt} which") * len(others))]
    reason = f"explores {model} in place of {choice.model} ({choice.reason})"
    steps = (PlanStep(model, StepKind.PRIMARY),)
    return Choice(model, choice.strategy, reason, steps, choice.predictions, config.share / len(others), explored=True)


def _may_explore(name: str, choice: Choice, context: RoutingContext, config: ExplorationConfig) -> bool:
    cost, cap = context.outlooks[name].cost_nano_usd, config.max_cost_nano_usd
    if cap is not None and (cost is None or cost > cap):
        return False
    floor = context.policy.quality_floor
    return floor is None or (name in choice.predictions and choice.predictions[name].quality >= floor)


def _above_floor(ranking: Ranking, context: RoutingContext, predictions: Mapping[str, Prediction]) -> tuple[str, str]:
    floor = context.policy.quality_floor
    chosen = predictions.get(ranking.model)
    if floor is None or chosen is None or chosen.quality >= floor:
        return ranking.model, ranking.reason
    selection = select(predictions, context.outlooks, context.preferences)
    if selection.model == ranking.model:
        return ranking.model, ranking.reason
    return selection.model, f"{ranking.reason}, which misses the caller's floor; {selection.reason}"


def _decider(steps_taken: tuple[StrategyStep, ...]) -> str:
    """The kind of the innermost strategy that chose."""
    return next(step.strategy for step in reversed(steps_taken) if step.verdict is Verdict.CHOSE)


def _single(model: str, strategy: str, reason: str, predictions: Mapping[str, Prediction], propensity: float) -> Choice:
    return Choice(model, strategy, reason, (PlanStep(model, StepKind.PRIMARY),), predictions, propensity)
