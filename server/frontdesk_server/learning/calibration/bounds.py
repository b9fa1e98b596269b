"""P-values that are valid for any sample size: is the mean of a bounded loss at most a given value?

All test the hypothesis that the mean loss of each of some policies is above `limit`, from losses in [-1, 1], shape
[n, policies]; a small p-value speaks for a loss within the limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["TESTS", "Test", "betting", "exact_binomial", "hoeffding_bentkus", "labels_needed"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Test = Callable[[Matrix, float, float], Vector]
"""(losses, limit, delta at which it will be used) -> p-values; validity does not depend on delta."""

_LARGEST_BET = 0.75
MOST_LABELS = 20_000
_SIZES, _DRAWS, _SURE = 24, 40, 0.8


def betting(losses: Matrix, limit: float, delta: float) -> Vector:
    """Bet against the hypothesis, each stake set by the losses seen before; the largest wealth is the evidence.

    Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2024. It adapts to the variance,
    which is small where policies differ on few queries. The order of the rows must not depend on their losses.
    """
    x, mean = (losses + 1.0) / 2.0, (limit + 1.0) / 2.0
    n = len(x)
    seen = np.arange(1, n + 1)[:, None]
    running_mean = (0.5 + np.cumsum(x, axis=0)) / (seen + 1)
    variance = (0.25 + np.cumsum((x - running_mean) ** 2, axis=0)) / (seen + 1)
    known = np.vstack([np.full((1, x.shape[1]), 0.25), variance[:-1]])
    stake = np.minimum(np.sqrt(2.0 * math.log(1.0 / delta) / (n * known)), _LARGEST_BET / (1.0 - mean))
    wealth = np.cumsum(np.log1p(stake * (mean - x)), axis=0)
    return np.asarray(np.exp(-np.maximum(wealth.max(axis=0), 0.0)))


def hoeffding_bentkus(losses: Matrix, limit: float, delta: float) -> Vector:
    """Return the smaller of Hoeffding's and Bentkus' bound (Bates et al., "Risk-controlling prediction sets", 2021)."""
    n, limit = len(losses), (limit + 1.0) / 2.0
    risk = np.minimum((losses.mean(axis=0) + 1.0) / 2.0, limit)
    hoeffding = np.exp(-n * _divergence(risk, limit))
    bentkus = math.e * np.array([_binomial_below(n, limit, math.ceil(n * r - 1e-9)) for r in risk])
    return np.minimum(1.0, np.minimum(hoeffding, bentkus))


def exact_binomial(losses: Matrix, limit: float, delta: float) -> Vector:
    """Count the queries on which anything was lost, gains not set off; strong where a policy hardly ever loses."""
    harmed = (losses > 0).sum(axis=0)
    return np.array([_binomial_below(len(losses), limit, int(count)) for count in harmed])


TESTS: Mapping[str, Test] = {
    "betting": betting,
    "hoeffding-bentkus": hoeffding_bentkus,
    "binomial": exact_binomial,
}


def labels_needed(losses: Vector, limit: float, delta: float, test: Test) -> int | None:
    """Return about how many labels in all give a p-value under `delta` in four of five draws like these losses [n].

    In each draw further losses are taken from these at random, and the order of all is random. None when they speak
    against it, or when not even `MOST_LABELS`, or twice as many as these, would do.
    """
    n = len(losses)
    sizes = np.unique(np.geomspace(n + 1, max(MOST_LABELS, 2 * n), _SIZES).astype(int))
    if losses.mean() >= limit:
        return None
    return next((int(size) for size in sizes if _passes(losses, int(size), limit, delta, test)), None)


def _passes(losses: Vector, size: int, limit: float, delta: float, test: Test) -> bool:
    """Whether so many labels in all pass in nearly all draws."""
    draw = np.random.default_rng(size)
    further = draw.choice(losses, (size - len(losses), _DRAWS))
    drawn = np.vstack([np.repeat(losses[:, None], _DRAWS, axis=1), further])
    return float((test(draw.permuted(drawn, axis=0), limit, delta) <= delta).mean()) >= _SURE


def _divergence(observed: Vector, limit: float) -> Vector:
    """Return the Kullback-Leibler divergence of Bernoulli(observed) from Bernoulli(limit)."""
    a = np.clip(observed, 1e-12, 1.0 - 1e-12)
    return np.asarray(a * np.log(a / limit) + (1.0 - a) * np.log((1.0 - a) / (1.0 - limit)))


def _binomial_below(n: int, chance: float, count: int) -> float:
    """Return P(Binomial(n, chance) <= count)."""
    if count >= n or chance <= 0.0:
        return 1.0
    terms = np.arange(count + 1)
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    logs = factorials[n] - factorials[terms] - factorials[n - terms]
    logs += terms * math.log(chance) + (n - terms) * math.log1p(-chance)
    top = logs.max()
    return float(min(1.0, math.exp(top) * np.exp(logs - top).sum()))
