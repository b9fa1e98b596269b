"""What the answers so far say of the leading one by Bayes' rule, from how able the models are and how hard the query.

A Rasch model: given how easy a query is, models are right independently of each other, with log-odds of their ability
plus its ease; ease is normal around what the query's text suggests. All right answers are the same; wrong ones coincide
by Ewens' sampling formula, so that two that agree make it likelier that a third wrong one agrees with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["AbilityModel"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Groups = NDArray[np.int64]

_NODES = np.linspace(-4.0, 4.0, 17)
_LEAST_CHANCE = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class AbilityModel:
    """The model as fitted; all in log-odds of being right but `coincidence`."""

    abilities: Vector
    """[members + 1], the strongest model last: on a query of average ease."""
    difficulty_weight: float
    """How much ease falls with each unit of difficulty."""
    spread: float
    """Standard deviation of ease around that."""
    coincidence: float
    """The chance that two wrong answers are the same."""

    def ease(self, difficulty: Vector) -> tuple[Matrix, Vector]:
        """Return the ease of each query at nodes of integration [n, nodes], and the log of their weight [nodes]."""
        return -self.difficulty_weight * difficulty[:, None] + self.spread * _NODES, -0.5 * _NODES**2

    def log_odds(self, asked: Sequence[int], groups: Groups, lead: NDArray[np.intp], difficulty: Vector) -> Matrix:
        """Return the log-odds [2, n] that the strongest model does better than the leading answer, and worse.

        `asked`, `groups` and `difficulty` are as for :func:`.state.describe`, `lead` is what it returned.
        """
        columns = np.array(asked)
        leading, groups = groups[np.arange(len(groups)), lead], groups[:, columns]
        same = (groups[:, :, None] == groups[:, None, :]) & (groups[:, :, None] >= 0)
        # Of each query one hypothesis a member, that its answer is right, and as the last that none is.
        right = np.concatenate([same, np.zeros_like(same[:, :1])], axis=1)
        possible = np.pad((groups >= 0) & ~np.tril(same, -1).any(axis=2), ((0, 0), (0, 1)), constant_values=True)
        ease, log_weight = self.ease(difficulty)
        all_wrong = -np.logaddexp(0.0, self.abilities[columns][:, None] + ease[:, None, :]).sum(axis=1)
        log_joint = (all_wrong + log_weight)[:, None, :] + right.sum(axis=2)[:, :, None] * ease[:, None, :]
        log_joint += (right @ self.abilities[columns] + self._log_coincidence(right, possible))[:, :, None]
        log_joint[~possible] = -np.inf
        posterior = np.exp(log_joint - log_joint.max(axis=(1, 2), keepdims=True))
        posterior /= posterior.sum(axis=(1, 2), keepdims=True)
        leads = np.pad(groups == leading[:, None], ((0, 0), (0, 1)))[:, :, None]
        strongest = np.exp(-np.logaddexp(0.0, -self.abilities[-1] - ease))[:, None, :]
        better = np.where(leads, 0.0, posterior * strongest).sum(axis=(1, 2))
        worse = np.where(leads, posterior * (1.0 - strongest), 0.0).sum(axis=(1, 2))
        chances = np.clip([better, worse], _LEAST_CHANCE, 1.0 - _LEAST_CHANCE)
        return np.asarray(np.log(chances / (1.0 - chances)))

    def _log_coincidence(self, right: NDArray[np.bool_], possible: NDArray[np.bool_]) -> Matrix:
        """Return the log of the chance that the other answers, being wrong, agree as they do [n, hypotheses]."""
        variety = 1.0 / self.coincidence - 1.0
        counts = np.arange(right.shape[2])
        log_orders = np.concatenate([[0.0, 0.0], np.cumsum(np.log(counts[1:]))])  # of size - 1 answers
        log_all = np.concatenate([[0.0], np.cumsum(np.log(variety + counts))])
        sizes = right.sum(axis=2)
        first, orders = possible[:, :-1], log_orders[sizes]
        wrong_groups = first.sum(axis=1)[:, None] - (sizes > 0)
        wrong_answers = (sizes[:, :-1] > 0).sum(axis=1)[:, None] - sizes
        wrong_orders = (orders[:, :-1] * first).sum(axis=1)[:, None] - orders
        return np.asarray(wrong_groups * np.log(variety) + wrong_orders - log_all[wrong_answers])
