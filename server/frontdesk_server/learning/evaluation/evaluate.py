"""Evaluating a router on recorded outcomes, beside everything it must beat.

The result is JSON: under ``router`` and under each name in ``baselines`` stand the same keys, each
``{"value": number or null, "ci95": [low, high] or null}``; those of the router also stand at the top level.

========================================  ==============================================================================
``apgr``, ``cpt20``, ``cpt50``, ``cpt80``  as :mod:`.curve` defines them; for a pool of models null
``cost_saved_at_equal_quality``           part of the cost of always asking the strong (or best single) model that is
                                          saved where the router first reaches that quality; 0 where it never does
``quality``, ``cost``                     of the router at that point; cost is the mean in nano-USD a query
``quality_at_equal_cost``                 best quality at no more than that model's cost
========================================  ==============================================================================

Costs are null where the data has none; savings are then in calls of the strong model. Intervals are percentiles of a
bootstrap over queries; that of ``random``, for a pair, is the spread of random scores. For a pool ``fixed`` is the best
single model at each cost, ``shuffled`` the same choices dealt to other queries. ``neighbours`` are there where they
could be asked; under ``routing_adds`` stands what :mod:`.added` says.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.learning.data.dataset import Dataset, DatasetError
from frontdesk_server.learning.evaluation.added import added_by_predictions
from frontdesk_server.learning.evaluation.comparable import demand_alternatives
from frontdesk_server.learning.evaluation.curve import RECOVERIES, pair_curve
from frontdesk_server.learning.evaluation.estimates import Evaluation, bootstrapped, plain, single_models, spread
from frontdesk_server.learning.evaluation.neighbours import Neighbours
from frontdesk_server.learning.evaluation.pool_routing import (
    best_single,
    envelope,
    expected_costs,
    pool_points,
    quality_by_length,
    shuffled_points,
)

__all__ = ["evaluate_pair", "evaluate_pool"]

Matrix = NDArray[np.float64]

_RANDOM_DRAWS = 100


def evaluate_pair(
    dataset: Dataset,
    strong: str,
    weak: str,
    score: Matrix,
    *,
    neighbours: Neighbours | None = None,
    resamples: int = 500,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Evaluate a score (higher: rather the strong model), of shape [n], on the queries that both models answered."""
    pair = dataset.select_models([weak, strong])
    known = np.flatnonzero(~np.isnan(pair.quality).any(axis=1))
    if not len(known):
        demand_alternatives(pair)
        raise DatasetError(f"no query has outcomes of both {strong!r} and {weak!r}")
    pair, score = pair.take(known), score[known]
    nearby = None if neighbours is None else neighbours.of(known, pair.models)
    has_costs = not np.isnan(pair.cost_nano_usd).any()
    paid = pair.cost_nano_usd if has_costs else np.broadcast_to([0.0, 1.0], pair.quality.shape)
    rng = np.random.default_rng(seed)
    scores = {
        "router": score,
        "prompt_length": np.array([float(len(prompt)) for prompt in pair.prompts]),
        "oracle": pair.quality[:, 1] - pair.quality[:, 0] + 1e-6 * rng.random(len(pair)),
    }
    if nearby is not None:
        scores["neighbours"] = nearby.expected[:, 1] - nearby.expected[:, 0]

    def measure(values: Matrix, rows: NDArray[np.int64]) -> dict[str, float]:
        return _pair_values(values[rows], pair.quality[rows], paid[rows], has_costs)

    figures = {
        name: bootstrapped(partial(measure, values), len(pair), resamples, rng, advance)
        for name, values in scores.items()
    }
    everything = np.arange(len(pair))
    random_scores = [rng.random(len(pair)) for _ in range(_RANDOM_DRAWS)]
    figures["random"] = spread([measure(values, everything) for values in random_scores])
    router = figures.pop("router")
    result = {
        "kind": "pair",
        "strong": strong,
        "weak": weak,
        "queries": len(pair),
        "data_sha256": pair.sha256,
        "bootstrap": {"resamples": resamples, "seed": seed},
        **router,
        "router": router,
        "baselines": figures,
        "routing_adds": added_by_predictions(
            np.column_stack([np.zeros(len(pair)), score]), pair.quality, pair.cost_nano_usd, nearby
        ),
        "models": single_models(pair),
    }
    ends = paid.mean(axis=0), pair.quality.mean(axis=0)
    curves = {name: _sweep(values, pair.quality, paid) for name, values in scores.items()} | {"random": ends}
    points = {model: (float(ends[0][j]), float(ends[1][j])) for j, model in enumerate(pair.models)}
    return Evaluation(result, curves, points, priced=has_costs)


