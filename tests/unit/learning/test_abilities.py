"""How able models are, and what answers that agree or differ make likely then."""

from __future__ import annotations

import numpy as np
import pytest
from frontdesk_server.artefacts.cascade.abilities import AbilityModel
from frontdesk_server.learning.cascades.abilities import fit_abilities

RIGHT = np.array([0.8, 0.7, 0.6, 0.9])
"""Three members and the strongest model, on every query alike."""
COINCIDENCE = 0.25
NOT_SPREAD = AbilityModel(np.log(RIGHT / (1 - RIGHT)), 0.0, 0.0, COINCIDENCE)


def _chances(groups: list[int], lead: int, model: AbilityModel = NOT_SPREAD, difficulty: float = 0.0) -> list[float]:
    asked = [column for column in range(3) if column < len(groups)]
    padded = np.array([groups + [-1] * (3 - len(groups))])
    log_odds = model.log_odds(asked, padded, np.array([lead]), np.array([difficulty]))
    return (1 / (1 + np.exp(-log_odds[:, 0]))).tolist()  # type: ignore[no-any-return]


def test_two_that_agree_are_both_right_or_coincide_in_a_wrong_answer() -> None:
    right, wrong = 0.8 * 0.7, 0.2 * 0.3 * COINCIDENCE
    better, worse = _chances([0, 0], lead=0)
    assert better == pytest.approx(wrong / (right + wrong) * 0.9)
    assert worse == pytest.approx(right / (right + wrong) * 0.1)


def test_of_two_that_differ_one_at_most_is_right() -> None:
    first, second, none = 0.8 * 0.3, 0.2 * 0.7, 0.2 * 0.3 * (1 - COINCIDENCE)
    better, worse = _chances([0, 1], lead=0)
    assert better == pytest.approx((second + none) / (first + second + none) * 0.9)
    assert worse == pytest.approx(first / (first + second + none) * 0.1)


def test_a_third_wrong_answer_likelier_joins_two_that_agree() -> None:
    third_joins = 2 / (1 / COINCIDENCE - 1 + 2)
    assert third_joins > COINCIDENCE
    right, wrong = 0.8 * 0.7 * 0.6, 0.2 * 0.3 * 0.4 * COINCIDENCE * third_joins
    assert _chances([0, 0, 0], lead=0)[0] == pytest.approx(wrong / (right + wrong) * 0.9)


def test_a_member_without_an_answer_is_wrong_and_agrees_with_nobody() -> None:
    assert _chances([0, -1], lead=0) == pytest.approx([0.2 * 0.9, 0.8 * 0.1])
    assert _chances([-1, -1], lead=0)[1] == pytest.approx(0.0, abs=1e-3)


def test_where_ease_varies_a_differing_answer_makes_the_query_look_hard_for_the_strongest_model_too() -> None:
    varied = AbilityModel(NOT_SPREAD.abilities, 0.0, 3.0, COINCIDENCE)
    agreed, differed = _chances([0, 0], 0, varied), _chances([0, 1], 0, varied)
    assert agreed[1] < 0.1
    assert differed[0] < _chances([0, 1], 0)[0]


def test_a_query_that_looks_hard_makes_a_wrong_answer_likelier() -> None:
    by_looks = AbilityModel(NOT_SPREAD.abilities, 1.0, 1.0, COINCIDENCE)
    easy, hard = (_chances([0, 0], 0, by_looks, difficulty)[0] for difficulty in (-2.0, 2.0))
    assert hard > 2 * easy


def test_abilities_are_found_in_made_up_answers() -> None:
    rng = np.random.default_rng(0)
    true = AbilityModel(np.array([1.0, 0.0, -0.5, 3.0]), 0.8, 1.5, 0.2)
    difficulty = rng.normal(size=4000)
    ease = -true.difficulty_weight * difficulty + true.spread * rng.normal(size=4000)
    right = rng.random((4000, 4)) < 1 / (1 + np.exp(-true.abilities - ease[:, None]))
    groups = np.where(right[:, :3], 0, rng.integers(1, 6, (4000, 3)))
    fitted = fit_abilities(right.astype(float), groups, difficulty)
    assert fitted.abilities == pytest.approx(true.abilities, abs=0.2)
    found = (fitted.difficulty_weight, fitted.spread, fitted.coincidence)
    assert found == pytest.approx((true.difficulty_weight, true.spread, true.coincidence), abs=0.15)


def test_abilities_stay_finite_where_a_model_is_always_right() -> None:
    quality = np.ones((40, 3))
    fitted = fit_abilities(quality, np.zeros((40, 2), int), np.zeros(40))
    assert np.isfinite([*fitted.abilities, fitted.spread]).all()
    assert fitted.coincidence == 0.25
