"""What routing adds, beside a shuffle of the same choices and beside nearest neighbours."""

from __future__ import annotations

import numpy as np
from frontdesk_server.learning.training.added import added_by_routing, neighbour_predictions


def _world(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes of two models, each better on one side of a plane, unit vectors of the queries, and folds."""
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(n, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    first = vectors[:, 0] > 0
    right = np.column_stack([np.where(first, 0.9, 0.3), np.where(first, 0.3, 0.9)])
    return (draw.random(right.shape) < right).astype(float), vectors, np.arange(n) % 5


def test_what_tells_queries_apart_beats_the_shuffle() -> None:
    quality, vectors, folds = _world(seed=0)
    predicted = np.column_stack([vectors[:, 0], -vectors[:, 0]])
    added = added_by_routing(predicted, quality, vectors, folds, seed=0)

    assert added["over_shuffle"] > 0.2
    assert added["beats_shuffle"] is True


def test_knowing_which_model_is_better_on_average_adds_nothing() -> None:
    quality, vectors, folds = _world(seed=1)
    quality[:, 1] = 1.0
    noise = np.random.default_rng(1).normal(size=quality.shape) * 0.01
    added = added_by_routing(np.array([0.5, 1.0]) + noise, quality, vectors, folds, seed=0)

    assert abs(added["over_shuffle"]) < 0.1
    assert added["beats_shuffle"] is False


def test_the_neighbours_own_choices_are_no_better_than_the_neighbours() -> None:
    quality, vectors, folds = _world(seed=2)
    predicted, number = neighbour_predictions(quality, vectors, folds, seed=0)
    added = added_by_routing(predicted, quality, vectors, folds, seed=0)

    assert (added["over_neighbours"], added["beats_neighbours"]) == (0.0, False)
    assert added["neighbours"] == number


def test_unknown_outcomes_are_never_chosen() -> None:
    quality, vectors, folds = _world(seed=3)
    quality[::3, 0] = np.nan
    added = added_by_routing(np.column_stack([vectors[:, 0], -vectors[:, 0]]), quality, vectors, folds, seed=0)

    assert np.isfinite([added["over_shuffle"], added["over_neighbours"]]).all()
