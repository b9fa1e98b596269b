"""A fitted cascade at work: after each answer it accepts one, asks the next member, or goes to the strongest model."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.cascade.abilities import AbilityModel
from frontdesk_server.artefacts.cascade.difficulty import DifficultyModel
from frontdesk_server.artefacts.cascade.state import FEATURES, Groups, describe
from frontdesk_server.judging.answers import Compare, answer_size, group_answers

__all__ = ["Action", "Answered", "CascadePolicy", "CascadeStep", "FittedCascade", "LossScorer", "Members", "NextMove"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

_NO_ANSWER = FEATURES.index("no_answer")


class Action(enum.Enum):
    """What to do next."""

    ACCEPT = "accept"
    ASK = "ask"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class Answered:
    """A member's answer so far; `answer` is None when it failed, the cost None when it is unknown."""

    model: str
    answer: str | None
    cost_nano_usd: float | None = None


@dataclass(frozen=True, slots=True)
class NextMove:
    """The verdict: `model` is whose answer is accepted, or who is asked next.

    `score` is the quality that the strongest model is predicted to add, before the first answer the query's difficulty;
    `accept_at_most` and `escalate_above` are the thresholds it was held against. `leader` is the member whose answer
    leads, accepted or not; empty as long as there is none.
    """

    action: Action
    model: str
    score: float
    accept_at_most: float
    escalate_above: float
    leader: str = ""


@dataclass(frozen=True, slots=True)
class CascadeStep:
    """A member, and when its answer ends the asking: at a score up to the first threshold, or above the other."""

    model: str
    accept_at_most: float
    escalate_above: float


@dataclass(frozen=True, slots=True)
class CascadePolicy:
    """One operating point of a cascade, and what cross-validation found of it."""

    steps: tuple[CascadeStep, ...]
    """In the order of asking; without any, every query goes to the strongest model."""
    escalate_above_difficulty: float
    """Queries that look harder go straight to the strongest model."""
    cost_weight: float = 0.0
    """Quality that was traded for the cost of one answer of the strongest model."""
    estimate: Mapping[str, float] = field(default_factory=dict)

    def among(self, models: Collection[str]) -> CascadePolicy:
        """Return the same policy without the members that cannot be asked: the others keep order and thresholds."""
        return replace(self, steps=tuple(step for step in self.steps if step.model in models))


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """The cheap models, in the order of the pool."""

    names: tuple[str, ...]
    weights: Vector
    log_cost_mean: Vector
    log_cost_scale: Vector
    size_mean: float
    size_scale: float

    def lengths(self, cost_nano_usd: Matrix) -> Matrix:
        """Return how long answers are, read off their cost [n, members], in each member's standard deviations."""
        logs = np.log(np.maximum(cost_nano_usd, 1.0))
        return np.nan_to_num((logs - self.log_cost_mean) / self.log_cost_scale)

    def sizes(self, answer_size: Matrix) -> Matrix:
        """Return sizes of final answers in standard deviations, same shape."""
        return (answer_size - self.size_mean) / self.size_scale


@dataclass(frozen=True, slots=True, eq=False)
class LossScorer:
    """Predicts the quality that accepting loses against the strongest model: chance to gain less chance to spoil."""

    mean: Vector
    scale: Vector
    better: Vector
    """Logistic weights, the intercept last: the strongest model would do better."""
    worse: Vector

    def predict(self, features: Matrix, by_abilities: Matrix | None = None) -> Vector:
        """Return the predicted loss of accepting, shape (n,), in [-1, 1]; 1 where there is no answer to accept.

        What an `AbilityModel` says of better and worse is averaged in, in log-odds.
        """
        scaled = (features - self.mean) / self.scale
        log_odds = np.array([scaled @ head[:-1] + head[-1] for head in (self.better, self.worse)])
        better, worse = log_odds if by_abilities is None else (log_odds + by_abilities) / 2.0
        loss = 0.5 * (np.tanh(0.5 * better) - np.tanh(0.5 * worse))  # two logistic functions, without overflow
        return np.where(features[:, _NO_ANSWER] > 0, 1.0, loss)


