"""Fits cascades to recorded answers: the curve of policies, cross-validated, and the point on it that a loss allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.cascade.policy import CascadePolicy, FittedCascade
from frontdesk_server.artefacts.cascade.simulate import Replayed, replay_policy
from frontdesk_server.judging.answers import Compare
from frontdesk_server.learning.cascades.baselines import baselines_of, compare, deal, savings, stacked
from frontdesk_server.learning.cascades.difficulty import Folds, Rows, TextFeatures
from frontdesk_server.learning.cascades.scorer import ScoredStates, ScorePrior, score_states
from frontdesk_server.learning.cascades.search import search_policy
from frontdesk_server.learning.data.dataset import Dataset
from frontdesk_server.learning.data.recorded import RecordedAnswers, record_answers
from frontdesk_server.learning.evaluation.estimates import plain
from frontdesk_server.learning.evaluation.neighbours import Neighbours
from frontdesk_server.learning.evaluation.same_cost import Choices

__all__ = ["COST_WEIGHTS", "CascadeFitOptions", "CrossValidated", "choose", "cross_validate", "fit_cascade"]

Vector = NDArray[np.float64]
Progress = Callable[[int, int], None]
"""Called with how many of how many parts of the work are done."""

COST_WEIGHTS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.12, 0.14, 0.17, 0.2, 0.3)
"""How much quality an answer of the strongest model may be worth; each gives one policy of the curve."""

_INNER_FOLDS = 5
_SHARE_OBSERVED = 0.3


@dataclass(frozen=True, slots=True)
class CascadeFitOptions:
    """How a cascade is fitted."""

    max_loss: float = 0.005
    """Mean quality that may be lost against the strongest model."""
    max_steps: tuple[int, ...] = (3, 4)
    """Members asked at most before the strongest model; each is tried."""
    folds: int = 5
    repeats: int = 6
    """Cross-validations with different splits, averaged."""
    caution: float = 0.45
    """Standard errors of the loss that must fit within `max_loss` beside the expected loss."""
    dearest_cost_weight: float = 0.14
    """Predicted quality that may at most be given up to save the cost of one answer of the strongest model.

    The cost weight is the slope of loss over saving, so this binds where the curve leaves room under `max_loss`: safety
    is then bought as long as it is cheap. Unlike the observed loss, the slope does not hang on a handful of queries.
    """
    compare: Compare = "auto"
    seed: int = 0
    cost_weights: tuple[float, ...] = COST_WEIGHTS
    prior: ScorePrior = ScorePrior()
    """What other data taught of votes; few queries of one's own keep close to it."""


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """What fitting with one cost weight comes to on queries that were not fitted on."""

    max_steps: int
    cost_weight: float
    saved: float
    """Share of the strongest model's cost."""
    loss: float
    """Mean quality expected to be lost: three tenths what was observed, the rest what the scores predicted.

    The observed loss rests on the few queries on which the models differ; the prediction varies less but is hopeful,
    by about the observed loss's standard error, hence the shares and the caution. Smoothed to grow with the weight.
    """
    loss_observed: float
    loss_error: float
    """Standard error of the observed loss."""
    held_out: Choices | None = field(default=None, compare=False)
    """What it comes to on each query, the escalations dealt within each fold; None of the strongest model alone."""

    def as_estimate(self) -> dict[str, float]:
        """Return what is written beside the policy."""
        return {
            "saved": self.saved,
            "loss": self.loss,
            "loss_observed": self.loss_observed,
            "loss_error": self.loss_error,
        }


