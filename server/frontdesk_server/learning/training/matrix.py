"""The features of many texts, as matrices for fitting."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from frontdesk_server.artefacts.embedders import Embedder
from frontdesk_server.artefacts.quality.features import FeatureSpec, TextReader
from frontdesk_server.artefacts.quality.predict import SIGNAL_CLIP, SIGNAL_SHARE
from frontdesk_server.artefacts.quality.signals import SIGNAL_NAMES, STRUCTURE_NAMES

__all__ = ["FeatureMatrix", "Scaling", "fit_scaling", "read_texts"]

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """What is learned from the texts alone."""

    idf: NDArray[np.float32]
    """[2 ** lexical_bits], inverse document frequency of each bucket."""
    signal_mean: NDArray[np.float32]
    signal_std: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMatrix:
    """Features of ``n`` texts; raw until :meth:`scaled`."""

    dense: Matrix
    """[n, embedder dimension]."""
    signals: Matrix
    """[n, signals]."""
    lexical: sparse.csr_matrix
    """[n, 2 ** lexical_bits]."""
    topics: Matrix = field(default_factory=lambda: np.zeros((0, 0)))
    """[n, topics] probabilities, where :mod:`.topics` has added them."""
    ease: Matrix = field(default_factory=lambda: np.zeros((0, 0)))
    """[n, 1] expected ease, where what sets models apart is learned with it."""

    def __len__(self) -> int:
        return len(self.dense)

    def take(self, rows: NDArray[np.int64]) -> "FeatureMatrix":
        """Return these rows."""
        topics = self.topics[rows] if len(self.topics) else self.topics
        ease = self.ease[rows] if len(self.ease) else self.ease
        return FeatureMatrix(self.dense[rows], self.signals[rows], self.lexical[rows], topics, ease)

    def joined(self, other: "FeatureMatrix") -> "FeatureMatrix":
        """Return these rows and then the other's."""
        return FeatureMatrix(
            np.vstack([self.dense, other.dense]),
            np.vstack([self.signals, other.signals]),
            sparse.vstack([self.lexical, other.lexical]).tocsr(),
        )

    def scaled(self, scaling: Scaling) -> "FeatureMatrix":
        """Return the features as the predictor will see them: standardised, weighted, rows of unit length."""
        signals = np.clip((self.signals - scaling.signal_mean) / scaling.signal_std, -SIGNAL_CLIP, SIGNAL_CLIP)
        lexical = self.lexical.multiply(scaling.idf).tocsr()
        lengths = np.sqrt(np.asarray(lexical.multiply(lexical).sum(axis=1)).ravel())
        lengths[lengths == 0.0] = 1.0
        return replace(self, signals=signals, lexical=sparse.diags(1.0 / lengths) @ lexical)

    @property
    def structure(self) -> Matrix:
        """The structural signals, [n, len(STRUCTURE_NAMES)]."""
        return self.signals[:, : len(STRUCTURE_NAMES)]

    @property
    def structure_and_ease(self) -> Matrix:
        """The structural signals, and behind them the expected ease where it is known."""
        return np.hstack([self.structure, self.ease]) if len(self.ease) else self.structure

    @property
    def linear(self) -> Matrix:
        """Embedding and signals side by side, of comparable length."""
        return np.hstack([self.dense, self.signals * SIGNAL_SHARE])


def read_texts(
    texts: Sequence[str], embedder: Embedder, lexical_bits: int, advance: Callable[[int], None] = lambda _: None
) -> FeatureMatrix:
    """Return the raw features of texts; `advance` is told of each text that is done."""
    dense = np.empty((len(texts), embedder.dimension))
    signals = np.empty((len(texts), len(SIGNAL_NAMES)))
    buckets, counts, starts = [], [], [0]
    reader = TextReader(FeatureSpec(lexical_bits), embedder)
    for row, text in enumerate(texts):
        features = reader.read(text)
        dense[row], signals[row] = features.dense, features.signals
        buckets.append(features.buckets)
        counts.append(features.damped_counts)
        starts.append(starts[-1] + len(features.buckets))
        advance(1)
    shape = (len(texts), 1 << lexical_bits)
    return FeatureMatrix(
        dense, signals, sparse.csr_matrix((np.concatenate(counts), np.concatenate(buckets), starts), shape)
    )


def fit_scaling(features: FeatureMatrix) -> Scaling:
    """Learn document frequencies and the spread of the signals."""
    found = np.bincount(features.lexical.indices, minlength=features.lexical.shape[1])
    std = features.signals.std(axis=0)
    std[std < 1e-6] = 1.0
    return Scaling(
        idf=(np.log((1.0 + len(features)) / (1.0 + found)) + 1.0).astype(np.float32),
        signal_mean=features.signals.mean(axis=0).astype(np.float32),
        signal_std=std.astype(np.float32),
    )
