"""Outcomes of many models as few factors: what a query asks of all models, and what sets them apart on it.

``quality[i, m] = offset[m] + sum_k z[i, k] * loadings[k, m]``, where factor 0 has the loading 1 for every model (the
query's ease) and the others are directions in which models differ. A model with few rows keeps to factor 0: its other
loadings are shrunk to zero. Offsets and loadings leave out pairs that nobody tried. Such pairs are seldom missing at
random, so that in what a predictor is to learn they count as what is usual of the model in the query's domain.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Factors", "fit_factors"]

Matrix = NDArray[np.float64]

_OFFSET_PRIOR_ROWS = 5.0
_EASE_PRIOR_MODELS = 1.0
_LOADING_PRIOR_ROWS = 30.0
_DOMAIN_PRIOR_ROWS = 30.0
_LEAST_PRIOR = 1e-9
_QUERY_RIDGE = 1e-3
_SWEEPS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """The decomposition of one data set."""

    offset: Matrix
    """[models], the mean quality, shrunk to that of all models where rows are few."""
    loadings: Matrix
    """[factors, models]; the first row is all ones."""
    z: Matrix
    """[queries, factors], what a predictor is to learn from the text."""
    rows: NDArray[np.int64]
    """[models], how many outcomes each model has."""

    def expected(self, z: Sequence[Matrix]) -> Matrix:
        """Return the qualities [n, models] that go with factors in parts, each [n, some of the factors]."""
        return np.asarray(self.offset + np.hstack(z) @ self.loadings)


def fit_factors(quality: Matrix, domains: NDArray[np.int64], max_factors: int) -> Factors:
    """Decompose `quality` into at most `max_factors` factors.

    `quality` is [queries, models] with NaN for pairs never tried, `domains` [queries], a number per domain.
    """
    known = ~np.isnan(quality)
    rows = known.sum(axis=0)
    filled = np.where(known, quality, 0.0)
    overall = filled.sum() / known.sum()
    offset, ease = np.full(quality.shape[1], overall), np.zeros(len(quality))
    # One or two models' mean is all there is to know of a query; beyond, a query that few have tried is uncertain.
    prior_models = _EASE_PRIOR_MODELS if quality.shape[1] > 2 else 0.0
    for _ in range(_SWEEPS):
        ease = _mean_deviation(filled - offset, known, prior_models)
        offset = ((filled - known * ease[:, None]).sum(axis=0) + _OFFSET_PRIOR_ROWS * overall) / (
            rows + _OFFSET_PRIOR_ROWS
        )
    apart = np.where(known, filled - offset - ease[:, None], 0.0)
    loadings = _alternate(apart, known, min(max_factors, quality.shape[1]) - 1)
    usual, seen = _usual_in_domain(apart, known, domains)
    deviation, known = np.where(known, apart, usual) + ease[:, None], known | seen
    ease = _mean_deviation(deviation, known, prior_models)
    apart = np.where(known, deviation - ease[:, None], 0.0)
    z = _solve_each(apart, known, loadings.T, np.full(len(apart), _QUERY_RIDGE))
    return Factors(
        offset=offset,
        loadings=np.vstack([np.ones(quality.shape[1]), loadings]),
        z=np.column_stack([ease, z]),
        rows=rows,
    )


def _mean_deviation(deviation: Matrix, known: NDArray[np.bool_], prior_models: float) -> Matrix:
    """Return by how much each query is easier than the average one, [queries]."""
    ease = (deviation * known).sum(axis=1) / np.maximum(known.sum(axis=1) + prior_models, 1.0)
    return np.asarray(ease - ease.mean())


def _usual_in_domain(
    apart: Matrix, known: NDArray[np.bool_], domains: NDArray[np.int64]
) -> tuple[Matrix, NDArray[np.bool_]]:
    """Return each model's mean in the query's domain, shrunk to zero where rows are few, and whether it has any."""
    members = (np.arange(domains.max() + 1)[:, None] == domains).astype(np.float64)
    rows = members @ known
    means = (members @ apart) / (rows + _DOMAIN_PRIOR_ROWS)
    return means[domains], rows[domains] > 0


def _alternate(apart: Matrix, known: NDArray[np.bool_], count: int) -> Matrix:
    """Fit loadings by alternating ridge regressions for the deviations from the ease, from the singular vectors."""
    if count < 1:
        return np.empty((0, apart.shape[1]))
    loadings = np.linalg.svd(apart, full_matrices=False)[2][:count]
    for _ in range(_SWEEPS):
        z = _solve_each(apart, known, loadings.T, np.full(len(apart), _QUERY_RIDGE))
        # Where no query was tried on two models nothing sets them apart, and the prior alone keeps this solvable.
        prior = max(_LOADING_PRIOR_ROWS * float(z.var(axis=0).mean()), _LEAST_PRIOR)
        loadings = _solve_each(apart.T, known.T, z, np.full(apart.shape[1], prior)).T
        loadings /= np.linalg.norm(loadings, axis=1, keepdims=True) + 1e-12
    return loadings


def _solve_each(targets: Matrix, known: NDArray[np.bool_], basis: Matrix, ridge: Matrix) -> Matrix:
    """Return for every row of targets the ridge coefficients on `basis` over the known entries."""
    solutions = np.empty((len(targets), basis.shape[1]))
    for i, mask in enumerate(known):
        chosen = basis[mask]
        gram = chosen.T @ chosen + ridge[i] * np.eye(basis.shape[1])
        solutions[i] = np.linalg.solve(gram, chosen.T @ targets[i, mask])
    return solutions
