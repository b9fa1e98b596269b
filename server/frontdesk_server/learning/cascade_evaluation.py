"""Evaluates a fitted cascade on recorded answers: its operating point, its whole curve, every model alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.cascades.policy import CascadePolicy, FittedCascade
from frontdesk_server.cascades.simulate import Replayed, replay_policy
from frontdesk_server.cascades.state import describe
from frontdesk_server.learning.dataset import Dataset
from frontdesk_server.learning.recorded import RecordedAnswers, record_answers

__all__ = ["CascadeEvaluation", "CurvePoint", "Estimate", "evaluate_cascade", "replay_fitted"]

Vector = NDArray[np.float64]

_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % bootstrap interval over queries."""

    value: float
    ci95: tuple[float, float]

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints of it."""
        return {"value": self.value, "ci95": list(self.ci95)}


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One policy of the curve on this data."""

    cost_weight: float
    quality: float
    cost_nano_usd: float
    strong_share: float
    """Share of queries which the strongest model was asked."""


@dataclass(frozen=True, slots=True)
class CascadeEvaluation:
    """What the chosen policy comes to; costs are means a query in nano-USD, losses and savings against the strongest."""

    queries: int
    strongest: str
    quality: Estimate
    cost: Estimate
    quality_loss: Estimate
    cost_saved: Estimate
    cost_saved_at_equal_quality: Estimate
    """Read off the curve at the strongest model's quality, mixing neighbouring policies."""
    cost_saved_at_max_loss: Estimate
    """Read off the curve at the loss for which the cascade was fitted."""
    max_loss: float
    answered_share: Mapping[str, float]
    asked_share: Mapping[str, float]
    curve: tuple[CurvePoint, ...]
    single_models: Mapping[str, tuple[float, float]]
    """Quality and cost of every model alone."""

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        figures = ("quality", "cost", "quality_loss", "cost_saved", "cost_saved_at_equal_quality", "cost_saved_at_max_loss")
        return {
            "kind": "cascade",
            "queries": self.queries,
            "strongest": self.strongest,
            "max_loss": self.max_loss,
            **{name: getattr(self, name).as_json() for name in figures},
            "answered_share": dict(self.answered_share),
            "asked_share": dict(self.asked_share),
            "curve": [
                {"quality": p.quality, "cost": p.cost_nano_usd, "strong_share": p.strong_share, "cost_weight": p.cost_weight}
                for p in self.curve
            ],
            "single_models": {m: {"quality": q, "cost": c} for m, (q, c) in self.single_models.items()},
        }


def evaluate_cascade(dataset: Dataset, artefact: FittedCascade, *, seed: int = 0) -> CascadeEvaluation:
    """Replay every policy of the artefact on the data; intervals come from resampling queries.

    Raises DatasetError where a model of the cascade, its answers or its costs are missing.
    """
    data = record_answers(dataset, artefact.members.names, artefact.strongest, compare=artefact.compare, at_least=1)
    runs = replay_fitted(data, artefact, artefact.policies)
    chosen = runs[artefact.chosen]
    quality = np.array([run.quality for run in runs])
    cost = np.array([run.cost_nano_usd for run in runs])
    strong_quality, strong_cost = data.quality[:, -1], data.cost_nano_usd[:, -1]
    draws = np.random.default_rng(seed).integers(0, len(data), (_RESAMPLES, len(data)))

    def figure(of: Any) -> Estimate:
        resampled = [of(draw) for draw in draws]
        low, high = np.quantile(resampled, [0.025, 0.975])
        return Estimate(float(of(slice(None))), (float(low), float(high)))

    def saved(rows: Any) -> float:
        return 1.0 - chosen.cost_nano_usd[rows].mean() / strong_cost[rows].mean()

    def saved_at(loss: float) -> Any:
        return lambda rows: _saved_at_loss(
            strong_quality[rows].mean() - quality[:, rows].mean(axis=1),
            1.0 - cost[:, rows].mean(axis=1) / strong_cost[rows].mean(),
            loss,
        )

    return CascadeEvaluation(
        queries=len(data),
        strongest=artefact.strongest,
        quality=figure(lambda rows: chosen.quality[rows].mean()),
        cost=figure(lambda rows: chosen.cost_nano_usd[rows].mean()),
        quality_loss=figure(lambda rows: (strong_quality - chosen.quality)[rows].mean()),
        cost_saved=figure(saved),
        cost_saved_at_equal_quality=figure(saved_at(0.0)),
        cost_saved_at_max_loss=figure(saved_at(artefact.max_loss)),
        max_loss=artefact.max_loss,
        answered_share={m: float((chosen.answered_by == j).mean()) for j, m in enumerate(data.models)},
        asked_share={m: float(chosen.asked[:, j].mean()) for j, m in enumerate(data.models)},
        curve=tuple(
            CurvePoint(p.cost_weight, float(r.quality.mean()), float(r.cost_nano_usd.mean()), float(r.asked[:, -1].mean()))
            for p, r in zip(artefact.policies, runs, strict=True)
        ),
        single_models={
            m: (float(data.quality[:, j].mean()), float(data.cost_nano_usd[:, j].mean()))
            for j, m in enumerate(data.models)
        },
    )


def replay_fitted(data: RecordedAnswers, artefact: FittedCascade, policies: Sequence[CascadePolicy]) -> list[Replayed]:
    """Replay policies of an artefact on recorded answers; the states they share are computed once."""
    difficulty = artefact.difficulty.predict(data.prompts)
    lengths = artefact.members.lengths(data.cost_nano_usd[:, :-1])
    sizes = artefact.members.sizes(data.answer_size)
    known: dict[tuple[int, ...], tuple[Vector, NDArray[np.intp]]] = {}

    def state(asked: tuple[int, ...]) -> tuple[Vector, NDArray[np.intp]]:
        if asked not in known:
            weights = artefact.members.weights[list(asked)]
            features, position = describe(
                data.groups[:, asked], weights, difficulty, lengths[:, asked], sizes[:, asked]
            )
            known[asked] = (artefact.scorer.predict(features), np.array(asked)[position])
        return known[asked]

    return [
        replay_policy(policy, data.models, difficulty, state, data.quality, data.cost_nano_usd) for policy in policies
    ]


def _saved_at_loss(loss: Vector, saved: Vector, allowed: float) -> float:
    """Return the largest saving on the upper hull of (loss, saved) at a loss; policies may be mixed at random."""
    best = float(saved[loss <= allowed].max(initial=-np.inf))
    within, beyond = np.flatnonzero(loss <= allowed), np.flatnonzero(loss > allowed)
    for i in within:
        for j in beyond:
            share = (allowed - loss[i]) / (loss[j] - loss[i])
            best = max(best, float(saved[i] + share * (saved[j] - saved[i])))
    return best
