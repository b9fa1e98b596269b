"""The heads that a new pool can use before it has outcomes of its own: what a query asks for, and how hard it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import Ridge

from frontdesk_server.artefacts.quality.tasks import TASKS
from frontdesk_server.learning.data.folds import folds_by_group
from frontdesk_server.learning.training.classifier import fit_classifier
from frontdesk_server.learning.training.matrix import FeatureMatrix

__all__ = ["Heads", "LabelledTexts", "fit_heads"]

Matrix = NDArray[np.float64]

_TASK_STRENGTH = 5.0
"""Inverse regularisation of the task classifier."""
_DIFFICULTY_RIDGE = 3.0
_LOGIT_EDGE = 0.03


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Texts with what they ask for and how hard they are; either may be unknown."""

    texts: Sequence[str]
    tasks: Sequence[str | None]
    difficulty: Sequence[float | None]
    """In [0, 1]."""
    groups: Sequence[str]
    """Texts of one origin (a template, a question) are never split between fitting and measuring."""
    weights: Sequence[float]
    """How much a text counts for its difficulty."""
    other_than: Sequence[str | None] = ()
    """The task that a text does not ask for, where that is all that is known of it; empty if there is none such."""


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """Linear outputs: one logit per task, then the logit of the difficulty."""

    lexical: Matrix
    """[buckets, len(TASKS) + 1]."""
    linear: Matrix
    """[features, len(TASKS) + 1]."""
    intercept: Matrix
    metrics: dict[str, Any]


def fit_heads(features: FeatureMatrix, labelled: LabelledTexts, seed: int) -> Heads:
    """Fit both heads; the metrics are measured on a fifth of the groups that the measured fit has not seen."""
    inputs = sparse.hstack([features.lexical, sparse.csr_matrix(features.linear)]).tocsr()
    held_out = folds_by_group(labelled.groups, 5, seed) == 0
    task_of = np.array([-1 if task is None else TASKS.index(task) for task in labelled.tasks])
    other_than = np.array([-1 if task is None else TASKS.index(task) for task in labelled.other_than or labelled.tasks])
    other_than[task_of >= 0] = -1
    difficulty = np.array([np.nan if value is None else value for value in labelled.difficulty])
    weights = np.asarray(labelled.weights, dtype=float)
    metrics = _measure(inputs, task_of, other_than, difficulty, weights, held_out)
    everything = np.ones(len(held_out), dtype=bool)
    coefficients, intercepts = _fit_tasks(inputs, task_of, other_than, everything)
    hard, hard_intercept = _fit_difficulty(inputs, difficulty, weights, everything)
    combined = np.column_stack([coefficients, hard])
    buckets = features.lexical.shape[1]
    return Heads(combined[:buckets], combined[buckets:], np.append(intercepts, hard_intercept), metrics)


def _measure(
    inputs: sparse.csr_matrix,
    task_of: NDArray[np.int64],
    other_than: NDArray[np.int64],
    difficulty: Matrix,
    weights: Matrix,
    held_out: NDArray[np.bool_],
) -> dict[str, Any]:
    coefficients, intercepts = _fit_tasks(inputs, task_of, other_than, ~held_out)
    hard, hard_intercept = _fit_difficulty(inputs, difficulty, weights, ~held_out)
    tasks_test = np.flatnonzero(held_out & (task_of >= 0))
    hard_test = np.flatnonzero(held_out & ~np.isnan(difficulty))
    logits = inputs[tasks_test] @ coefficients + intercepts
    predicted = 1.0 / (1.0 + np.exp(-(inputs[hard_test] @ hard + hard_intercept)))
    return {
        "task_accuracy": round(float((logits.argmax(axis=1) == task_of[tasks_test]).mean()), 4),
        "difficulty_correlation": round(float(np.corrcoef(predicted, difficulty[hard_test])[0, 1]), 4),
        "labelled_texts": len(task_of),
    }


def _fit_tasks(
    inputs: sparse.csr_matrix, task_of: NDArray[np.int64], other_than: NDArray[np.int64], mask: NDArray[np.bool_]
) -> tuple[Matrix, Matrix]:
    """Fit to the texts of known task; then again with the others, each taken for the likeliest that it may ask for."""
    coefficients, intercepts = _classifier(inputs, task_of, mask & (task_of >= 0))
    guessed = np.flatnonzero(mask & (other_than >= 0))
    if not len(guessed):
        return coefficients, intercepts
    logits = inputs[guessed] @ coefficients + intercepts
    logits[np.arange(len(guessed)), other_than[guessed]] = -np.inf
    task_of = task_of.copy()
    task_of[guessed] = logits.argmax(axis=1)
    return _classifier(inputs, task_of, mask & (task_of >= 0))


def _classifier(
    inputs: sparse.csr_matrix, task_of: NDArray[np.int64], mask: NDArray[np.bool_]
) -> tuple[Matrix, Matrix]:
    rows = np.flatnonzero(mask)
    return fit_classifier(
        inputs[rows], task_of[rows], len(TASKS), C=_TASK_STRENGTH, max_iter=200, tol=1e-3, class_weight="balanced"
    )


def _fit_difficulty(
    inputs: sparse.csr_matrix, difficulty: Matrix, weights: Matrix, mask: NDArray[np.bool_]
) -> tuple[Matrix, float]:
    rows = np.flatnonzero(mask & ~np.isnan(difficulty))
    edged = np.clip(difficulty[rows], _LOGIT_EDGE, 1.0 - _LOGIT_EDGE)
    model = Ridge(alpha=_DIFFICULTY_RIDGE, solver="sparse_cg", tol=1e-3)
    model.fit(inputs[rows], np.log(edged / (1.0 - edged)), sample_weight=weights[rows])
    return np.asarray(model.coef_), float(model.intercept_)
