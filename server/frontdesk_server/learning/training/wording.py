"""Fitting the table by which the wording of a query is read.

Pieces have vectors of a multilingual model, so that what is learned of a word in one language holds for its like in the
others. A logistic regression on the sum of a text's vectors is as well a weight for every piece: only those are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from frontdesk_server.artefacts.wording import OUTPUTS
from frontdesk_server.artefacts.wording.pieces import Vocabulary, words_of
from frontdesk_server.artefacts.wording.reader import MAX_WORDS, share_of

__all__ = ["PieceVectors", "WordingTable", "fit_wording", "text_vectors"]

Matrix = NDArray[np.float64]

_ROUNDS = 300

_STEPS = 127
"""Of eight-bit weights on either side of zero."""


@dataclass(frozen=True, slots=True, eq=False)
class PieceVectors:
    """A vocabulary and a vector of each of its pieces, [pieces, dimension]."""

    pieces: Sequence[str]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class WordingTable:
    """Weights [dimension, outputs] of vectors and biases [outputs], in log-odds."""

    weights: Matrix
    bias: Matrix

    def save(self, path: Path, known: PieceVectors) -> None:
        """Write the weight of every piece in eight bits, as `WordingReader` reads it."""
        of_pieces = known.vectors @ self.weights
        scale = np.abs(of_pieces).max(axis=0) / _STEPS
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            path,
            pieces=np.frombuffer("\n".join(known.pieces).encode(), np.uint8),
            weights=np.round(of_pieces / scale).astype(np.int8),
            scale=scale.astype(np.float32),
            bias=self.bias.astype(np.float32),
        )


def text_vectors(texts: Sequence[str], known: PieceVectors) -> Matrix:
    """The vectors of texts [texts, dimension], summed as `WordingReader` sums weights."""
    vocabulary = Vocabulary(known.pieces)
    vectors = np.zeros((len(texts), known.vectors.shape[1]))
    for row, text in enumerate(texts):
        numbers = [number for word in words_of(text)[:MAX_WORDS] for number in vocabulary.split(word)]
        if numbers:
            vectors[row] = known.vectors[numbers].sum(axis=0) * share_of(len(numbers))
    return vectors


def fit_wording(vectors: Matrix, labels: Matrix, weights: Matrix, strengths: Sequence[float]) -> WordingTable:
    """Fit a table to labels [texts, outputs] in [0, 1], NaN where unknown, and weights [texts].

    `strengths` are the inverse regularisation of each output.
    """
    columns = [_fit(vectors, labels[:, output], weights, strengths[output]) for output in range(len(OUTPUTS))]
    return WordingTable(np.column_stack([column[:-1] for column in columns]), np.array([c[-1] for c in columns]))


def _fit(vectors: Matrix, labels: Matrix, weights: Matrix, strength: float) -> Matrix:
    """Weights and bias by logistic regression; a label between 0 and 1 counts as both, in part."""
    known = ~np.isnan(labels)
    inputs = np.column_stack([vectors[known], np.ones(int(known.sum()))]).astype(np.float32)
    labels, weights = labels[known], weights[known]

    def loss(parameters: Matrix) -> tuple[float, Matrix]:
        odds = (inputs @ parameters.astype(np.float32)).astype(np.float64)
        misses = weights * (expit(odds) - labels)
        slope = (misses.astype(np.float32) @ inputs).astype(np.float64)
        shrunk = np.append(parameters[:-1], 0.0)
        value = weights @ (np.logaddexp(0.0, odds) - labels * odds) + shrunk @ shrunk / (2 * strength)
        return float(value), slope + shrunk / strength

    found = minimize(loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": _ROUNDS})
    return np.asarray(found.x)