def evaluate_pool(
    dataset: Dataset,
    pool: Sequence[str],
    predicted: Matrix,
    *,
    neighbours: Neighbours | None = None,
    resamples: int = 200,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Evaluate predicted qualities, [n, len(pool)], on the queries that the best single model answered."""
    chosen = dataset.select_models(pool)
    demand_alternatives(chosen)
    if np.isnan(chosen.cost_nano_usd + chosen.quality).all(axis=0).any():
        raise DatasetError("each model of the pool needs queries whose quality and cost are both known")
    best = best_single(chosen.quality)
    known = np.flatnonzero(~np.isnan(chosen.quality[:, best] + chosen.cost_nano_usd[:, best]))
    chosen, predicted = chosen.take(known), predicted[known]
    nearby = None if neighbours is None else neighbours.of(known, pool)
    quality, cost = chosen.quality, chosen.cost_nano_usd
    sizes = np.array([float(len(prompt)) for prompt in chosen.prompts])
    expected = expected_costs(cost, sizes)
    tried = np.where(np.isnan(quality), 0.0, quality)
    candidates = {"router": predicted, "prompt_length": quality_by_length(quality, sizes), "oracle": tried}
    if nearby is not None:
        candidates["neighbours"] = nearby.expected
    rng = np.random.default_rng(seed)

    def measure(values: Matrix, rows: NDArray[np.int64]) -> dict[str, float]:
        points = pool_points(values[rows], expected[rows], quality[rows], cost[rows])
        return _pool_values(*envelope(*points), quality[rows, best].mean(), cost[rows, best].mean())

    figures = {
        name: bootstrapped(partial(measure, values), len(chosen), resamples, rng, advance)
        for name, values in candidates.items()
    }
    fixed = envelope(np.nanmean(cost, axis=0), np.nanmean(quality, axis=0))
    figures["fixed"] = plain(_pool_values(*fixed, quality[:, best].mean(), cost[:, best].mean()))
    shuffled = envelope(*shuffled_points(predicted, expected, quality, cost))
    figures["shuffled"] = plain(_pool_values(*shuffled, quality[:, best].mean(), cost[:, best].mean()))
    router = figures.pop("router")
    result = {
        "kind": "pool",
        "pool": list(pool),
        "best_single": pool[best],
        "queries": len(chosen),
        "data_sha256": chosen.sha256,
        "bootstrap": {"resamples": resamples, "seed": seed},
        **router,
        "router": router,
        "baselines": figures,
        "routing_adds": added_by_predictions(predicted, quality, cost, nearby),
        "models": single_models(chosen),
    }
    curves = {n: envelope(*pool_points(v, expected, quality, cost)) for n, v in candidates.items()} | {"fixed": fixed}
    points = {model: (float(np.nanmean(cost[:, j])), float(np.nanmean(quality[:, j]))) for j, model in enumerate(pool)}
    return Evaluation(result, curves, points, priced=True)


def _pair_values(score: Matrix, quality: Matrix, paid: Matrix, has_costs: bool) -> dict[str, float]:
    curve = pair_curve(score, quality[:, 0], quality[:, 1])
    cost, reached = _sweep(score, quality, paid)
    strong_quality, strong_cost = float(quality[:, 1].mean()), float(paid[:, 1].mean())
    saved, at_quality, at_cost, at_equal_cost = _equal_quality(cost, reached, strong_quality, strong_cost)
    return {
        "apgr": curve.apgr,
        **{f"cpt{percent}": curve.cpt(percent) for percent in RECOVERIES},
        "cost_saved_at_equal_quality": saved,
        "quality": at_quality,
        "cost": at_cost if has_costs else float("nan"),
        "quality_at_equal_cost": at_equal_cost,
    }


def _pool_values(cost: Matrix, reached: Matrix, best_quality: float, best_cost: float) -> dict[str, float]:
    saved, at_quality, at_cost, at_equal_cost = _equal_quality(cost, reached, best_quality, best_cost)
    return {
        "apgr": float("nan"),
        **{f"cpt{percent}": float("nan") for percent in RECOVERIES},
        "cost_saved_at_equal_quality": saved,
        "quality": at_quality,
        "cost": at_cost,
        "quality_at_equal_cost": at_equal_cost,
    }


def _equal_quality(cost: Matrix, reached: Matrix, quality: float, price: float) -> tuple[float, float, float, float]:
    """Return the part of the price saved, quality and cost where a curve reaches a quality; its best at the price."""
    affordable = reached[cost <= price * (1.0 + 1e-9)]
    at_equal_cost = float(affordable.max()) if len(affordable) else float("nan")
    enough = np.flatnonzero((reached >= quality - 1e-12) & (cost <= price))
    if not len(enough):
        return 0.0, quality, price, at_equal_cost
    first = enough[cost[enough].argmin()]
    saved = 1.0 - float(cost[first]) / price if price else 0.0
    return saved, float(reached[first]), float(cost[first]), at_equal_cost


def _sweep(score: Matrix, quality: Matrix, paid: Matrix) -> tuple[Matrix, Matrix]:
    """Return mean cost and quality for every number of queries sent to the strong model, highest scores first."""
    order = np.argsort(-score, kind="stable")
    weak, strong = quality[order].T
    weak_paid, strong_paid = paid[order].T
    gained = np.concatenate([[0.0], np.cumsum(strong - weak)])
    spent = np.concatenate([[0.0], np.cumsum(strong_paid - weak_paid)])
    n = len(score)
    return paid[:, 0].mean() + spent / n, quality[:, 0].mean() + gained / n
