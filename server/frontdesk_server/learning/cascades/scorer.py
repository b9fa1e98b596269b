"""Fits the score of accepting: one small model for all sets of members that may have answered, to learn from few.

Each set of up to `max_steps` members gives one training state a query; all share two logistic heads, "the strongest
model would do better" and "would do worse". What is said of single members is held close to what all share, and that to
what other data taught. Their log-odds are averaged with those of an `AbilityModel`, which has few parameters. A query's
own states are scored by models that have not seen it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.cascade.abilities import AbilityModel
from frontdesk_server.artefacts.cascade.difficulty import DifficultyModel
from frontdesk_server.artefacts.cascade.policy import LossScorer, Members
from frontdesk_server.artefacts.cascade.state import FEATURES, describe
from frontdesk_server.learning.cascades.abilities import fit_abilities
from frontdesk_server.learning.cascades.difficulty import Folds, Rows, TextFeatures, fit_difficulty_crossed
from frontdesk_server.learning.data.recorded import RecordedAnswers

__all__ = ["ScorePrior", "ScoredStates", "State", "score_states"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

_PENALTY, _MEMBER_PENALTY = 4.0, 60.0
"""Of squared distances from the prior: of the features that all members share, and of those of a single member."""
_WORSE = 3.0
"""Factor on the penalties where the strongest model would do worse: so few questions tell that a gain is soon seen
where there is none."""
_LEAST_LOG_ODDS, _WEIGHT_OFFSET = -1.0, 1.0
"""A vote weighs its model's log-odds of being right plus the offset: a weak model's vote stays positive."""
_SUPPORT, _RIVAL = FEATURES.index("support"), FEATURES.index("strongest_rival")


@dataclass(frozen=True, slots=True)
class ScorePrior:
    """What other data taught of "the strongest model would do better": weights in log-odds a unit of the feature.

    The votes are log-odds too, and a unit of support takes off about one: found alike on sets and pools that differ in
    all else, as no other weight was. Of the others the prior is zero. The defaults are the means over three sets by
    ``benchmarks/cascade_prior.py``.
    """

    support: float = -0.92
    strongest_rival: float = 0.66


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """All queries after one set of members has answered."""

    features: Matrix
    lead: NDArray[np.intp]
    """[n], the member whose answer leads."""
    score: Vector
    """[n], the predicted loss of accepting it."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredStates:
    """The models fitted on some rows, and what they say of every row."""

    members: Members
    difficulty_model: DifficultyModel
    scorer: LossScorer
    abilities: AbilityModel
    difficulty: Vector
    states: dict[tuple[int, ...], State]
    """By the ascending columns of the members that were asked."""


def score_states(
    data: RecordedAnswers, text: TextFeatures, rows: Rows, folds: Folds, max_steps: int, prior: ScorePrior
) -> ScoredStates:
    """Fit on `rows`, cross-fitted among themselves, and score every row."""
    members = _fit_members(data, rows)
    difficulty_model, difficulty = fit_difficulty_crossed(text, data.easiness, rows, folds)
    lengths = members.lengths(data.cost_nano_usd[:, :-1])
    sizes = members.sizes(data.answer_size)
    described = {
        asked: describe(asked, data.groups, members.weights, difficulty, lengths, sizes)
        for size in range(1, min(max_steps, data.members) + 1)
        for asked in combinations(range(data.members), size)
    }
    gains = {
        asked: data.quality[:, -1] - data.quality[np.arange(len(data)), lead] for asked, (_, lead) in described.items()
    }

    def fit(on: Rows) -> tuple[LossScorer, AbilityModel]:
        return _fit_scorer(
            np.vstack([features[on] for features, _ in described.values()]),
            np.concatenate([gain[on] for gain in gains.values()]),
            1.0 / len(described),
            prior,
        ), fit_abilities(data.quality[on], data.groups[on], difficulty[on])

    def predict(scorer: LossScorer, abilities: AbilityModel, asked: tuple[int, ...], on: Rows) -> Vector:
        features, lead = described[asked]
        return scorer.predict(features[on], abilities.log_odds(asked, data.groups[on], lead[on], difficulty[on]))

    scorer, abilities = fit(rows)
    scores = {asked: predict(scorer, abilities, asked, np.arange(len(data))) for asked in described}
    for rest, part in folds(rows):
        honest = fit(rest)
        for asked in described:
            scores[asked][part] = predict(*honest, asked, part)
    states = {asked: State(features, lead, scores[asked]) for asked, (features, lead) in described.items()}
    return ScoredStates(members, difficulty_model, scorer, abilities, difficulty, states)


def _fit_members(data: RecordedAnswers, rows: Rows) -> Members:
    right = (data.quality[rows, :-1].sum(axis=0) + 2.0) / (len(rows) + 4.0)
    logs = np.log(np.maximum(data.cost_nano_usd[rows, :-1], 1.0))
    return Members(
        data.models[:-1],
        np.maximum(np.log(right / (1.0 - right)), _LEAST_LOG_ODDS) + _WEIGHT_OFFSET,
        logs.mean(axis=0),
        np.maximum(logs.std(axis=0), 1e-9),
        float(data.answer_size[rows].mean()),
        float(data.answer_size[rows].std()) or 1.0,
    )


def _fit_scorer(features: Matrix, gain: Vector, weight: float, prior: ScorePrior) -> LossScorer:
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    scaled = (features - mean) / scale
    penalty = np.full(features.shape[1], _MEMBER_PENALTY)
    penalty[: len(FEATURES)] = _PENALTY
    expected = np.zeros(features.shape[1])
    expected[[_SUPPORT, _RIVAL]] = prior.support, prior.strongest_rival
    better = _fit_logistic(scaled, np.maximum(gain, 0.0), weight, penalty, expected * scale)
    worse = _fit_logistic(scaled, np.maximum(-gain, 0.0), weight, _WORSE * penalty, np.zeros_like(expected))
    return LossScorer(mean, scale, better, worse)


def _fit_logistic(
    features: Matrix, target: Vector, weight: float, penalty: Vector, expected: Vector, iterations: int = 12
) -> Vector:
    """Logistic regression by Newton's method; targets may lie within [0, 1].

    Squared distances from the `expected` weights bear the penalty, that of the intercept, last, none.
    """
    design = np.column_stack([features, np.ones(len(features))])
    penalty = np.append(penalty, 0.0)
    share = min(max(float(target.mean()), 1e-4), 1.0 - 1e-4)
    centre = np.append(expected, np.log(share / (1.0 - share)))
    head = centre
    for _ in range(iterations):
        chance = 1.0 / (1.0 + np.exp(-(design @ head)))
        gradient = weight * design.T @ (chance - target) + penalty * (head - centre)
        curvature = weight * (design * (chance * (1.0 - chance))[:, None]).T @ design + np.diag(penalty + 1e-9)
        step = np.clip(np.linalg.solve(curvature, gradient), -2.0, 2.0)
        head = head - step
        if np.abs(step).max() < 1e-5:
            break
    return head
