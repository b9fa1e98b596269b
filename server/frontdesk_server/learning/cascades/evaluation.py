"""Evaluates a fitted cascade on recorded answers: its operating point, its whole curve, and what it must beat.

The result is JSON like that of other routers. ``quality``, ``cost``, ``cost_saved`` and ``quality_loss`` are those of
the chosen policy; ``cost_saved_at_equal_quality`` and ``cost_saved_at_max_loss`` are read off the curve of all
policies, two mixed at random. Losses and savings are against always asking the strongest model. The baselines choose
their models and thresholds in hindsight on these very queries, which favours them; their ``quality`` and ``cost`` are
the best at no more than the cost of the chosen policy. ``routing_adds`` is what :mod:`..evaluation.added` says of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.cascade.policy import CascadePolicy, FittedCascade
from frontdesk_server.artefacts.cascade.simulate import Replayed, replay_policy
from frontdesk_server.artefacts.cascade.state import describe
from frontdesk_server.learning.data.dataset import Dataset
from frontdesk_server.learning.data.recorded import RecordedAnswers, record_answers
from frontdesk_server.learning.evaluation.estimates import Evaluation, Figures, bootstrapped, plain, single_models
from frontdesk_server.learning.evaluation.neighbours import Neighbours
from frontdesk_server.learning.evaluation.pool_routing import best_at_cost, choices_by_price, envelope, expected_costs
from frontdesk_server.learning.evaluation.same_cost import Choices, beside_at_same_cost

__all__ = ["evaluate_cascade", "replay_fitted", "saved_at_loss"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Rows = NDArray[np.int64]

_LENGTH_CUTS = 20


@dataclass(frozen=True, slots=True, eq=False)
class _Policies:
    """What some policies come to on each query, both [policies, n]."""

    quality: Matrix
    cost: Matrix


def evaluate_cascade(
    dataset: Dataset,
    artefact: FittedCascade,
    *,
    neighbours: Neighbours | None = None,
    resamples: int = 500,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Replay every policy of the artefact on the data; intervals come from resampling queries.

    Raises DatasetError where a model of the cascade, its answers or its costs are missing.
    """
    data = record_answers(dataset, artefact.members.names, artefact.strongest, compare=artefact.compare, at_least=1)
    runs = replay_fitted(data, artefact, artefact.policies)
    curve = _Policies(np.array([run.quality for run in runs]), np.array([run.cost_nano_usd for run in runs]))
    nearby = None if neighbours is None else neighbours.of(data.rows, data.models)
    baselines = _baselines(data, nearby)
    rng = np.random.default_rng(seed)

    def router(rows: Rows) -> dict[str, float]:
        chosen = artefact.chosen
        quality, cost = curve.quality[chosen, rows].mean(), curve.cost[chosen, rows].mean()
        strong_quality, strong_cost = data.quality[rows, -1].mean(), data.cost_nano_usd[rows, -1].mean()
        point = {"quality": quality, "cost": cost}
        return point | {
            "quality_loss": strong_quality - quality,
            "cost_saved": 1.0 - cost / strong_cost,
            **_savings(data, curve, artefact.max_loss, rows),
        }

    figures = bootstrapped(router, len(data), resamples, rng, advance)
    chosen = runs[artefact.chosen]
    absent = {"value": None, "ci95": None}
    answered = np.eye(len(data.models))[chosen.answered_by]
    beside, added = beside_at_same_cost(data, Choices(chosen.quality, chosen.cost_nano_usd, answered), nearby)
    compared = {
        name: _within(policies, float(chosen.cost_nano_usd.mean()))
        | bootstrapped(partial(_savings, data, policies, artefact.max_loss), len(data), resamples, rng, advance)
        for name, policies in baselines.items()
    }
    compared |= {name: beside[name] for name in ("fixed", "shuffled")}
    result = {
        "kind": "cascade",
        "strongest": artefact.strongest,
        "pool": list(artefact.members.names),
        "queries": len(data),
        "data_sha256": data.sha256,
        "max_loss": artefact.max_loss,
        "bootstrap": {"resamples": resamples, "seed": seed},
        **dict.fromkeys(("apgr", "cpt20", "cpt50", "cpt80"), absent),
        **figures,
        "router": figures,
        "baselines": compared,
        "routing_adds": added,
        "learned_from_these": artefact.details.get("data_sha256") == data.sha256,
        "models": single_models(dataset.select_models(data.models)),
        "answered_share": _shares(data, [chosen.answered_by == j for j in range(len(data.models))]),
        "asked_share": _shares(data, list(chosen.asked.T)),
        "curve": [_point(policy, run) for policy, run in zip(artefact.policies, runs, strict=True)],
    }
    curves = {
        name: envelope(p.cost.mean(axis=1), p.quality.mean(axis=1))
        for name, p in {"cascade": curve, **baselines}.items()
    }
    points = {
        m: (float(data.cost_nano_usd[:, j].mean()), float(data.quality[:, j].mean())) for j, m in enumerate(data.models)
    }
    return Evaluation(result, curves, points, priced=True)


