"""A router of a configuration on recorded queries: what it decides, and what that comes to by recorded outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.domain.call import ANONYMOUS
from frontdesk_server.domain.decision import IN_TURN, Decision, PlanStep, StepKind, Verdict
from frontdesk_server.domain.errors import FrontdeskError, ModelsUnavailable, NoEligibleModel
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import text_query
from frontdesk_server.learning.data.dataset import Dataset, DatasetError
from frontdesk_server.learning.evaluation.recorded_checks import RecordedChecks
from frontdesk_server.learning.replay.router_policy import Routes, decided

__all__ = ["DRAWS", "Plan", "RouterOutcomes", "RouterRun", "resolve", "run_router"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Plan = tuple[PlanStep, ...]
"""The chosen steps, fallbacks left out; none where no model may answer."""

DRAWS = 20
"""How often a router that decides by chance is asked about a query, with other keys for its hashes."""

_CLASSIFIER = "classifier"


@dataclass(frozen=True, slots=True, eq=False)
class RouterRun:
    """What a router decides about each of `n` queries."""

    router: str
    models: tuple[str, ...]
    """Those it may choose among."""
    strongest: str
    """That which savings are computed against."""
    plans: tuple[Mapping[Plan, float], ...]
    """Per query the chance of each plan."""
    predicted: Matrix
    """[n, models], quality predicted by the classifier that chose; NaN where none did."""

    def favourite(self, row: int) -> Plan:
        """The most probable plan."""
        plans = self.plans[row]
        return max(plans, key=plans.__getitem__)

    @property
    def has_cascades(self) -> bool:
        """Whether an answer may be rejected and another model asked."""
        return any(len(plan) > 1 for plans in self.plans for plan in plans)


@dataclass(frozen=True, slots=True, eq=False)
class RouterOutcomes:
    """What a run comes to on each query; NaN where a chosen model's outcome or cost is not recorded."""

    quality: Vector
    cost_nano_usd: Vector
    answered: Matrix
    """[n, models of the run], the chance that the answer of a model with a known outcome stands."""
    asked: Matrix
    """[n, models of the run], the chance that a model is asked, its answer standing or not."""
    checks_nano_usd: Vector
    """What checks that ask models cost; NaN where that is not recorded."""
    missing: Mapping[str, int]
    """Queries without an outcome, by the plan that lacks it."""


async def run_router(
    routes: Routes,
    dataset: Dataset,
    router: str,
    models: tuple[str, ...],
    strongest: str,
    *,
    draws: int = 1,
    advance: Callable[[int], None] = lambda _: None,
) -> RouterRun:
    """Ask a router about every query of a data set, for a caller who allows these models. Nobody else is called.

    `draws` is 1 for a router that never decides by chance, else `DRAWS`. Raises DatasetError where the configuration
    cannot take a query.
    """
    plans = []
    predicted = np.full((len(dataset), len(models)), np.nan)
    for row, prompt in enumerate(dataset.prompts):
        query, taken = text_query(prompt), Counter[Plan]()
        for draw in range(draws):
            key = f"{dataset.query_ids[row]}/{draw}" if draws > 1 else ""
            policy = RoutingPolicy(router, allowed_models=frozenset(models), affinity_key=key)
            try:
                decision = await decided(routes, query, policy, ANONYMOUS)
            except (NoEligibleModel, ModelsUnavailable):
                taken[()] += 1
                continue
            except FrontdeskError as error:
                raise DatasetError(f"query {dataset.query_ids[row]}: {error}") from error
            taken[tuple(step for step in decision.plan if step.kind is not StepKind.FALLBACK)] += 1
            if _classified(decision):
                predicted[row] = _predictions(decision, models)
        plans.append({plan: count / draws for plan, count in taken.items()})
        advance(1)
    return RouterRun(router, models, strongest, tuple(plans), predicted)


async def resolve(run: RouterRun, dataset: Dataset, checks: RecordedChecks) -> RouterOutcomes:
    """Look up what the models chosen in a run came to; cascades are replayed on the recorded answers.

    Raises DatasetError where a check can never be recomputed from the data.
    """
    for step in {step for plans in run.plans for plan in plans for step in plan}:
        checks.demand(step)
    quality, cost, checked = np.zeros((3, len(dataset)))
    answered, asked = np.zeros((2, *run.predicted.shape))
    missing: Counter[str] = Counter()
    for row, plans in enumerate(run.plans):
        for plan, chance in plans.items():
            model, tried, spent_on_checks = await _answer(plan, row, dataset, checks)
            reached = dataset.quality[row, dataset.model_index(model)] if model else np.nan
            spent = sum(float(dataset.cost_nano_usd[row, dataset.model_index(name)]) for name in tried)
            quality[row] += chance * reached
            cost[row] += chance * (spent + spent_on_checks)
            checked[row] += chance * spent_on_checks
            for name in tried:
                asked[row, run.models.index(name)] += chance
            if model is None or np.isnan(reached):
                missing[IN_TURN.join(step.model for step in plan) or "no model"] += 1
            else:
                answered[row, run.models.index(model)] += chance
    return RouterOutcomes(quality, cost, answered, asked, checked, dict(missing.most_common()))


async def _answer(
    plan: Plan, row: int, dataset: Dataset, checks: RecordedChecks
) -> tuple[str | None, tuple[str, ...], float]:
    """Whose answer stands when a plan is carried out, None where that is not recorded; who was asked; what checks cost.

    The cost is NaN where the answer is not recorded.
    """
    spent = 0.0
    for position, step in enumerate(plan):
        if step.check and position + 1 < len(plan):
            verdict = await checks.judge(step, row)
            if verdict is None:
                break
            spent += verdict.cost_nano_usd
            if not verdict.passed:
                continue
        return step.model, tuple(asked.model for asked in plan[: position + 1]), spent
    return None, (), float("nan")


def _classified(decision: Decision) -> bool:
    return any(step.strategy == _CLASSIFIER and step.verdict is Verdict.CHOSE for step in decision.path)


def _predictions(decision: Decision, models: tuple[str, ...]) -> list[float]:
    predicted = {candidate.model: candidate.predicted_quality for candidate in decision.candidates}
    return [float("nan") if (quality := predicted.get(model)) is None else quality for model in models]
