"""Fits cascades to recorded answers: the curve of policies, cross-validated, and the point on it that a loss allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.cascades.policy import CascadePolicy, FittedCascade
from frontdesk_server.cascades.simulate import Replayed, replay_policy
from frontdesk_server.domain.answers import Compare
from frontdesk_server.learning.cascade_scorer import ScoredStates, score_states
from frontdesk_server.learning.cascade_search import search_policy
from frontdesk_server.learning.dataset import Dataset
from frontdesk_server.learning.difficulty import Folds, Rows, TextFeatures
from frontdesk_server.learning.recorded import RecordedAnswers, record_answers

__all__ = ["COST_WEIGHTS", "CascadeFitOptions", "CrossValidated", "cross_validate", "fit_cascade"]

Vector = NDArray[np.float64]
Progress = Callable[[int, int], None]
"""Called with how many of how many parts of the work are done."""

COST_WEIGHTS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.14, 0.2, 0.28, 0.4)
"""How much quality an answer of the strongest model may be worth; each gives one policy of the curve."""

_INNER_FOLDS = 5


@dataclass(frozen=True, slots=True)
class CascadeFitOptions:
    """How a cascade is fitted."""

    max_loss: float = 0.005
    """Mean quality that may be lost against the strongest model."""
    max_steps: int = 4
    """Members asked at most before the strongest model."""
    folds: int = 5
    repeats: int = 2
    """Cross-validations with different splits, averaged."""
    caution: float = 0.2
    """Standard errors of the estimated loss that must fit under `max_loss` too."""
    compare: Compare = "auto"
    seed: int = 0
    cost_weights: tuple[float, ...] = COST_WEIGHTS


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """What fitting with one cost weight comes to on queries that were not fitted on."""

    cost_weight: float
    saved: float
    """Share of the strongest model's cost."""
    loss: float
    """Mean quality lost, smoothed so that it grows with the weight."""
    loss_error: float
    """Standard error of the loss."""


def fit_cascade(
    dataset: Dataset, pool: Sequence[str], strongest: str, options: CascadeFitOptions, progress: Progress | None = None
) -> FittedCascade:
    """Fit on all of the data, at the cost weight that cross-validation finds cheapest within the allowed loss.

    Raises DatasetError where the data cannot support it. When no point of the curve fits under the allowed loss, the
    chosen policy asks the strongest model alone.
    """
    data = record_answers(dataset, pool, strongest, compare=options.compare)
    text = TextFeatures.of(data.prompts)
    validated = cross_validate(data, text, options, progress)
    rows = np.arange(len(data))
    scored = score_states(data, text, rows, _splitter(data.prompts, _INNER_FOLDS, options.seed), options.max_steps)
    alone = CascadePolicy((), -np.inf, estimate={"saved": 0.0, "loss": 0.0, "loss_error": 0.0})
    policies = [alone]
    for point in validated:
        policy = search_policy(data, scored, rows, point.cost_weight, options.max_steps)
        estimate = {"saved": point.saved, "loss": point.loss, "loss_error": point.loss_error}
        policies.append(replace(policy, estimate=estimate))
    return FittedCascade(
        strongest,
        scored.members,
        options.compare,
        scored.difficulty_model,
        scored.scorer,
        tuple(policies),
        choose(policies, options),
        options.max_loss,
        {
            "queries": len(data),
            "data_sha256": data.sha256,
            "protocol": f"{options.repeats} x {options.folds}-fold cross-validation, seed {options.seed}, "
            f"loss + {options.caution:g} standard errors within {options.max_loss:g}",
        },
    )


def choose(policies: Sequence[CascadePolicy], options: CascadeFitOptions) -> int:
    """Return the policy that saves most among those whose estimated loss, with caution, is allowed."""
    allowed = [
        (policy.estimate["saved"], number)
        for number, policy in enumerate(policies)
        if policy.estimate["loss"] + options.caution * policy.estimate["loss_error"] <= options.max_loss
    ]
    return max(allowed)[1] if allowed else 0


def cross_validate(
    data: RecordedAnswers, text: TextFeatures, options: CascadeFitOptions, progress: Progress | None = None
) -> list[CrossValidated]:
    """Fit without each fold in turn, with every cost weight, and replay the policies on the fold."""
    weights, total = options.cost_weights, options.folds * options.repeats
    loss, cost = np.zeros((2, options.repeats, len(weights), len(data)))
    for repeat in range(options.repeats):
        outer = _splitter(data.prompts, options.folds, options.seed + 1 + repeat)
        for done, (rest, part) in enumerate(outer(np.arange(len(data)))):
            inner = _splitter(data.prompts, _INNER_FOLDS, options.seed)
            scored = score_states(data, text, rest, inner, options.max_steps)
            for number, weight in enumerate(weights):
                policy = search_policy(data, scored, rest, weight, options.max_steps)
                replayed = replay_scored(policy, data, scored)
                loss[repeat, number, part] = (data.quality[:, -1] - replayed.quality)[part]
                cost[repeat, number, part] = replayed.cost_nano_usd[part]
            if progress is not None:
                progress(repeat * options.folds + done + 1, total)
    per_query = loss.mean(axis=0)
    smoothed = np.maximum.accumulate(per_query.mean(axis=1))
    errors = per_query.std(axis=1) / np.sqrt(len(data))
    saved = 1.0 - cost.mean(axis=(0, 2)) / data.cost_nano_usd[:, -1].mean()
    return [CrossValidated(*map(float, point)) for point in zip(weights, saved, smoothed, errors, strict=True)]


def replay_scored(policy: CascadePolicy, data: RecordedAnswers, scored: ScoredStates) -> Replayed:
    """Replay a policy on every row with the scores that were fitted beside it."""

    def state(asked: tuple[int, ...]) -> tuple[Vector, NDArray[np.intp]]:
        return scored.states[asked].score, scored.states[asked].lead

    return replay_policy(policy, data.models, scored.difficulty, state, data.quality, data.cost_nano_usd)


def _splitter(prompts: Sequence[str], folds: int, seed: int) -> Folds:
    """Split at random into folds of equal size; rows of the same prompt stay together."""
    _, prompt_of = np.unique(np.array(prompts, dtype=object), return_inverse=True)

    def split(rows: Rows) -> list[tuple[Rows, Rows]]:
        distinct = np.unique(prompt_of[rows])
        shuffled = np.random.default_rng(seed).permutation(distinct)
        parts = [np.isin(prompt_of[rows], part) for part in np.array_split(shuffled, folds)]
        return [(rows[~part], rows[part]) for part in parts]

    return split
