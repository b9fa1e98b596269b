"""From fitted blocks to the arrays of an artefact: linear parts are added up, weights are folded in, words are int8."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.quality.signals import STRUCTURE_NAMES
from frontdesk_server.learning.training.blocks import GAMMA, FittedFerns, FittedLandmarks, FittedLinear
from frontdesk_server.learning.training.factors import Factors
from frontdesk_server.learning.training.heads import Heads
from frontdesk_server.learning.training.matrix import Scaling
from frontdesk_server.learning.training.posterior import Posterior
from frontdesk_server.learning.training.stack import Stack
from frontdesk_server.learning.training.topics import TopicModel

__all__ = ["Parts", "export_arrays"]

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Everything that training found."""

    scaling: Scaling
    factors: Factors
    topics: TopicModel | None
    stacks: Sequence[Stack]
    """Each predicts the next factors, in order."""
    posterior: Posterior
    heads: Heads | None


class _Sums:
    """The artefact's arrays while the blocks' contributions are being added."""

    def __init__(self, parts: Parts) -> None:
        self.factors = len(parts.factors.loadings)
        self.topics = 0 if parts.topics is None else len(parts.topics.intercept)
        heads = 0 if parts.heads is None else len(parts.heads.intercept)
        self.outputs = self.factors + self.topics + heads
        self.topic_factors = np.zeros((self.topics, self.factors))
        self.lexical = np.zeros((len(parts.scaling.idf), self.outputs))
        self.linear = np.zeros((len(parts.posterior.axes), self.outputs))
        self.bias = np.zeros(self.outputs)
        self.landmarks: Matrix = np.zeros((1, len(STRUCTURE_NAMES)))
        self.landmark_weights: Matrix = np.zeros((1, self.factors))
        self.ferns: list[tuple[NDArray[np.int64], Matrix, Matrix]] = []

    def add(self, block: object, weight: float, columns: slice) -> None:
        """Add a block that predicts these factors."""
        if isinstance(block, FittedLinear):
            target = self.topic_factors if block.feature == "topics" else getattr(self, block.feature)
            target[:, columns] += weight * block.weights
            self.bias[columns] += weight * block.intercept
        elif isinstance(block, FittedLandmarks):
            # Every stack draws the same landmarks, so that they are computed once for all of them.
            self.landmarks = block.landmarks
            self.landmark_weights = self.landmark_weights + self._widened(weight * block.weights, columns)
            self.bias[columns] += weight * block.intercept
        elif isinstance(block, FittedFerns):
            ferns = block.ferns
            leaves = self._widened(weight * ferns.leaves / len(ferns.leaves), columns)
            self.ferns.append((ferns.columns, ferns.thresholds, leaves))
            self.bias[columns] += weight * ferns.mean

    def place(self, classifier: TopicModel | Heads, first: int) -> None:
        """Take the outputs of a linear classifier as those from `first` on."""
        columns = slice(first, first + len(classifier.intercept))
        self.lexical[:, columns] = classifier.lexical
        self.linear[:, columns] = classifier.linear
        self.bias[columns] = classifier.intercept

    def _widened(self, values: Matrix, columns: slice) -> Matrix:
        wide = np.zeros((*values.shape[:-1], self.factors))
        wide[..., columns] = values
        return wide


def export_arrays(parts: Parts) -> dict[str, NDArray[Any]]:
    """Return the arrays that :class:`frontdesk_server.artefacts.quality.predict.Predictor` reads."""
    sums = _Sums(parts)
    first = 0
    for stack in parts.stacks:
        columns = slice(first, first + len(stack.mean))
        first += len(stack.mean)
        sums.bias[columns] += stack.mean * (1.0 - sum(stack.weights.values()))
        for name, block in stack.fitted.items():
            if stack.weights[name] > 0.0:
                sums.add(block, stack.weights[name], columns)
    if parts.topics is not None:
        sums.place(parts.topics, sums.factors)
    if parts.heads is not None:
        sums.place(parts.heads, sums.factors + sums.topics)
    arrays = _basis_arrays(parts, sums) | _factor_arrays(parts) | {"bias": sums.bias.astype(np.float32)}
    if parts.topics is not None:
        arrays["topic_factors"] = sums.topic_factors.astype(np.float32)
    return arrays


def _basis_arrays(parts: Parts, sums: _Sums) -> dict[str, NDArray[Any]]:
    lexical, lexical_scale = _quantised(sums.lexical, np.int8)
    no_ferns = [(np.zeros((1, 1), dtype=np.int64), np.zeros((1, 1)), np.zeros((1, 2, sums.factors)))]
    columns, thresholds, leaves = zip(*(sums.ferns or no_ferns), strict=True)
    fern_leaves, fern_scale = _quantised(np.concatenate([part.reshape(-1, sums.factors) for part in leaves]), np.int16)
    return {
        "idf": parts.scaling.idf.astype(np.float16),
        "signal_mean": parts.scaling.signal_mean,
        "signal_std": parts.scaling.signal_std,
        "lexical": lexical,
        "lexical_scale": lexical_scale,
        "linear": sums.linear.astype(np.float32),
        "landmarks": sums.landmarks.astype(np.float32),
        "landmark_weights": sums.landmark_weights.astype(np.float32),
        "gamma": np.array(GAMMA, dtype=np.float32),
        "fern_signals": np.concatenate(columns).astype(np.int16),
        "fern_thresholds": np.concatenate(thresholds).astype(np.float32),
        "fern_leaves": fern_leaves,
        "fern_scale": fern_scale,
    }


def _factor_arrays(parts: Parts) -> dict[str, NDArray[Any]]:
    return {
        "offset": parts.factors.offset.astype(np.float32),
        "loadings": parts.factors.loadings.astype(np.float32),
        "posterior_axes": parts.posterior.axes.astype(np.float32),
        "posterior_variance": parts.posterior.variance.astype(np.float32),
        "rest_variance": parts.posterior.rest.astype(np.float32),
        "offset_variance": parts.posterior.offset.astype(np.float32),
    }


def _quantised(values: Matrix, kind: type[np.int8 | np.int16]) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Return integers and one scale per column, so that integers * scale is close to the values."""
    scale = np.abs(values).max(axis=0) / np.iinfo(kind).max
    scale[scale == 0.0] = 1.0
    return np.rint(values / scale).astype(kind), scale.astype(np.float32)