def fit_cascade(
    dataset: Dataset,
    pool: Sequence[str],
    strongest: str,
    options: CascadeFitOptions,
    progress: Progress | None = None,
    *,
    neighbours: Neighbours | None = None,
) -> FittedCascade:
    """Fit on all of the data, at the cost weight that cross-validation finds cheapest within the allowed loss.

    Its details hold what that point comes to on queries that were not fitted on, beside what it must beat.

    Raises DatasetError where the data cannot support it. When no point of the curve fits under the allowed loss, the
    chosen policy asks the strongest model alone, and nothing is compared.
    """
    data = record_answers(dataset, pool, strongest, compare=options.compare)
    text = TextFeatures.of(data.prompts)
    depths = sorted({min(depth, data.members) for depth in options.max_steps})
    total = options.folds * options.repeats * len(depths)
    validated = []
    for done, depth in enumerate(depths):
        report = None if progress is None else partial(_report, progress, done * total // len(depths), total)
        validated.append(cross_validate(data, text, depth, options, report))
    curve = max(validated, key=lambda points: points[choose(points, options)].saved)
    rows, depth = np.arange(len(data)), curve[-1].max_steps
    scored = score_states(data, text, rows, _splitter(data.prompts, _INNER_FOLDS, options.seed), depth, options.prior)
    chosen = choose(curve, options)
    policies = [
        replace(search_policy(data, scored, rows, point.cost_weight, depth), estimate=point.as_estimate())
        if point.cost_weight
        else CascadePolicy((), -np.inf, estimate=point.as_estimate())
        for point in curve
    ]
    return FittedCascade(
        strongest,
        scored.members,
        options.compare,
        scored.difficulty_model,
        scored.scorer,
        tuple(policies),
        chosen,
        options.max_loss,
        scored.abilities,
        {
            "queries": len(data),
            "data_sha256": data.sha256,
            "max_steps": depth,
            "protocol": f"{options.repeats} x {options.folds}-fold cross-validation, seed {options.seed}, "
            f"expected loss and {options.caution:g} standard errors within {options.max_loss:g}, "
            f"cost weight up to {options.dearest_cost_weight:g}",
            **(_beside(data, curve, chosen, options, neighbours) if policies[chosen].steps else {}),
        },
    )


def _beside(
    data: RecordedAnswers,
    curve: Sequence[CrossValidated],
    chosen: int,
    options: CascadeFitOptions,
    neighbours: Neighbours | None,
) -> dict[str, Any]:
    """The chosen point and what it must beat at its cost, all on queries that it was not fitted on."""
    folds = [point.held_out for point in curve if point.held_out is not None]
    reached = folds[chosen - 1]
    mine = stacked((choices.quality, choices.cost_nano_usd) for choices in folds)
    dealt = stacked((choices.dealt_quality, choices.dealt_cost_nano_usd) for choices in folds)
    nearby = None if neighbours is None else neighbours.of(data.rows, data.models)
    compared, added = compare(data, reached, nearby, baselines_of(data, nearby, dealt), options.max_loss)
    point = {"quality": float(reached.quality.mean()), "cost": float(reached.cost_nano_usd.mean())}
    router = plain(point | savings(data, mine, options.max_loss, np.arange(len(data))))
    return {"router": router, "baselines": compared, "routing_adds": added}


def choose(points: Sequence[CrossValidated], options: CascadeFitOptions) -> int:
    """Return which point saves most among those whose loss, with caution, and weight are allowed; else the first."""
    allowed = [
        (point.saved, number)
        for number, point in enumerate(points)
        if point.loss + options.caution * point.loss_error <= options.max_loss
        and point.cost_weight <= options.dearest_cost_weight
    ]
    return max(allowed, default=(0.0, 0))[1]


def cross_validate(
    data: RecordedAnswers,
    text: TextFeatures,
    max_steps: int,
    options: CascadeFitOptions,
    progress: Progress | None = None,
) -> list[CrossValidated]:
    """Fit without each fold in turn, with every cost weight, and replay the policies on the fold.

    The first point returned, with weight 0, asks the strongest model alone.
    """
    weights = options.cost_weights
    loss, predicted, cost = np.zeros((3, options.repeats, len(weights), len(data)))
    dealt = np.zeros((2, options.repeats, len(weights), len(data)))
    for repeat in range(options.repeats):
        outer = _splitter(data.prompts, options.folds, options.seed + 1 + repeat)
        for done, (rest, part) in enumerate(outer(np.arange(len(data)))):
            inner = _splitter(data.prompts, _INNER_FOLDS, options.seed)
            scored = score_states(data, text, rest, inner, max_steps, options.prior)
            for number, weight in enumerate(weights):
                replayed = _replay(search_policy(data, scored, rest, weight, max_steps), data, scored)
                loss[repeat, number, part] = (data.quality[:, -1] - replayed.quality)[part]
                predicted[repeat, number, part] = replayed.predicted_loss[part]
                cost[repeat, number, part] = replayed.cost_nano_usd[part]
                lead = partial(_lead, scored, part)
                dealt[:, repeat, number, part] = deal(
                    replayed.asked[part], lead, data.quality[part], data.cost_nano_usd[part]
                )
            if progress is not None:
                progress(repeat * options.folds + done + 1, options.repeats * options.folds)
    per_query = loss.mean(axis=0)
    observed = per_query.mean(axis=1)
    mixed = _SHARE_OBSERVED * observed + (1.0 - _SHARE_OBSERVED) * predicted.mean(axis=(0, 2))
    expected = np.maximum.accumulate(mixed)
    errors = per_query.std(axis=1) / np.sqrt(len(data))
    saved = 1.0 - cost.mean(axis=(0, 2)) / data.cost_nano_usd[:, -1].mean()
    reached, spent = data.quality[:, -1] - per_query, cost.mean(axis=0)
    return [
        CrossValidated(max_steps, 0.0, 0.0, 0.0, 0.0, 0.0),
        *(
            CrossValidated(
                max_steps,
                weight,
                float(saved[number]),
                float(expected[number]),
                float(observed[number]),
                float(errors[number]),
                Choices(reached[number], spent[number], *dealt.mean(axis=1)[:, number]),
            )
            for number, weight in enumerate(weights)
        ),
    ]


def _report(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    progress(before + done, total)


def _lead(scored: ScoredStates, rows: Rows, asked: tuple[int, ...]) -> NDArray[np.intp]:
    return scored.states[asked].lead[rows]


def _replay(policy: CascadePolicy, data: RecordedAnswers, scored: ScoredStates) -> Replayed:
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
