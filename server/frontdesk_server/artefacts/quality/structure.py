"""What the structural signals say of the factors: a radial basis, and ferns. One query (a vector) or several.

Ferns that also ask for the expected ease, the number behind the signals, come after all that says how easy a query is.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.quality.signals import STRUCTURE_NAMES

__all__ = ["Ferns", "Landmarks", "ask_for_ease", "squared_lengths"]

Floats: TypeAlias = NDArray[Any]


class Landmarks:
    """Weighs the nearness exp(-gamma |x - l|^2) of the signals x to every landmark l.

    In double precision, since the weights of landmarks that lie close are large and nearly cancel.
    """

    __slots__ = ("_directions", "_gamma", "_weights")

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        # exp(-g |x - l|^2) = exp(2 g l'x - g |x|^2) exp(-g |l|^2), whose last factor the weights hold.
        landmarks, self._gamma = arrays["landmarks"].astype(np.float64), float(arrays["gamma"])
        self._directions = np.ascontiguousarray(2.0 * self._gamma * landmarks.T)
        self._weights = np.exp(-self._gamma * squared_lengths(landmarks)) * arrays["landmark_weights"]

    def __call__(self, signals: Floats) -> Floats:
        """Return the part of each factor, shape (..., factors)."""
        exponents = signals.dot(self._directions) - self._gamma * squared_lengths(signals)
        part: Floats = np.exp(exponents).dot(self._weights)
        return part


class Ferns:
    """Sums the leaves that a query reaches: a fern asks one question a level, the same at all nodes of that level."""

    __slots__ = ("_bits", "_first_leaves", "_leaves", "_ones", "_signals", "_thresholds")

    def __init__(self, arrays: Mapping[str, NDArray[Any]], chosen: NDArray[np.bool_]) -> None:
        """Take the chosen [ferns] of an artefact."""
        self._signals = arrays["fern_signals"][chosen].astype(np.intp)
        self._thresholds = arrays["fern_thresholds"][chosen]
        ferns, depth = self._signals.shape
        self._bits = 2.0 ** np.arange(depth, dtype=np.float32)[::-1]
        self._ones = np.ones(ferns, dtype=np.float32)
        self._first_leaves = np.arange(ferns) << depth
        leaves = arrays["fern_leaves"][np.repeat(chosen, 1 << depth)]
        self._leaves = (leaves * arrays["fern_scale"]).astype(np.float32)

    def __call__(self, signals: Floats) -> Floats:
        """Return the part of each factor, shape (..., factors)."""
        answers = signals.take(self._signals, axis=-1) > self._thresholds
        leaves = answers.astype(np.float32).dot(self._bits).astype(np.intp) + self._first_leaves
        return np.asarray(self._ones @ self._leaves.take(leaves, axis=0))


def ask_for_ease(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Whether each fern of an artefact asks for the expected ease, [ferns]."""
    return np.asarray((arrays["fern_signals"] == len(STRUCTURE_NAMES)).any(axis=1))


def squared_lengths(vectors: Floats) -> Any:
    """Return the squared length of a vector, or of each row of a matrix as a column."""
    if vectors.ndim == 1:
        return float(vectors.dot(vectors))  # many times as fast as the general way
    return np.einsum("ij,ij->i", vectors, vectors)[:, None]