@dataclass(frozen=True, slots=True, eq=False)
class FittedCascade:
    """Everything `frontdesk cascade-fit` learns: the models behind the scores and a curve of operating points."""

    strongest: str
    members: Members
    compare: Compare
    difficulty: DifficultyModel
    scorer: LossScorer
    policies: tuple[CascadePolicy, ...]
    """From dearest to cheapest."""
    chosen: int
    max_loss: float
    abilities: AbilityModel | None = None
    """None where an earlier version fitted it; the scorer then decides alone."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """From what it was fitted, and how the policy was chosen."""
    certificates: tuple[Mapping[str, Any], ...] = ()
    """Written by ``frontdesk calibrate``."""

    @property
    def policy(self) -> CascadePolicy:
        """The operating point that was chosen."""
        return self.policies[self.chosen]

    def difficulty_of(self, text: str) -> float:
        """How hard a query of this text looks: 0 is average, higher is harder."""
        return float(self.difficulty.predict([text])[0])

    def score(
        self, asked: Sequence[int], groups: Groups, difficulty: Vector, cost_nano_usd: Matrix, answer_size: Matrix
    ) -> tuple[Vector, NDArray[np.intp]]:
        """The predicted loss of accepting the leading answer, and the member that gave it, both [n].

        `asked` are the ascending columns of the members that were asked; the matrices are [n, members].
        """
        lengths, sizes = self.members.lengths(cost_nano_usd), self.members.sizes(answer_size)
        features, lead = describe(asked, groups, self.members.weights, difficulty, lengths, sizes)
        by_abilities = None if self.abilities is None else self.abilities.log_odds(asked, groups, lead, difficulty)
        return self.scorer.predict(features, by_abilities), lead

    def first_move(self, difficulty: float, policy: CascadePolicy | None = None) -> NextMove:
        """Whom to ask first, by how hard the query looks (see `looks`)."""
        policy = policy or self.policy
        limit = policy.escalate_above_difficulty
        if not policy.steps or difficulty > limit:
            return NextMove(Action.ESCALATE, self.strongest, difficulty, -np.inf, limit)
        return NextMove(Action.ASK, policy.steps[0].model, difficulty, -np.inf, limit)

    def next_move(
        self, difficulty: float, answered: Sequence[Answered], policy: CascadePolicy | None = None
    ) -> NextMove:
        """What to do after these answers, which were given in the order of the policy's steps."""
        policy = policy or self.policy
        if not answered:
            return self.first_move(difficulty, policy)
        by_pool = sorted(answered, key=lambda given: self.members.names.index(given.model))
        columns = [self.members.names.index(given.model) for given in by_pool]
        groups = np.full((1, len(self.members.names)), -1)
        groups[0, columns] = group_answers([given.answer for given in by_pool], compare=self.compare)
        costs, sizes = np.full((2, *groups.shape), np.nan)
        costs[0, columns] = [np.nan if given.cost_nano_usd is None else given.cost_nano_usd for given in by_pool]
        sizes[0, columns] = [answer_size(given.answer, compare=self.compare) for given in by_pool]
        scores, lead = self.score(columns, groups, np.array([difficulty]), costs, sizes)
        score = float(scores[0])
        step, last = policy.steps[len(answered) - 1], len(answered) == len(policy.steps)
        leader = self.members.names[int(lead[0])] if groups[0, lead[0]] >= 0 else ""
        verdict = (score, step.accept_at_most, step.escalate_above, leader)
        if score <= step.accept_at_most and leader:
            return NextMove(Action.ACCEPT, leader, *verdict)
        if last or score > step.escalate_above:
            return NextMove(Action.ESCALATE, self.strongest, *verdict)
        return NextMove(Action.ASK, policy.steps[len(answered)].model, *verdict)
