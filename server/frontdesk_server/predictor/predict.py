"""Putting an artefact to work: numpy only, tens of microseconds a query.

A query's text is mapped to a few factors z (the first is its ease, the others what sets models apart), a sum of

* a linear map of hashed words and pairs, of the embedding and of the signals,
* what is usual in the domains that the query may come from, by their probability,
* a radial basis over the structural signals (``landmarks``),
* ferns over the structural signals: small trees that ask the same question at all nodes of a level,

and quality is ``clip(offset + loadings @ z, 0, 1)`` for each model. The uncertainty is the standard error of that
estimate: the posterior of Bayesian linear regression on embedding and signals, wider for a text unlike the training
texts and for a model that was seen in few rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.embedders import Embedder
from frontdesk_server.predictor.artefact import Artefact
from frontdesk_server.predictor.features import TextFeatures, read_text
from frontdesk_server.predictor.signals import SIGNAL_NAMES, STRUCTURE_NAMES
from frontdesk_server.predictor.tasks import TASKS

__all__ = ["Prediction", "Predictions", "Predictor", "expected_quality"]

SIGNAL_CLIP = 5.0
"""Standardised signals are cut at this many standard deviations, so that an odd text cannot run away."""
SIGNAL_SHARE = len(SIGNAL_NAMES) ** -0.5
"""Factor that gives the standardised signals the length of an embedding, about 1, where both enter one linear map."""
_STRUCTURE = len(STRUCTURE_NAMES)
_LARGEST_ERROR = 0.5
"""No estimate of a number in [0, 1] can be less certain."""

Floats: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What is expected of each model on one query."""

    quality: NDArray[np.float64]
    """[models], in [0, 1], in the order of :attr:`Predictor.models`."""
    uncertainty: NDArray[np.float64]
    """[models], standard error of the quality."""
    tasks: NDArray[np.float64] | None
    """[len(TASKS)] probabilities, where the artefact carries the head."""
    difficulty: float | None
    """In [0, 1], where the artefact carries the head."""

    @property
    def task(self) -> str | None:
        """The most probable task."""
        return None if self.tasks is None else TASKS[int(self.tasks.argmax())]


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The same for ``n`` queries: quality and uncertainty [n, models], tasks [n, len(TASKS)], difficulty [n]."""

    quality: NDArray[np.float64]
    uncertainty: NDArray[np.float64]
    tasks: NDArray[np.float64] | None
    difficulty: NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.quality)

    def __getitem__(self, row: int) -> Prediction:
        return Prediction(
            self.quality[row],
            self.uncertainty[row],
            None if self.tasks is None else self.tasks[row],
            None if self.difficulty is None else float(self.difficulty[row]),
        )


class Predictor:
    """Predicts for every model of an artefact. Immutable, shared freely."""

    def __init__(self, artefact: Artefact, embedder: Embedder | None) -> None:
        """Unpack the artefact. Raises EmbedderMismatchError where it was trained with another embedder.

        Without an embedder it predicts only for texts whose vectors come with them.
        """
        if embedder is not None:
            artefact.check_embedder(embedder.id)
        self.models = artefact.models
        self._embedder = embedder
        self._bits = artefact.features.lexical_bits
        self._has_tasks = artefact.has_tasks
        arrays = artefact.arrays
        self._idf = arrays["idf"].astype(np.float32)
        self._lexical, self._lexical_scale = arrays["lexical"], arrays["lexical_scale"]
        self._linear = arrays["linear"].astype(np.float32)
        self._bias = arrays["bias"]
        self._topic_factors = arrays.get("topic_factors", ())
        self._topics_end = len(arrays["loadings"]) + len(self._topic_factors)
        self._signal_mean, self._signal_scale = arrays["signal_mean"], 1.0 / arrays["signal_std"]
        self._gamma = float(arrays["gamma"])
        landmarks = arrays["landmarks"]
        self._landmarks = np.ascontiguousarray(2.0 * self._gamma * landmarks.T)
        self._landmark_weights = np.exp(-self._gamma * _squared_length(landmarks))[:, None] * arrays["landmark_weights"]
        self._fern_signals, self._fern_thresholds = arrays["fern_signals"].astype(np.intp), arrays["fern_thresholds"]
        ferns, depth = self._fern_signals.shape
        self._fern_bits = 2.0 ** np.arange(depth, dtype=np.float32)[::-1]
        self._fern_ones = np.ones(ferns, dtype=np.float32)
        self._fern_first_leaf = np.arange(ferns) << depth
        self._fern_leaves = (arrays["fern_leaves"] * arrays["fern_scale"]).astype(np.float32)
        self._offset, self._loadings = arrays["offset"], arrays["loadings"]
        self._posterior_axes = arrays["posterior_axes"]
        self._posterior_variance, self._rest_variance = arrays["posterior_variance"], arrays["rest_variance"]
        self._offset_variance = arrays["offset_variance"]

    def predict(self, text: str, vector: NDArray[np.float32] | None = None) -> Prediction:
        """Predict for one query; `vector` is its embedding where that is known already."""
        features = read_text(text, self._embedder, self._bits, vector)
        parts = self._predict(features.dense, features.signals, self._lexical_part(features))
        quality, uncertainty, tasks, difficulty = parts
        return Prediction(quality, uncertainty, tasks, None if difficulty is None else float(difficulty))

    def predict_many(self, texts: Sequence[str]) -> Predictions:
        """Predict for several queries at once; cheaper per query than one at a time."""
        rows = [read_text(text, self._embedder, self._bits) for text in texts]
        dense, signals = np.stack([row.dense for row in rows]), np.stack([row.signals for row in rows])
        return Predictions(*self._predict(dense, signals, np.stack([self._lexical_part(row) for row in rows])))

    def _predict(self, dense: Floats, signals: Floats, lexical: Floats) -> tuple[Any, Any, Any, Any]:
        """Predict for one query (vectors) or several (matrices with a row each)."""
        signals = (signals - self._signal_mean) * self._signal_scale
        signals = np.minimum(np.maximum(signals, -SIGNAL_CLIP), SIGNAL_CLIP)
        linear_input = np.concatenate((dense, signals * SIGNAL_SHARE), axis=-1)
        outputs = linear_input @ self._linear + self._bias + lexical
        structure = signals[..., :_STRUCTURE]
        factors = len(self._loadings)
        z = outputs[..., :factors] + self._landmark_part(structure) + self._fern_part(structure)
        if len(self._topic_factors):
            z += _softmax(outputs[..., factors : self._topics_end]) @ self._topic_factors
        quality = np.minimum(np.maximum(self._offset + z @ self._loadings, 0.0), 1.0)
        uncertainty = self._standard_error(linear_input)
        if not self._has_tasks:
            return quality, uncertainty, None, None
        return quality, uncertainty, _softmax(outputs[..., self._topics_end : -1]), _sigmoid(outputs[..., -1])

    def _lexical_part(self, text: TextFeatures) -> Floats:
        weights = text.damped_counts * self._idf.take(text.buckets)
        length = float(weights @ weights) ** 0.5 or 1.0
        part: Floats = (weights @ self._lexical.take(text.buckets, axis=0)) * (self._lexical_scale / length)
        return part

    def _landmark_part(self, structure: Floats) -> Floats:
        # exp(-g |x - l|^2) = exp(-g |x|^2) exp(2 g l'x) exp(-g |l|^2), whose last factor the weights hold.
        nearness = np.exp(structure @ self._landmarks) @ self._landmark_weights
        part: Floats = nearness * np.exp(-self._gamma * _squared_length(structure))[..., None]
        return part

    def _fern_part(self, structure: Floats) -> Floats:
        answers = structure.take(self._fern_signals, axis=-1) > self._fern_thresholds
        leaves = (answers.astype(np.float32) @ self._fern_bits).astype(np.intp)
        part: Floats = self._fern_ones @ self._fern_leaves.take(self._fern_first_leaf + leaves, axis=0)
        return part

    def _standard_error(self, linear_input: Floats) -> Floats:
        along = (linear_input @ self._posterior_axes) ** 2
        rest = np.maximum(_squared_length(linear_input) - along.sum(axis=-1), 0.0)
        variance = along @ self._posterior_variance + rest[..., None] * self._rest_variance + self._offset_variance
        return np.asarray(np.minimum(np.sqrt(variance), _LARGEST_ERROR))


def expected_quality(strength: float, difficulty: float, discrimination: float = 6.0) -> float:
    """Return the quality to expect of a model nobody has measured yet, from its declared strength in [0, 1].

    The one-parameter logistic model of item response theory: one half where strength equals difficulty.
    """
    return float(_sigmoid(discrimination * (strength - difficulty)))


def _squared_length(vectors: Floats) -> Floats:
    return np.asarray(np.einsum("...i,...i->...", vectors, vectors))


def _softmax(logits: Floats) -> Floats:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _sigmoid(value: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-value))
