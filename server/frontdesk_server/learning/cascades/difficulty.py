"""Fits how hard queries look from the outcomes of all models in the data, not of the cascade's members alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.cascade.difficulty import BUCKETS, DifficultyModel, hashed_words, structure

__all__ = ["TextFeatures", "fit_difficulty", "fit_difficulty_crossed"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Rows = NDArray[np.intp]

_STRUCTURE_PENALTY = 30.0
_WORD_PENALTY = 2.0


class Folds(Protocol):
    """Splits positions into (rest, part) pairs whose parts cover all."""

    def __call__(self, rows: Rows) -> list[tuple[Rows, Rows]]: ...


@dataclass(frozen=True, slots=True, eq=False)
class TextFeatures:
    """The features of a set of prompts, computed once for all folds."""

    structure: Matrix
    words: Matrix
    """[n, BUCKETS], weighed by the inverse document frequency over the set, each row of unit length."""
    idf: Vector

    @classmethod
    def of(cls, prompts: tuple[str, ...]) -> TextFeatures:
        """Compute the features of these prompts."""
        words = np.zeros((len(prompts), BUCKETS))
        for row, prompt in enumerate(prompts):
            buckets, counts = hashed_words(prompt)
            words[row, buckets] = counts
        idf = 1.0 + np.log((1 + len(prompts)) / (1 + (words > 0).sum(axis=0)))
        words *= idf
        words /= np.maximum(np.linalg.norm(words, axis=1, keepdims=True), 1e-12)
        return cls(np.array([structure(prompt) for prompt in prompts]), words, idf)


def fit_difficulty(text: TextFeatures, easiness: Vector, rows: Rows) -> tuple[DifficultyModel, Vector]:
    """Fit on some rows; returns the model and its prediction for every row, in the same units."""
    mean, scale = text.structure[rows].mean(axis=0), text.structure[rows].std(axis=0) + 1e-9
    structural = (text.structure - mean) / scale
    target = easiness[rows].mean() - easiness[rows]
    by_structure = _ridge(structural[rows], target, _STRUCTURE_PENALTY)
    by_words = _ridge(text.words[rows], target, _WORD_PENALTY)
    raw = (structural @ by_structure + text.words @ by_words) / 2
    centre, spread = float(raw[rows].mean()), float(raw[rows].std()) or 1.0
    model = DifficultyModel(mean, scale, by_structure, text.idf, by_words, centre, spread)
    return model, (raw - centre) / spread


def fit_difficulty_crossed(
    text: TextFeatures, easiness: Vector, rows: Rows, folds: Folds
) -> tuple[DifficultyModel, Vector]:
    """Fit on some rows; their own predictions come from models that have not seen them, with those models' spread."""
    raw = np.zeros(len(easiness))
    for rest, part in folds(rows):
        model, difficulty = fit_difficulty(text, easiness, rest)
        raw[part] = difficulty[part] * model.scale + model.mean
    centre, spread = float(raw[rows].mean()), float(raw[rows].std()) or 1.0
    model, difficulty = fit_difficulty(text, easiness, rows)
    honest = (difficulty * model.scale + model.mean - centre) / spread
    honest[rows] = (raw[rows] - centre) / spread
    refit = DifficultyModel(
        model.structure_mean,
        model.structure_scale,
        model.structure_weights,
        model.word_idf,
        model.word_weights,
        centre,
        spread,
    )
    return refit, honest


def _ridge(features: Matrix, target: Vector, penalty: float) -> Vector:
    """Ridge regression without intercept, solved in the smaller of both spaces."""
    n, p = features.shape
    if n < p:
        return np.asarray(features.T @ np.linalg.solve(features @ features.T + penalty * np.eye(n), target))
    return np.asarray(np.linalg.solve(features.T @ features + penalty * np.eye(p), features.T @ target))
