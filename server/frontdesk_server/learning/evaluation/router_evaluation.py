"""Evaluates a router of a configuration: the point at which it works, and the curve of its classifier's knob.

The result is JSON like that of :mod:`.evaluate`. ``quality``, ``cost``, ``cost_saved`` and ``quality_loss`` are of
the router's own decisions, the last two against always asking its strongest model. The other keys are read off the
curve that its classifier's predictions draw, by predicted gain between two models, by a price among more;
what the rest of the tree decides comes first on it whatever the knob says. Without such predictions they are null, and
``no_curve`` says why. ``quality`` and ``cost`` of a baseline are the best that it reaches at no more than the router's
cost (:mod:`.same_cost`), null where models have no recorded costs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.domain.decision import IN_TURN
from frontdesk_server.learning.data.dataset import Dataset, DatasetError
from frontdesk_server.learning.evaluation.comparable import demand_alternatives
from frontdesk_server.learning.evaluation.estimates import Evaluation, Figures, bootstrapped, single_models
from frontdesk_server.learning.evaluation.evaluate import evaluate_pair, evaluate_pool
from frontdesk_server.learning.evaluation.neighbours import Neighbours
from frontdesk_server.learning.evaluation.pool_routing import envelope
from frontdesk_server.learning.evaluation.router_run import RouterOutcomes, RouterRun
from frontdesk_server.learning.evaluation.same_cost import Choices, beside_at_same_cost, deal_answers

__all__ = ["evaluate_router"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

_ABSENT: dict[str, Any] = {"value": None, "ci95": None}
_CURVE_KEYS = ("apgr", "cpt20", "cpt50", "cpt80", "cost_saved_at_equal_quality", "quality_at_equal_cost")


def evaluate_router(
    dataset: Dataset,
    run: RouterRun,
    outcomes: RouterOutcomes,
    *,
    neighbours: Neighbours | None = None,
    no_curve: str = "",
    resamples: int = 500,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Evaluate a run on the queries whose outcome is known; the others are counted.

    `dataset` holds the run's models in their order. `no_curve` is a reason why the predictions are no knob, empty where
    they are. Raises DatasetError where no outcome of a decision is recorded, `NotComparable` where most queries have
    the outcome of one model alone.
    """
    demand_alternatives(dataset)
    known = np.flatnonzero(~np.isnan(outcomes.quality))
    if not len(known):
        raise DatasetError(f"no query has a recorded outcome of the model that router {run.router!r} chooses for it")
    rng = np.random.default_rng(seed)
    figures = bootstrapped(_measure(dataset, run, outcomes, known), len(known), resamples, rng, advance)
    no_curve = no_curve or _why_no_curve(dataset, run)
    nearby = None if neighbours is None else neighbours.of(known, dataset.models)
    options: dict[str, Any] = {"resamples": resamples, "seed": seed, "advance": advance}
    curve = None if no_curve else _curve(dataset, run, known, nearby, options)
    tried = dataset.take(known)
    dealt = deal_answers(tried, outcomes.answered[known], outcomes.asked[known], outcomes.checks_nano_usd[known])
    choices = Choices(outcomes.quality[known], outcomes.cost_nano_usd[known], *dealt)
    beside, added = beside_at_same_cost(tried, choices, nearby)
    swept = {key: curve.result[key] if curve else _ABSENT for key in _CURVE_KEYS}
    router = {**swept, **figures}
    quality, cost = figures["quality"]["value"], figures["cost"]["value"]
    result: dict[str, Any] = {
        "kind": "router",
        "router_name": run.router,
        "strongest": run.strongest,
        "pool": list(run.models),
        "queries": len(known),
        "queries_without_outcome": len(dataset) - len(known),
        "without_outcome": outcomes.missing,
        "chosen_share": _chosen_share(run),
        "no_curve": no_curve or None,
        "data_sha256": dataset.sha256,
        "bootstrap": {"resamples": resamples, "seed": seed},
        **router,
        "router": router,
        "baselines": _joined(curve.result["baselines"] if curve else {}, beside),
        "routing_adds": added,
        "models": single_models(dataset),
    }
    points = dict(curve.points) if curve else _priced(result["models"])
    curves = curve.curves if curve else {"fixed": envelope(*np.array(list(points.values())).T)} if points else {}
    if cost is not None:
        points[f"router {run.router}"] = (cost, quality)
    return Evaluation(result, curves, points, priced=curve is None or curve.priced)