def replay_fitted(data: RecordedAnswers, artefact: FittedCascade, policies: Sequence[CascadePolicy]) -> list[Replayed]:
    """Replay policies of an artefact on recorded answers; the states they share are computed once."""
    difficulty = artefact.difficulty.predict(data.prompts)
    lengths = artefact.members.lengths(data.cost_nano_usd[:, :-1])
    sizes = artefact.members.sizes(data.answer_size)
    known: dict[tuple[int, ...], tuple[Vector, NDArray[np.intp]]] = {}

    def state(asked: tuple[int, ...]) -> tuple[Vector, NDArray[np.intp]]:
        if asked not in known:
            features, lead = describe(asked, data.groups, artefact.members.weights, difficulty, lengths, sizes)
            known[asked] = (artefact.scorer.predict(features), lead)
        return known[asked]

    return [
        replay_policy(policy, data.models, difficulty, state, data.quality, data.cost_nano_usd) for policy in policies
    ]


def saved_at_loss(loss: Vector, saved: Vector, allowed: float) -> float:
    """Return the largest saving at a loss, each [policies]; two policies may be mixed at random."""
    within, beyond = loss <= allowed + 1e-12, loss > allowed + 1e-12
    if not within.any():
        return float("nan")
    best = float(saved[within].max())
    if not beyond.any():
        return best
    share = (allowed - loss[within][:, None]) / (loss[beyond] - loss[within][:, None])
    mixed = saved[within][:, None] * (1.0 - share) + saved[beyond] * share
    return max(best, float(mixed.max()))


def _savings(data: RecordedAnswers, policies: _Policies, max_loss: float, rows: Rows) -> dict[str, float]:
    """Savings read off a set of policies, always asking the strongest model among them."""
    loss = data.quality[rows, -1].mean() - policies.quality[:, rows].mean(axis=1)
    saved = 1.0 - policies.cost[:, rows].mean(axis=1) / data.cost_nano_usd[rows, -1].mean()
    loss, saved = np.append(loss, 0.0), np.append(saved, 0.0)
    return {
        "cost_saved_at_equal_quality": saved_at_loss(loss, saved, 0.0),
        "cost_saved_at_max_loss": saved_at_loss(loss, saved, max_loss),
    }


def _within(policies: _Policies, limit: float) -> Figures:
    """Quality and cost of the best policy that costs no more."""
    cost, quality = best_at_cost(policies.cost.mean(axis=1), policies.quality.mean(axis=1), limit)
    return plain({"quality": quality, "cost": cost})


def _baselines(data: RecordedAnswers, nearby: Neighbours | None) -> dict[str, _Policies]:
    """Mixing models at random, sending long prompts to the strongest, plain agreement, neighbours, an oracle."""
    quality, cost = data.quality, data.cost_nano_usd
    length = np.array([float(len(prompt)) for prompt in data.prompts])
    cuts = np.quantile(length, np.linspace(0.0, 1.0, _LENGTH_CUTS + 1))
    long = [(j, length > cut) for j in range(data.members) for cut in cuts]
    agreeing = [_agreement(data, asked) for size in (2, 3) for asked in combinations(range(data.members), size)]
    good = np.where(quality >= quality[:, -1:], cost, np.inf).argmin(axis=1)
    rows = np.arange(len(data))
    baselines = {
        "random": _Policies(quality.T, cost.T),
        "prompt_length": _Policies(
            np.array([np.where(is_long, quality[:, -1], quality[:, j]) for j, is_long in long]),
            np.array([np.where(is_long, cost[:, -1], cost[:, j]) for j, is_long in long]),
        ),
        "oracle": _Policies(quality[rows, good][None], cost[rows, good][None]),
    }
    if agreeing:
        baselines["agreement"] = _stacked(agreeing)
    if nearby is not None:
        routed = np.array(list(choices_by_price(nearby.expected, expected_costs(cost, length), quality, cost)))
        baselines["neighbours"] = _Policies(quality[rows, routed], cost[rows, routed])
    return baselines


def _agreement(data: RecordedAnswers, asked: tuple[int, ...]) -> _Policies:
    """Ask these members at once and the strongest model where they do not all agree."""
    groups = data.groups[:, asked]
    agree = (groups == groups[:, :1]).all(axis=1) & (groups[:, 0] >= 0)
    quality = np.where(agree, data.quality[:, asked[0]], data.quality[:, -1])
    cost = data.cost_nano_usd[:, asked].sum(axis=1) + np.where(agree, 0.0, data.cost_nano_usd[:, -1])
    return _Policies(quality[None], cost[None])


def _stacked(parts: Sequence[_Policies]) -> _Policies:
    return _Policies(np.vstack([part.quality for part in parts]), np.vstack([part.cost for part in parts]))


def _point(policy: CascadePolicy, run: Replayed) -> dict[str, Any]:
    return {
        "order": [step.model for step in policy.steps],
        "cost_weight": policy.cost_weight,
        "quality": float(run.quality.mean()),
        "cost": float(run.cost_nano_usd.mean()),
        "strong_share": float(run.asked[:, -1].mean()),
        "expected": dict(policy.estimate),
    }


def _shares(data: RecordedAnswers, where: Sequence[NDArray[np.bool_]]) -> Mapping[str, float]:
    return {model: float(chosen.mean()) for model, chosen in zip(data.models, where, strict=True)}
