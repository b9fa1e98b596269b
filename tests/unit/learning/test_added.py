"""What routing adds, beside a shuffle of the same choices and beside nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.learning.data.dataset import Dataset
from frontdesk_server.learning.evaluation.added import Added, added_by_choices, added_by_predictions, told_of_added
from frontdesk_server.learning.evaluation.neighbours import (
    NUMBERS,
    Remembered,
    ask_neighbours,
    ask_other_folds,
    neighbours_of,
)
from frontdesk_server.learning.evaluation.same_cost import Choices, beside_at_same_cost, deal_answers
from frontdesk_server.learning.evaluation.standing import Standing, standing, told_points

FREE = np.full((400, 2), np.nan)
"""Costs that nobody recorded."""


def _world(seed: int, n: int = 400) -> tuple[Remembered, np.ndarray]:
    """Outcomes of two models, each better on one side of a plane, and folds."""
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(n, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    first = vectors[:, 0] > 0
    right = np.column_stack([np.where(first, 0.9, 0.3), np.where(first, 0.3, 0.9)])
    quality = (draw.random(right.shape) < right).astype(float)
    return Remembered(("a", "b"), quality, vectors, np.arange(n)), np.arange(n) % 5


def _sides(world: Remembered) -> np.ndarray:
    return np.column_stack([world.vectors[:, 0], -world.vectors[:, 0]])


def test_what_tells_queries_apart_beats_the_shuffle() -> None:
    world, folds = _world(seed=0)
    neighbours = ask_other_folds(world, folds, "the other folds", seed=0)
    added = added_by_predictions(_sides(world), world.quality, FREE, neighbours)

    assert added["over_shuffle"] > 0.2  # type: ignore[operator]
    assert added["beats_shuffle"] is True


def test_knowing_which_model_is_better_on_average_adds_nothing() -> None:
    world, _ = _world(seed=1)
    world.quality[:, 1] = 1.0
    noise = np.random.default_rng(1).normal(size=world.quality.shape) * 0.01
    added = added_by_predictions(np.array([0.5, 1.0]) + noise, world.quality, FREE, None)

    assert abs(added["over_shuffle"]) < 0.1  # type: ignore[arg-type]
    assert added["beats_shuffle"] is False
    assert "over_neighbours" not in added


def test_the_neighbours_own_choices_are_no_better_than_the_neighbours() -> None:
    world, folds = _world(seed=2)
    neighbours = ask_other_folds(world, folds, "the other folds", seed=0)
    added = added_by_predictions(neighbours.expected, world.quality, FREE, neighbours, folds)

    assert (added["over_neighbours"], added["beats_neighbours"]) == (0.0, False)
    assert (added["neighbours"], added["neighbours_among"]) == (neighbours.number, "the other folds")


def test_unknown_outcomes_and_unknown_predictions_are_never_chosen() -> None:
    world, folds = _world(seed=3)
    world.quality[::3, 0] = np.nan
    predicted = _sides(world)
    predicted[1::3, 1] = -np.inf
    neighbours = ask_other_folds(world, folds, "the other folds", seed=0)
    added = added_by_predictions(predicted, world.quality, FREE, neighbours)

    assert np.isfinite([added["over_shuffle"], added["over_neighbours"]]).all()


def test_sending_long_queries_to_the_dear_model_pays_for_what_it_spends() -> None:
    """Long queries gain a fifth more from the strong model and cost twice as much: dice do better with that money."""
    draw = np.random.default_rng(7)
    long = draw.random(4_000) < 0.5
    right = np.column_stack([np.full(4_000, 0.5), np.where(long, 0.76, 0.7)])
    quality = (draw.random(right.shape) < right).astype(float)
    cost = np.column_stack([np.ones(4_000), np.where(long, 200.0, 100.0)])
    predicted = np.column_stack([np.zeros(4_000), long.astype(float)])
    free = added_by_predictions(predicted, quality, np.full(cost.shape, np.nan), None)
    paid = added_by_predictions(predicted, quality, cost, None)

    assert free["over_shuffle"] > 0.0  # type: ignore[operator]
    assert paid["over_shuffle"] < 0.0  # type: ignore[operator]
    assert paid["beats_shuffle"] is False


def test_choices_that_follow_no_query_add_nothing_however_good_they_are() -> None:
    """Half of the queries go to the better model, by dice."""
    draw = np.random.default_rng(4)
    quality = (draw.random((2_000, 2)) < [0.3, 0.9]).astype(float)
    answered = np.eye(2)[draw.integers(2, size=2_000)]
    reached = (quality * answered).sum(axis=1)
    added = added_by_choices(reached, answered @ quality.mean(axis=0), quality[:, 1], None)

    assert abs(added["over_shuffle"]) < 0.03  # type: ignore[arg-type]
    assert added["beats_shuffle"] is False


@dataclass(frozen=True)
class _Outcomes:
    quality: np.ndarray
    cost_nano_usd: np.ndarray
    prompts: tuple[str, ...] = ()


def test_choices_that_are_dealt_pay_for_all_that_were_asked_and_for_their_checks() -> None:
    """The cheap model costs 1 in the mean, the dear one 10, where their outcomes are known."""
    outcomes = _Outcomes(np.array([[0.0, 1.0], [1.0, np.nan]]), np.array([[0.5, 10.0], [1.5, 99.0]]))
    answered = np.array([[0.0, 1.0], [1.0, 0.0]])
    asked = np.array([[1.0, 1.0], [1.0, 0.0]])
    quality, cost = deal_answers(outcomes, answered, asked, np.array([0.25, 0.25]))
    assert quality.tolist() == [1.0, 0.5]
    assert cost.tolist() == [11.25, 1.25]


def test_what_neighbours_were_not_asked_for_is_said() -> None:
    added = added_by_choices(np.array([1.0, 0.9, 1.0]), np.zeros(3), None, None)
    assert "nearest neighbours were not asked, which takes 20 queries" in told_of_added(added)


def test_the_number_of_neighbours_is_that_which_predicts_best() -> None:
    """Coarse worlds want many neighbours; where twins come to the same, and others do not, few are better."""
    coarse, _ = _world(seed=5)
    draw = np.random.default_rng(5)
    points = np.repeat(draw.normal(size=(80, 16)), 5, axis=0)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    twins = Remembered(("a",), np.repeat(draw.integers(2, size=80), 5)[:, None].astype(float), points, np.arange(400))

    assert ask_neighbours(coarse, coarse.vectors[:3], "", seed=0).number >= 20
    assert ask_neighbours(twins, twins.vectors[:3], "", seed=0).number == NUMBERS[0]


def test_no_neighbour_is_of_the_querys_own_group() -> None:
    """Of twins the number would be the smallest; in one group with its twins no query learns from them."""
    draw = np.random.default_rng(6)
    points = np.repeat(draw.normal(size=(80, 16)), 5, axis=0)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    quality = np.repeat(draw.random(80) < 0.7, 5)[:, None].astype(float)
    grouped = Remembered(("a",), quality, points, np.repeat(np.arange(80), 5))

    assert ask_neighbours(grouped, points[:3], "", seed=0).number > NUMBERS[0]


def test_past_outcomes_of_judged_prompts_are_forgotten(outcomes: Dataset, further_outcomes: Dataset) -> None:
    """With them the neighbours would know every answer."""
    asked = neighbours_of(outcomes, load_default(), further_outcomes, seed=0)
    assert asked is not None
    assert asked.among == f"{len(set(further_outcomes.prompts) - set(outcomes.prompts))} queries that are not judged"
    assert neighbours_of(outcomes, load_default(), outcomes, seed=0) is None


def test_too_few_queries_have_no_neighbours_worth_asking(outcomes: Dataset) -> None:
    assert neighbours_of(outcomes.take(range(19)), load_default(), None, seed=0) is None


@pytest.mark.parametrize(
    ("over_shuffle", "over_neighbours", "said"),
    [
        pytest.param(
            0.019, 0.009, "is not shown to beat dice at the same cost, and is not shown to beat plain", id="?"
        ),
        pytest.param(0.02, 0.0, "beats dice at the same cost, and is not shown to beat plain neighbours", id="dice"),
        pytest.param(0.02, 0.02, "beats dice at the same cost, and beats plain neighbours", id="both"),
        pytest.param(-0.02, 0.02, "does worse than dice at the same cost, and beats plain neighbours", id="neighbours"),
        pytest.param(0.02, -0.02, "beats dice at the same cost, and does worse than plain neighbours", id="worse"),
    ],
)
def test_of_dice_and_of_neighbours_it_is_said_what_is_shown(
    over_shuffle: float, over_neighbours: float, said: str
) -> None:
    added: Added = {
        "over_shuffle": over_shuffle,
        "over_shuffle_error": 0.01,
        "neighbours": 40,
        "neighbours_among": "the other folds",
        "over_neighbours": over_neighbours,
        "over_neighbours_error": 0.005,
    }
    told = told_of_added(added)
    assert told.startswith(f"Routing adds {100 * over_shuffle:.1f} ± 1.0 points to the same choices shuffled, and ")
    assert "to those of the 40 nearest neighbours among the other folds. It " in told
    assert said in told
    assert told.endswith("(± is one standard error, and 1.96 of them are asked for).")


def test_no_difference_has_a_sign() -> None:
    assert told_points(-0.0004, 0.0) == "0.0 ± 0.0"
    assert standing(0.0, 0.0) is Standing.UNSHOWN


@pytest.mark.parametrize("models", [2, 3, 6])
def test_of_coin_tosses_nothing_beats_dice_or_neighbours(models: int) -> None:
    """Neither is the mean off zero, by predictions and by choices, nor is it shown of more than chance shows."""
    by_predictions, by_choices = [], []
    for seed in range(30):
        draw = np.random.default_rng(seed)
        vectors = draw.normal(size=(120, 8))
        quality = draw.integers(2, size=(120, models)).astype(float)
        costs = np.tile(np.arange(1.0, models + 1.0), (120, 1))
        asked = Remembered(tuple("abcdef"[:models]), quality, vectors, np.arange(120))
        neighbours = ask_other_folds(asked, np.arange(120) % 5, "the other folds", seed=0)
        by_predictions.append(added_by_predictions(draw.random(quality.shape), quality, costs, neighbours))
        answered = np.eye(models)[draw.integers(models, size=120)]
        outcomes = _Outcomes(quality, costs, ("a", "bc") * 60)
        dealt = np.tile(quality.mean(axis=0) @ answered.mean(axis=0), 120), costs @ answered.mean(axis=0)
        choices = Choices((answered * quality).sum(axis=1), (answered * costs).sum(axis=1), *dealt)
        by_choices.append(beside_at_same_cost(outcomes, choices, neighbours)[1])

    for found in (by_predictions, by_choices):
        for rival in ("shuffle", "neighbours"):
            ahead = np.array([[added[f"over_{rival}"], added[f"over_{rival}_error"]] for added in found], dtype=float)
            assert abs((ahead[:, 0] / ahead[:, 1]).mean()) < 0.55
            assert sum(bool(added[f"beats_{rival}"]) for added in found) <= 3