def _measure(
    dataset: Dataset, run: RouterRun, outcomes: RouterOutcomes, known: NDArray[np.intp]
) -> Callable[[NDArray[np.int64]], dict[str, float]]:
    strong = dataset.model_index(run.strongest)
    quality, cost = outcomes.quality[known], outcomes.cost_nano_usd[known]
    lost = dataset.quality[known, strong] - quality
    strong_cost = dataset.cost_nano_usd[known, strong]
    priced = ~np.isnan(cost + strong_cost)

    def measure(rows: NDArray[np.int64]) -> dict[str, float]:
        paired = rows[priced[rows]]
        return {
            "quality": float(quality[rows].mean()),
            "cost": _mean(cost[rows]),
            "quality_loss": _mean(lost[rows]),
            "cost_saved": 1.0 - cost[paired].sum() / spent if (spent := strong_cost[paired].sum()) else float("nan"),
        }

    return measure


def _why_no_curve(dataset: Dataset, run: RouterRun) -> str:
    if np.isnan(run.predicted).all():
        return "no classifier decides, so that there is no score to sweep"
    if run.has_cascades:
        return "a cascade follows the classifier's choice, whose costs depend on its checks"
    if len(run.models) > 2 and np.isnan(dataset.cost_nano_usd + dataset.quality).all(axis=0).any():
        return "models without a recorded cost cannot be weighed against each other"
    return ""


def _curve(
    dataset: Dataset, run: RouterRun, known: NDArray[np.intp], nearby: Neighbours | None, options: Mapping[str, Any]
) -> Evaluation:
    """Sweep the predictions; where another strategy decided, its choice stands above all predictions."""
    predicted = np.where(np.isnan(run.predicted), -np.inf, run.predicted)
    for row in np.flatnonzero(np.isinf(predicted).all(axis=1)):
        for step in run.favourite(int(row))[:1]:
            predicted[row, run.models.index(step.model)] = 1.0
    predicted, tried = predicted[known], dataset.take(known)
    if len(run.models) == 2:
        strong = run.models.index(run.strongest)
        gain = np.clip(predicted[:, strong] - predicted[:, 1 - strong], -2.0, 2.0)
        return evaluate_pair(tried, run.strongest, run.models[1 - strong], gain, neighbours=nearby, **options)
    answered = ~np.isnan(tried.quality + tried.cost_nano_usd) & np.isfinite(predicted)
    usable = np.flatnonzero(answered.any(axis=1))
    nearby = None if nearby is None else nearby.of(usable, run.models)
    return evaluate_pool(tried.take(usable), run.models, predicted[usable], neighbours=nearby, **options)


def _joined(swept: Mapping[str, Figures], beside: Mapping[str, Figures]) -> dict[str, Figures]:
    """Baselines with what is read off their curves, and what they reach at the router's cost."""
    absent = dict.fromkeys(("quality", "cost"), _ABSENT)
    return {
        name: {**{key: swept.get(name, {}).get(key, _ABSENT) for key in _CURVE_KEYS}, **beside.get(name, absent)}
        for name in dict.fromkeys((*swept, *beside))
    }


def _chosen_share(run: RouterRun) -> dict[str, float]:
    """How often each plan is chosen, most frequent first."""
    shares: dict[str, float] = defaultdict(float)
    for plans in run.plans:
        for plan, chance in plans.items():
            shares[IN_TURN.join(step.model for step in plan) or "no model"] += chance
    return {plan: total / len(run.plans) for plan, total in sorted(shares.items(), key=lambda item: -item[1])}


def _priced(models: dict[str, Any]) -> dict[str, tuple[float, float]]:
    return {name: (f["cost"], f["quality"]) for name, f in models.items() if f["cost"] is not None}


def _mean(values: Vector) -> float:
    """The mean of what is known; NaN where nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
