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
    """Return about how many labels in all would give a p-value under `delta` if further losses are like these [n].

    None when they speak against it, or when not even `MOST_LABELS` would do.
    """
    n = len(losses)
    shuffled = np.random.default_rng(0).permutation(losses)
    low, high = 1, max(1, MOST_LABELS // n)
    if losses.mean() >= limit or not _passes(shuffled, high, limit, delta, test):
        return None
    while low < high:
        times = (low + high) // 2
        if _passes(shuffled, times, limit, delta, test):
            high = times
        else:
            low = times + 1
    return low * n


def _passes(losses: Vector, times: int, limit: float, delta: float, test: Test) -> bool:
    return bool(test(np.tile(losses, times)[:, None], limit, delta)[0] <= delta)


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
