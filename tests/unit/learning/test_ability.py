"""How hard queries are by the item response model, apart from who happened to be asked."""

from __future__ import annotations

import numpy as np
from frontdesk_server.learning.data.dataset import Dataset
from frontdesk_server.learning.training.ability import item_difficulties

from tests.unit.learning.conftest import make_dataset


def _recorded(seed: int, models: int = 8, queries: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """True difficulties, and answers drawn by the model itself."""
    draw = np.random.default_rng(seed)
    ability, hard = np.linspace(-2, 2, models), draw.normal(0, 1.5, queries)
    right = 1 / (1 + np.exp(hard[:, None] - ability[None, :]))
    return hard, (draw.random(right.shape) < right).astype(float)


def _dataset(quality: np.ndarray, names: list[str]) -> Dataset:
    prompts = [f"query {row}" for row in range(len(quality))]
    return make_dataset(prompts, names, quality, [""] * len(quality))


def test_difficulties_that_made_the_answers_are_found_again() -> None:
    hard, quality = _recorded(seed=0)
    (found,) = item_difficulties([_dataset(quality, [f"m{place}" for place in range(8)])])

    assert np.corrcoef(found, hard)[0, 1] > 0.8
    assert 0 <= found.min() < 0.2
    assert 0.8 < found.max() <= 1


def test_a_query_that_only_weak_models_failed_is_easier_than_one_that_strong_models_failed() -> None:
    _, quality = _recorded(seed=1)
    quality[0] = quality[1] = np.nan
    quality[0, :3] = 0.0
    quality[1, 5:] = 0.0
    (found,) = item_difficulties([_dataset(quality, [f"m{place}" for place in range(8)])])

    assert found[0] < found[1]


def test_models_in_common_tie_two_sets_to_one_scale() -> None:
    _, quality = _recorded(seed=2)
    names = [f"m{place}" for place in range(8)]
    weak, strong = quality[:150, :4], quality[150:, 2:]
    of_weak, of_strong = item_difficulties([_dataset(weak, names[:4]), _dataset(strong, names[2:])])

    assert abs(np.mean(of_weak) - np.mean(of_strong)) < abs(weak.mean() - strong.mean())


def test_a_query_that_nobody_answered_has_no_difficulty() -> None:
    _, quality = _recorded(seed=3)
    quality[5] = np.nan
    (found,) = item_difficulties([_dataset(quality, [f"m{place}" for place in range(8)])])

    assert np.isnan(found[5])
    assert not np.isnan(np.delete(found, 5)).any()
