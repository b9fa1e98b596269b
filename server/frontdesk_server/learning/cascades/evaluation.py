"""Evaluates a fitted cascade on recorded answers: its operating point, its whole curve, and what it must beat.

The result is JSON like that of other routers. ``quality``, ``cost``, ``cost_saved`` and ``quality_loss`` are those of
the chosen policy; ``cost_saved_at_equal_quality`` and ``cost_saved_at_max_loss`` are read off the curve of all
policies, two mixed at random. Losses and savings are against always asking the strongest model. ``quality`` and
``cost`` of the baselines (:mod:`.baselines`) are the best at no more than the cost of the chosen policy, those of
``shuffled`` its own escalations dealt to other queries. ``routing_adds`` is what :mod:`..evaluation.added` says of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.cascade.policy import CascadePolicy, FittedCascade
from frontdesk_server.artefacts.cascade.simulate import Replayed, StateOf, replay_policy
from frontdesk_server.learning.cascades.baselines import baselines_of, compare, deal, savings, stacked
from frontdesk_server.learning.data.dataset import Dataset
from frontdesk_server.learning.data.recorded import RecordedAnswers, record_answers
from frontdesk_server.learning.evaluation.estimates import Evaluation, bootstrapped, single_models
from frontdesk_server.learning.evaluation.neighbours import Neighbours
from frontdesk_server.learning.evaluation.pool_routing import envelope
from frontdesk_server.learning.evaluation.same_cost import Choices

__all__ = ["evaluate_cascade", "replay_fitted"]

Vector = NDArray[np.float64]
Rows = NDArray[np.int64]


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
    state = _states(data, artefact)
    runs = _replay(data, artefact, artefact.policies, state)
    curve = stacked([(run.quality, run.cost_nano_usd) for run in runs])
    dealt = [deal(run.asked, lambda asked: state(asked)[1], data.quality, data.cost_nano_usd) for run in runs]
    nearby = None if neighbours is None else neighbours.of(data.rows, data.models)
    baselines = baselines_of(data, nearby, stacked(dealt))
    rng = np.random.default_rng(seed)

    def router(rows: Rows) -> dict[str, float]:
        chosen = artefact.chosen
        quality, cost = curve.quality[chosen, rows].mean(), curve.cost[chosen, rows].mean()
        strong_quality, strong_cost = data.quality[rows, -1].mean(), data.cost_nano_usd[rows, -1].mean()
        point = {"quality": quality, "cost": cost}
        return point | {
            "quality_loss": strong_quality - quality,
            "cost_saved": 1.0 - cost / strong_cost,
            **savings(data, curve, artefact.max_loss, rows),
        }

    figures = bootstrapped(router, len(data), resamples, rng, advance)
    chosen = runs[artefact.chosen]
    absent = {"value": None, "ci95": None}
    choices = Choices(chosen.quality, chosen.cost_nano_usd, *dealt[artefact.chosen])
    compared, added = compare(
        data, choices, nearby, baselines, artefact.max_loss, resamples=resamples, rng=rng, advance=advance
    )
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
        name: envelope(*policies.points())
        for name, policies in {"cascade": curve, **baselines}.items()
        if policies.mixed
    }
    points = {
        m: (float(data.cost_nano_usd[:, j].mean()), float(data.quality[:, j].mean())) for j, m in enumerate(data.models)
    }
    return Evaluation(result, curves, points, priced=True)


def replay_fitted(data: RecordedAnswers, artefact: FittedCascade, policies: Sequence[CascadePolicy]) -> list[Replayed]:
    """Replay policies of an artefact on recorded answers; the states they share are computed once."""
    return _replay(data, artefact, policies, _states(data, artefact))


def _states(data: RecordedAnswers, artefact: FittedCascade) -> StateOf:
    """The score and the leading answer after some members have answered, computed once."""
    difficulty = artefact.difficulty.predict(data.prompts)
    known: dict[tuple[int, ...], tuple[Vector, NDArray[np.intp]]] = {}

    def state(asked: tuple[int, ...]) -> tuple[Vector, NDArray[np.intp]]:
        if asked not in known:
            known[asked] = artefact.score(asked, data.groups, difficulty, data.cost_nano_usd[:, :-1], data.answer_size)
        return known[asked]

    return state


def _replay(
    data: RecordedAnswers, artefact: FittedCascade, policies: Sequence[CascadePolicy], state: StateOf
) -> list[Replayed]:
    difficulty = artefact.difficulty.predict(data.prompts)
    return [
        replay_policy(policy, data.models, difficulty, state, data.quality, data.cost_nano_usd) for policy in policies
    ]


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
