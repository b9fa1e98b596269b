"""Multinomial logistic regression as plain matrices, whatever classes the data happens to show."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

__all__ = ["fit_classifier"]

Matrix = NDArray[np.float64]

_IMPOSSIBLE = -30.0
"""Logit of a class that no row has."""


def fit_classifier(
    inputs: sparse.csr_matrix, labels: NDArray[np.int64], classes: int, **settings: Any
) -> tuple[Matrix, Matrix]:
    """Return coefficients [inputs, classes] and intercepts [classes]; `settings` are scikit-learn's."""
    coefficients, intercepts = np.zeros((inputs.shape[1], classes)), np.full(classes, _IMPOSSIBLE)
    present = np.unique(labels)
    if len(present) == 1:
        intercepts[present] = 0.0
        return coefficients, intercepts
    # What no row has keeps the coefficient 0, so that the solver need not carry tens of thousands of idle buckets.
    used = np.unique(inputs.indices)
    model = LogisticRegression(**settings).fit(inputs[:, used], labels)
    if len(present) == 2:  # scikit-learn then has one row of coefficients, for the second class
        coefficients[used, present[1]] = model.coef_[0]
        intercepts[present] = 0.0, model.intercept_[0]
    else:
        coefficients[np.ix_(used, present)], intercepts[present] = model.coef_.T, model.intercept_
    return coefficients, intercepts
