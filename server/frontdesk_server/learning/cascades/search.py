"""Searches members, order and thresholds: backward induction along an order, a beam over the orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.cascade.policy import CascadePolicy, CascadeStep
from frontdesk_server.learning.cascades.difficulty import Rows
from frontdesk_server.learning.cascades.scorer import ScoredStates
from frontdesk_server.learning.data.recorded import RecordedAnswers

__all__ = ["search_policy"]

Vector = NDArray[np.float64]

_BEAM = 12
_CUTS = 40
_NEVER = 1e6


@dataclass(frozen=True, slots=True)
class _Cuts:
    accept_at_most: float
    escalate_above: float


def search_policy(
    data: RecordedAnswers, scored: ScoredStates, rows: Rows, cost_weight: float, max_steps: int
) -> CascadePolicy:
    """Return the policy with the least predicted loss + `cost_weight` times cost, in answers of the strongest model.

    Losses are the cross-fitted scores, not the outcomes: few hundred outcomes would mislead a search as wide as this.
    """
    best, best_value = CascadePolicy((), -np.inf, cost_weight), cost_weight
    beam: list[tuple[int, ...]] = [()]
    for _ in range(min(max_steps, data.members)):
        found = []
        for order in _extended(beam, data.members):
            value, policy = _fit_order(data, scored, rows, order, cost_weight)
            found.append((value, order))
            if value < best_value:
                best, best_value = policy, value
        beam = [order for _, order in sorted(found)[:_BEAM]]
    return best


def _extended(beam: list[tuple[int, ...]], members: int) -> Iterator[tuple[int, ...]]:
    for order in beam:
        yield from ((*order, member) for member in range(members) if member not in order)


def _fit_order(
    data: RecordedAnswers, scored: ScoredStates, rows: Rows, order: tuple[int, ...], cost_weight: float
) -> tuple[float, CascadePolicy]:
    """Fit the thresholds of one order from its last step to its first."""
    cost = cost_weight * data.cost_nano_usd[rows] / data.cost_nano_usd[rows, -1].mean()
    steps: list[CascadeStep] = []
    escalate, proceed = cost[:, -1], np.full(len(rows), _NEVER)
    for position in range(len(order), 0, -1):
        score = scored.states[tuple(sorted(order[:position]))].score[rows]
        cuts = _best_cuts(score, score, proceed, escalate)
        steps.append(CascadeStep(data.models[order[position - 1]], cuts.accept_at_most, cuts.escalate_above))
        value = np.where(score <= cuts.accept_at_most, score, np.where(score > cuts.escalate_above, escalate, proceed))
        proceed = cost[:, order[position - 1]] + value
    difficulty = scored.difficulty[rows]
    limit = _best_cuts(difficulty, np.full(len(rows), _NEVER), proceed, escalate).escalate_above
    value = np.where(difficulty > limit, escalate, proceed)
    return float(value.mean()), CascadePolicy(tuple(reversed(steps)), limit, cost_weight)


def _best_cuts(score: Vector, accept: Vector, proceed: Vector, escalate: Vector) -> _Cuts:
    """Choose accept up to one score, escalate above another, proceed between: the least sum over quantiles."""
    order = np.argsort(score)
    n = len(score)
    grid = np.unique(np.linspace(0, n, min(n, _CUTS) + 1).astype(int))
    below = np.concatenate([[0.0], np.cumsum(accept[order])])[grid]
    between = np.concatenate([[0.0], np.cumsum(proceed[order])])[grid]
    above = np.concatenate([np.cumsum(escalate[order][::-1])[::-1], [0.0]])[grid]
    total = below[:, None] + (between[None, :] - between[:, None]) + above[None, :]
    total[np.tril_indices(len(grid), -1)] = np.inf
    low, high = np.unravel_index(int(total.argmin()), total.shape)
    return _Cuts(_cut(score[order], int(grid[low])), _cut(score[order], int(grid[high])))


def _cut(ascending: Vector, below: int) -> float:
    """Return a threshold with this many scores below it."""
    if below == 0:
        return -np.inf
    if below == len(ascending):
        return np.inf
    return float((ascending[below - 1] + ascending[below]) / 2)
