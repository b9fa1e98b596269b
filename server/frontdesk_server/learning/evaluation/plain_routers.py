"""Routers that need no configuration: a trained artefact, and the two that every router must beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.quality import Artefact, Predictor
from frontdesk_server.learning.data.dataset import Dataset, DatasetError

__all__ = ["CLASSIFIER", "PLAIN_ROUTERS", "is_training_data", "plain_qualities", "predicted_qualities"]

Matrix = NDArray[np.float64]

CLASSIFIER, PROMPT_LENGTH, RANDOM = PLAIN_ROUTERS = ("classifier", "prompt-length", "random")


def predicted_qualities(dataset: Dataset, models: Sequence[str], predictor: Predictor) -> Matrix:
    """Return what a predictor expects of each model, [n, len(models)]. Raises DatasetError for one it does not know."""
    if absent := [model for model in models if model not in predictor.models]:
        raise DatasetError(f"the artefact does not know {', '.join(absent)}; it knows: {', '.join(predictor.models)}")
    columns = [predictor.models.index(model) for model in models]
    return np.asarray(predictor.predict_many(dataset.prompts).quality[:, columns], dtype=np.float64)


def is_training_data(dataset: Dataset, artefact: Artefact) -> bool:
    """Whether the outcomes are the very ones that an artefact was trained on."""
    known = set(artefact.models) <= set(dataset.models)
    return known and dataset.select_models(artefact.models).sha256 == artefact.data_sha256


def plain_qualities(dataset: Dataset, models: Sequence[str], router: str, seed: int) -> Matrix:
    """Return qualities, [n, len(models)], that rank as `random` or `prompt-length` would.

    The first of a pair is the strong model; in a pool, the later a model is named the less it gains.
    """
    lengths = np.array([float(len(prompt)) for prompt in dataset.prompts])
    score = np.random.default_rng(seed).random(len(dataset)) if router == RANDOM else lengths / lengths.max()
    return np.asarray(score[:, None] * np.linspace(1.0, 0.0, len(models)))
