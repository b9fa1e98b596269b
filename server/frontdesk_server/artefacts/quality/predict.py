"""Putting an artefact to work: numpy only, tens of microseconds a query.

A query's text is mapped to a few factors z (the first is its ease, the others what sets models apart), a sum of

* a linear map of hashed words and pairs, of the embedding and of the signals,
* what is usual in the domains that the query may come from, by their probability,
* a radial basis over the structural signals (``landmarks``),
* ferns over the structural signals: small trees that ask the same question at all nodes of a level; those of what sets
  models apart ask, too, how easy the query is expected to be,

and quality is ``clip(offset + loadings @ z, 0, 1)`` for each model. The uncertainty is the standard error of that
estimate: the posterior of Bayesian linear regression on embedding and signals, wider for a text unlike the training
texts and for a model that was seen in few rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt, tanh
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.embedders import Embedder
from frontdesk_server.artefacts.quality.artefact import Artefact
from frontdesk_server.artefacts.quality.features import TextFeatures, TextReader
from frontdesk_server.artefacts.quality.signals import SIGNAL_NAMES, STRUCTURE_NAMES
from frontdesk_server.artefacts.quality.structure import Ferns, Landmarks, ask_for_ease, squared_lengths
from frontdesk_server.artefacts.quality.tasks import TASKS

__all__ = ["Forecast", "Forecasts", "Predictor"]

SIGNAL_CLIP = 5.0
"""Standardised signals are cut at this many standard deviations, so that an odd text cannot run away."""
SIGNAL_SHARE = len(SIGNAL_NAMES) ** -0.5
"""Factor that gives the standardised signals the length of an embedding, about 1, where both enter one linear map."""
_STRUCTURE = len(STRUCTURE_NAMES)
_LOWEST_SIGNAL, _HIGHEST_SIGNAL = np.array(-SIGNAL_CLIP, np.float32), np.array(SIGNAL_CLIP, np.float32)
_WORST, _BEST = np.array(0.0), np.array(1.0)
_LARGEST_ERROR = np.array(0.5, np.float32)
"""No estimate of a number in [0, 1] can be less certain."""

Floats: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What is expected of each model on one query."""

    quality: NDArray[np.float64]
    """[models], in [0, 1], in the order of :attr:`Predictor.models`."""
    uncertainty: NDArray[np.float32]
    """[models], standard error of the quality."""
    task_logits: NDArray[np.float32] | None
    """[len(TASKS)], where the artefact carries the head."""
    difficulty: float | None
    """In [0, 1], where the artefact carries the head."""

    @property
    def tasks(self) -> NDArray[np.float32] | None:
        """[len(TASKS)] probabilities."""
        return None if self.task_logits is None else _softmax(self.task_logits)

    @property
    def task(self) -> str | None:
        """The most probable task."""
        return None if self.task_logits is None else TASKS[int(self.task_logits.argmax())]


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """The same for ``n`` queries: quality and uncertainty [n, models], task logits [n, len(TASKS)], difficulty [n]."""

    quality: NDArray[np.float64]
    uncertainty: NDArray[np.float32]
    task_logits: NDArray[np.float32] | None
    difficulty: NDArray[np.float32] | None

    @property
    def tasks(self) -> NDArray[np.float32] | None:
        """[n, len(TASKS)] probabilities."""
        return None if self.task_logits is None else _softmax(self.task_logits)

    def __len__(self) -> int:
        return len(self.quality)

    def __getitem__(self, row: int) -> Forecast:
        return Forecast(
            self.quality[row],
            self.uncertainty[row],
            None if self.task_logits is None else self.task_logits[row],
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
        self._reader = TextReader(artefact.features, embedder)
        self._has_tasks = artefact.has_tasks
        arrays = artefact.arrays
        self._idf = arrays["idf"].astype(np.float32)
        self._lexical = arrays["lexical"] * arrays["lexical_scale"]
        self._bias = arrays["bias"]
        self._outputs = len(self._bias)
        # The outputs and the axes of the posterior are linear maps of the same input, so they are one product.
        linear = np.hstack((arrays["linear"], arrays["posterior_axes"])).astype(np.float32)
        self._of_dense, self._of_signals = np.split(linear, [artefact.embedder_dimension])
        self._of_signals = self._of_signals * np.float32(SIGNAL_SHARE)
        self._signal_mean, self._signal_scale = arrays["signal_mean"], 1.0 / arrays["signal_std"]
        self._structure_blocks: list[Landmarks | Ferns] = []
        if arrays["landmark_weights"].any():
            self._structure_blocks.append(Landmarks(arrays))
        ask = ask_for_ease(arrays)
        if arrays["fern_leaves"].any() and not ask.all():
            self._structure_blocks.append(Ferns(arrays, ~ask))
        self._ferns_by_ease = Ferns(arrays, ask) if ask.any() else None
        self._topic_factors = arrays.get("topic_factors", ())
        self._offset, self._loadings = arrays["offset"].astype(np.float64), arrays["loadings"].astype(np.float64)
        self._factors = len(self._loadings)
        self._heads = self._factors + len(self._topic_factors)
        self._rest_variance, self._offset_variance = arrays["rest_variance"], arrays["offset_variance"]
        self._axis_variance = arrays["posterior_variance"] - self._rest_variance

    def predict(self, text: str, vector: NDArray[np.float32] | None = None) -> Forecast:
        """Predict for one query; `vector` is its embedding where that is known already."""
        features = self._reader.read(text, vector)
        lexical = self._lexical_part(features)
        quality, uncertainty, tasks, difficulty = self._predict(features.dense, features.signals, lexical)
        return Forecast(quality, uncertainty, tasks, None if difficulty is None else _logistic(float(difficulty)))

    def predict_many(self, texts: Sequence[str]) -> Forecasts:
        """Predict for several queries at once; cheaper per query than one at a time."""
        rows = [self._reader.read(text) for text in texts]
        dense, signals = np.stack([row.dense for row in rows]), np.stack([row.signals for row in rows])
        lexical = np.stack([self._lexical_part(row) for row in rows])
        quality, uncertainty, tasks, difficulty = self._predict(dense, signals, lexical)
        return Forecasts(quality, uncertainty, tasks, None if difficulty is None else _logistic(difficulty, np.tanh))

    def _predict(self, dense: Floats, signals: Floats, lexical: Floats) -> tuple[Any, Any, Any, Any]:
        """Return quality, uncertainty and the logits of tasks and difficulty, of one query or row by row of several."""
        signals = np.minimum(
            np.maximum((signals - self._signal_mean) * self._signal_scale, _LOWEST_SIGNAL), _HIGHEST_SIGNAL
        )
        mapped = dense.dot(self._of_dense) + signals.dot(self._of_signals)
        outputs = mapped[..., : self._outputs] + self._bias + lexical
        z = outputs[..., : self._factors]
        structure = signals[..., :_STRUCTURE]
        for block in self._structure_blocks:
            z = z + block(structure)
        if len(self._topic_factors):
            z = z + _softmax(outputs[..., self._factors : self._heads]).dot(self._topic_factors)
        if self._ferns_by_ease is not None:
            z = z + self._ferns_by_ease(np.concatenate((structure, z[..., :1]), axis=-1))
        quality = np.minimum(np.maximum(z.dot(self._loadings) + self._offset, _WORST), _BEST)
        squared_length = squared_lengths(dense) + SIGNAL_SHARE**2 * squared_lengths(signals)
        along = mapped[..., self._outputs :]
        variance = (along * along).dot(self._axis_variance) + squared_length * self._rest_variance
        # What rounding leaves below zero is as good as zero.
        uncertainty = np.minimum(np.sqrt(np.abs(variance + self._offset_variance)), _LARGEST_ERROR)
        if not self._has_tasks:
            return quality, uncertainty, None, None
        return quality, uncertainty, outputs[..., self._heads : -1], outputs[..., -1]

    def _lexical_part(self, text: TextFeatures) -> Floats:
        weights = text.damped_counts * self._idf.take(text.buckets)
        part: Floats = weights.dot(self._lexical.take(text.buckets, axis=0)) / (sqrt(weights.dot(weights)) or 1.0)
        return part


def _softmax(logits: Floats) -> Floats:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _logistic(value: Any, tanh: Callable[[Any], Any] = tanh) -> Any:
    return 0.5 + 0.5 * tanh(0.5 * value)
