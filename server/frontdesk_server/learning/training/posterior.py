"""The uncertainty of a prediction: the posterior variance of Bayesian linear regression on embedding and signals.

With a prior of variance 1 / strength per direction and residual variance s², the estimate at x has the variance
s² x'(X'X + strength I)⁻¹x (Bishop 2006, eq. 3.59 without the noise term). A model seen in a part of the rows has that
part of X'X. The leading eigenvectors are kept exactly, the rest is taken at the prior.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.learning.training.factors import Factors

__all__ = ["Posterior", "fit_posterior"]

Matrix = NDArray[np.float64]

_AXES = 48
_PRIOR_STRENGTH = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """The variance of model m's quality estimate at x.

    It is sum_k (axes[:, k]'x)² variance[k, m] + |the rest of x|² rest[m] + offset[m].
    """

    axes: Matrix
    """[features, axes], orthonormal."""
    variance: Matrix
    """[axes, models]."""
    rest: Matrix
    """[models]."""
    offset: Matrix
    """[models], squared standard error of the model's mean quality."""


def fit_posterior(inputs: Matrix, factors: Factors, predicted: Matrix, quality: Matrix) -> Posterior:
    """Fit to linear inputs [n, features] and to what was predicted out of fold, [n, models] like `quality`."""
    eigenvalues, vectors = np.linalg.eigh(inputs.T @ inputs)
    axes, eigenvalues = vectors[:, ::-1][:, :_AXES], eigenvalues[::-1][:_AXES]
    residual = np.nanvar(quality - predicted, axis=0)
    # A model seen once or never twice has no variance of its own: take the average one.
    residual = np.where(
        factors.rows > 1, residual, residual[factors.rows > 1].mean() if (factors.rows > 1).any() else 0.25
    )
    share = factors.rows / len(inputs)
    return Posterior(
        axes=axes,
        variance=residual / (eigenvalues[:, None] * share + _PRIOR_STRENGTH),
        rest=residual / _PRIOR_STRENGTH,
        offset=residual / np.maximum(factors.rows, 1),
    )
