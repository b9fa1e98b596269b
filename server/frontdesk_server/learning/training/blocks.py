"""The parts of a predictor: each sees one kind of feature, learns the factors from it, and is weighed by the stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from frontdesk_server.learning.training.ferns import Ferns, fit_ferns
from frontdesk_server.learning.training.matrix import FeatureMatrix

__all__ = ["BLOCKS", "Fitted", "FittedFerns", "FittedLandmarks", "FittedLinear", "Targets"]

Matrix = NDArray[np.float64]

_LANDMARKS = 160
_FERNS = 200
_FERN_DEPTH = 6
_EASE_DRAWS = 10
"""Ferns draw the expected ease as often as ten signals: two models differ most on what is neither easy nor hopeless."""
GAMMA = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What a block is to learn, and the domains it may use while it does."""

    values: Matrix
    """[n, targets]."""
    domains: NDArray[np.int64]
    """[n], a number per domain."""

    def domain_means(self, topics: int, prior_rows: float) -> Matrix:
        """Return the mean targets of each domain, [topics, targets], shrunk to the overall mean where rows are few."""
        count = np.bincount(self.domains, minlength=topics)
        sums = np.column_stack([np.bincount(self.domains, column, topics) for column in self.values.T])
        return np.asarray((sums + prior_rows * self.values.mean(axis=0)) / (count + prior_rows)[:, None])


class Fitted(Protocol):
    """A block that has learned."""

    def predict(self, features: FeatureMatrix) -> Matrix:
        """Return the targets it expects, shape [n, targets]."""
        ...


class Block(Protocol):
    """A kind of feature and how to learn from it; `strength` is its regularisation, larger is smoother."""

    def __call__(self, features: FeatureMatrix, targets: Targets, strength: float, seed: int) -> Fitted:
        """Fit."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FittedLinear:
    """Weights of one feature matrix."""

    feature: str
    weights: Matrix
    """[features, targets]."""
    intercept: Matrix

    def predict(self, features: FeatureMatrix) -> Matrix:
        """Return the targets it expects."""
        return np.asarray(getattr(features, self.feature) @ self.weights + self.intercept)


@dataclass(frozen=True, slots=True, eq=False)
class FittedLandmarks:
    """Weights of radial basis functions over the structural signals."""

    landmarks: Matrix
    weights: Matrix
    intercept: Matrix

    def predict(self, features: FeatureMatrix) -> Matrix:
        """Return the targets it expects."""
        return np.asarray(_radial_basis(features.structure, self.landmarks) @ self.weights + self.intercept)


@dataclass(frozen=True, slots=True, eq=False)
class FittedFerns:
    """Ferns over the structural signals, and the expected ease where it is known."""

    ferns: Ferns

    def predict(self, features: FeatureMatrix) -> Matrix:
        """Return the targets it expects."""
        return self.ferns.predict(features.structure_and_ease)


def _ridge(feature: str, features: FeatureMatrix, values: Matrix, strength: float) -> FittedLinear:
    sparse = feature == "lexical"
    model = Ridge(alpha=strength, solver="sparse_cg" if sparse else "cholesky", tol=1e-3)
    model.fit(getattr(features, feature), values)
    weights, intercept = np.atleast_2d(model.coef_).T, np.atleast_1d(model.intercept_)
    return FittedLinear(feature, weights, intercept)


def _radial_basis(points: Matrix, landmarks: Matrix) -> Matrix:
    """Return exp(-GAMMA * squared distance) of every point to every landmark."""
    distances = (points**2).sum(axis=1)[:, None] + (landmarks**2).sum(axis=1) - 2.0 * (points @ landmarks.T)
    return np.asarray(np.exp(-GAMMA * distances))


def _fit_words(features: FeatureMatrix, targets: Targets, strength: float, seed: int) -> Fitted:
    del seed
    return _ridge("lexical", features, targets.values, strength)


def _fit_topics(features: FeatureMatrix, targets: Targets, strength: float, seed: int) -> Fitted:
    """Expect what is usual in the query's domain; `strength` is the number of average rows added to every domain."""
    del seed
    means = targets.domain_means(features.topics.shape[1], strength)
    return FittedLinear("topics", means, np.zeros(means.shape[1]))


def _fit_embedding(features: FeatureMatrix, targets: Targets, strength: float, seed: int) -> Fitted:
    del seed
    return _ridge("linear", features, targets.values, strength)


def _fit_landmarks(features: FeatureMatrix, targets: Targets, strength: float, seed: int) -> Fitted:
    """Kernel ridge regression in Nyström's approximation."""
    structure = features.structure
    chosen = np.random.default_rng(seed).permutation(len(structure))[:_LANDMARKS]
    landmarks = structure[chosen]
    basis = _radial_basis(structure, landmarks)
    penalty = _radial_basis(landmarks, landmarks)
    mean = targets.values.mean(axis=0)
    gram = basis.T @ basis + strength * penalty + 1e-6 * np.eye(len(landmarks))
    weights = np.linalg.solve(gram, basis.T @ (targets.values - mean))
    return FittedLandmarks(landmarks, weights, mean)


def _fit_ferns(features: FeatureMatrix, targets: Targets, strength: float, seed: int) -> Fitted:
    fitted = fit_ferns(
        features.structure_and_ease,
        targets.values,
        ferns=_FERNS,
        depth=_FERN_DEPTH,
        shrinkage=strength,
        seed=seed,
        last_as_many=_EASE_DRAWS if len(features.ease) else 1,
    )
    return FittedFerns(fitted)


BLOCKS: Mapping[str, tuple[Block, Sequence[float]]] = {
    "words": (_fit_words, (2.0, 5.0, 15.0, 50.0)),
    "topics": (_fit_topics, (5.0, 20.0, 60.0)),
    "embedding": (_fit_embedding, (1.0, 4.0, 15.0, 60.0)),
    "landmarks": (_fit_landmarks, (5.0, 20.0, 60.0)),
    "ferns": (_fit_ferns, (5.0, 20.0)),
}
"""Every block with the strengths that cross-validation chooses from."""
