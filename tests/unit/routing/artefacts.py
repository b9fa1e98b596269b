"""Makes small artefacts for the classifier, whose predictions hang on single words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from frontdesk_server.artefacts.quality import TASKS, Artefact
from frontdesk_server.artefacts.quality.features import FeatureSpec
from frontdesk_server.artefacts.quality.signals import SIGNAL_NAMES, STRUCTURE_NAMES

from tests.unit.routing.desk import FakeEmbedder, word_place

_BITS = 4
_PER_WORD = 100.0
"""What a word weighs in a text of any length, so that one word decides."""


def save_artefact(folder: Path, easy: Mapping[str, float], hard: Mapping[str, float], *, embedder_id: str = "") -> Path:
    """Write an artefact that predicts the qualities `easy`, and `hard` for texts that hold the word "hard".

    Texts that hold the word "odd" are uncertain. Difficulty is near 0, and near 1 for hard texts.
    """
    inputs = FakeEmbedder.dimension + len(SIGNAL_NAMES)
    outputs = 1 + 1 + len(TASKS) + 1  # one factor, one topic, the tasks, the difficulty
    linear = np.zeros((inputs, outputs), np.float32)
    linear[word_place("hard"), 0] = 1.0
    linear[word_place("hard"), -1] = _PER_WORD
    bias = np.zeros(outputs, np.float32)
    bias[-1] = -_PER_WORD / 10
    axes = np.zeros((inputs, 1), np.float32)
    axes[word_place("odd"), 0] = 1.0
    offset = np.array(list(easy.values()))
    # A text of two words holds each with weight 0.7; the loadings make up for that.
    loadings = ((np.array([hard[name] for name in easy]) - offset) / np.sqrt(0.5))[None, :]
    structure, models = len(STRUCTURE_NAMES), len(easy)
    arrays = {
        "idf": np.zeros(1 << _BITS, np.float16),
        "lexical": np.zeros((1 << _BITS, outputs), np.int8),
        "lexical_scale": np.ones(outputs, np.float32),
        "signal_mean": np.zeros(len(SIGNAL_NAMES), np.float32),
        "signal_std": np.full(len(SIGNAL_NAMES), 1e9, np.float32),
        "linear": linear,
        "bias": bias,
        "topic_factors": np.zeros((1, 1), np.float32),
        "landmarks": np.zeros((1, structure), np.float32),
        "landmark_weights": np.zeros((1, 1), np.float32),
        "gamma": np.float32(1.0),
        "fern_signals": np.zeros((1, 1), np.int16),
        "fern_thresholds": np.zeros((1, 1), np.float32),
        "fern_leaves": np.zeros((2, 1), np.int16),
        "fern_scale": np.ones(1, np.float32),
        "offset": offset,
        "loadings": loadings,
        "posterior_axes": axes,
        "posterior_variance": np.full((1, models), 0.18, np.float32),
        "rest_variance": np.zeros(models, np.float32),
        "offset_variance": np.full(models, 1e-4, np.float32),
    }
    Artefact(
        models=tuple(easy),
        embedder_id=embedder_id or FakeEmbedder.id,
        embedder_dimension=FakeEmbedder.dimension,
        features=FeatureSpec(lexical_bits=_BITS),
        arrays=arrays,
        has_tasks=True,
    ).save(folder)
    return folder
