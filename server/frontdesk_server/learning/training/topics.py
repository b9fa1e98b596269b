"""Which domain a query comes from, learned where the data names domains: a far less noisy target than one outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from frontdesk_server.learning.training.classifier import fit_classifier
from frontdesk_server.learning.training.matrix import FeatureMatrix

__all__ = ["TopicModel", "fit_topics", "number_domains", "with_topics_out_of_fold"]

Matrix = NDArray[np.float64]

_MOST_TOPICS = 64
_INVERSE_STRENGTH = 30.0
_ITERATIONS = 500
_TOLERANCE = 1e-3
"""Words are rare, and so are their gradients small: at ten times this, the solver stops before it has read them."""


@dataclass(frozen=True, slots=True, eq=False)
class TopicModel:
    """A linear classifier of domains; a domain that it never saw has the logit of impossibility."""

    lexical: Matrix
    """[buckets, topics]."""
    linear: Matrix
    """[features, topics]."""
    intercept: Matrix

    def annotate(self, features: FeatureMatrix) -> FeatureMatrix:
        """Return the features with the probability of each domain."""
        logits = features.lexical @ self.lexical + features.linear @ self.linear + self.intercept
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return replace(features, topics=weights / weights.sum(axis=1, keepdims=True))


def number_domains(domains: Sequence[str]) -> NDArray[np.int64]:
    """Number the domains by falling frequency; those past the 64th share the last number."""
    names, inverse, counts = np.unique(domains, return_inverse=True, return_counts=True)
    rank = np.empty(len(names), dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(names))
    return np.minimum(rank[inverse], _MOST_TOPICS - 1)


def fit_topics(features: FeatureMatrix, domains: NDArray[np.int64], topics: int) -> TopicModel:
    """Fit on rows whose domain numbers lie below `topics`."""
    inputs = sparse.hstack([features.lexical, sparse.csr_matrix(features.linear)]).tocsr()
    buckets = features.lexical.shape[1]
    coefficients, intercept = fit_classifier(
        inputs, domains, topics, C=_INVERSE_STRENGTH, max_iter=_ITERATIONS, tol=_TOLERANCE
    )
    return TopicModel(coefficients[:buckets], coefficients[buckets:], intercept)


def with_topics_out_of_fold(
    features: FeatureMatrix, domains: NDArray[np.int64], folds: NDArray[np.int64]
) -> FeatureMatrix:
    """Annotate every row by a model that has not seen its fold."""
    topics = int(domains.max()) + 1
    probabilities = np.zeros((len(features), topics))
    for fold in np.unique(folds):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        model = fit_topics(features.take(train), domains[train], topics)
        probabilities[test] = model.annotate(features.take(test)).topics
    return replace(features, topics=probabilities)
