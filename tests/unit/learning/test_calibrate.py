"""Certificates: valid at any sample size, and close to the best that could be certified."""

from __future__ import annotations

import numpy as np
import pytest
from frontdesk_server.learning.calibration.bounds import TESTS, exact_binomial, labels_needed
from frontdesk_server.learning.calibration.calibrate import Policies, Procedure, calibrate
from frontdesk_server.learning.calibration.policies import floor_policies, pair_policies


def _losses(rng: np.random.Generator, n: int, mean: float, differing: float = 0.2) -> np.ndarray:
    """Losses of 1, 0 and -1 with the given mean; the models differ on a share of queries."""
    return rng.choice([1.0, 0.0, -1.0], n, p=[(differing + mean) / 2, 1 - differing, (differing - mean) / 2])


def _policies(n: int, seed: int = 0) -> Policies:
    """A score that knows a little: the weak model fails more often where the score is high."""
    rng = np.random.default_rng(seed)
    score = rng.random(n)
    quality = np.stack([rng.random(n) < 0.95 - 0.5 * score, rng.random(n) < 0.9], axis=1).astype(float)
    return pair_policies(score, quality, np.tile([1.0, 10.0], (n, 1)))


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("n", [40, 400])
def test_a_loss_at_the_limit_is_seldom_taken_for_one_below(test: str, n: int) -> None:
    rng = np.random.default_rng(1)
    losses = np.stack([_losses(rng, n, 0.05) for _ in range(1500)], axis=1)
    assert (TESTS[test](losses, 0.05, 0.1) <= 0.1).mean() <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 1500)


def test_betting_finds_a_small_loss_that_hoeffding_cannot() -> None:
    losses = _losses(np.random.default_rng(2), 2000, 0.0, differing=0.05)[:, None]
    assert TESTS["betting"](losses, 0.02, 0.05)[0] < 0.05
    assert TESTS["hoeffding-bentkus"](losses, 0.02, 0.05)[0] > 0.05


def test_the_binomial_test_is_exact() -> None:
    losses = np.zeros((10, 1))
    losses[:1] = 1.0
    assert exact_binomial(losses, 0.3, 0.05)[0] == pytest.approx(0.7**10 + 10 * 0.3 * 0.7**9)


def test_over_200_random_splits_the_certified_loss_is_violated_in_at_most_delta() -> None:
    population = _policies(3000)
    true = population.loss.mean(axis=0)
    violations = 0
    for seed in range(200):
        rows = np.random.default_rng(seed).choice(3000, 500)
        part = Policies(population.thresholds, population.loss[rows], population.cost[rows])
        violations += true[calibrate(part, max_loss=0.05, confidence=0.9, seed=seed).index] > 0.05
    assert violations / 200 <= 0.1


def test_with_many_labels_the_choice_comes_close_to_the_oracles() -> None:
    policies = _policies(20_000)
    best = policies.cost.mean(axis=0)[policies.loss.mean(axis=0) <= 0.05].min()
    result = calibrate(policies, max_loss=0.05, confidence=0.95)
    assert policies.cost.mean(axis=0)[result.index] <= 1.1 * best
    assert result.certificate.p_value <= 0.05
    assert result.certificate.observed_loss <= 0.05


def test_too_few_labels_certify_nothing_and_say_how_many_would() -> None:
    few = _policies(30)
    result = calibrate(few, max_loss=0.02, confidence=0.95)
    assert result.index == 0
    assert result.certificate.cost_saved == 0.0
    assert result.more_labels_needed is not None
    assert result.more_labels_needed > 30


@pytest.mark.parametrize("test", TESTS)
def test_as_many_labels_as_were_asked_for_mostly_suffice_and_far_fewer_do_not(test: str) -> None:
    losses, draw = np.repeat([1.0, 0.0], [2, 98]), np.random.default_rng(5)
    needed = labels_needed(losses, 0.05, 0.05, TESTS[test])
    assert needed is not None

    def certified(labels: int) -> float:
        passed = [TESTS[test](draw.choice(losses, (labels, 1)), 0.05, 0.05)[0] <= 0.05 for _ in range(100)]
        return float(np.mean(passed))

    assert certified(needed) > 0.6
    assert certified(needed // 3) < 0.5
    assert labels_needed(np.ones(60), 0.05, 0.05, TESTS[test]) is None


@pytest.mark.parametrize("procedure", ["fixed-sequence", "bonferroni"])
def test_the_next_policy_is_cheaper_and_not_yet_certified(procedure: Procedure) -> None:
    """Two certified policies that cost the same, and one that costs more, stand between it and the choice."""
    loss, cost = np.zeros((400, 6)), np.tile([9.0, 5.0, 5.0, 6.0, 5.0, 2.0], (400, 1))
    loss[:22, 4] = loss[:24, 5] = 1.0
    policies = Policies((0.0, 1.0, 2.0, 3.0, 4.0, 5.0), loss, cost)
    result = calibrate(policies, max_loss=0.08, confidence=0.95, procedure=procedure)
    assert (result.index, result.next_threshold) == (1, 5.0)
    assert result.more_labels_needed is not None
    assert result.more_labels_needed > 20
    # A policy that loses more than is allowed bars the sequence, and no further one.
    loss[:, 4] = 1.0
    barred = calibrate(policies, max_loss=0.08, confidence=0.95, procedure=procedure)
    assert (barred.more_labels_needed is None) == (procedure == "fixed-sequence")


def test_nothing_is_next_to_the_cheapest() -> None:
    policies = Policies((0.0, 1.0, 2.0), np.zeros((400, 3)), np.tile([9.0, 5.0, 5.0], (400, 1)))
    result = calibrate(policies, max_loss=0.08, confidence=0.95)
    assert (result.index, result.more_labels_needed, result.next_threshold) == (1, None, None)


def test_bonferroni_certifies_no_more_than_a_share_of_delta_allows() -> None:
    policies = _policies(4000)
    fixed = calibrate(policies, max_loss=0.05, confidence=0.95)
    shared = calibrate(policies, max_loss=0.05, confidence=0.95, procedure="bonferroni")
    assert 0 < shared.index <= fixed.index
    assert shared.certificate.p_value <= 0.05 / (len(policies.thresholds) - 1)


def test_policies_must_start_with_the_strongest_model() -> None:
    with pytest.raises(ValueError, match="always ask the strongest"):
        Policies((0.0,), np.ones((5, 1)), np.ones((5, 1)))


def test_a_floor_above_every_prediction_leaves_the_strongest_and_a_low_one_the_cheapest() -> None:
    rng = np.random.default_rng(3)
    predicted, quality = rng.random((50, 3)), (rng.random((50, 3)) < 0.8).astype(float)
    cost = np.tile([1.0, 5.0, 20.0], (50, 1))
    policies = floor_policies(predicted, quality, cost, cost.mean(axis=0))
    assert (policies.cost[:, 0] == 20.0).all()
    assert (policies.cost[:, -1] == 1.0).all()
    assert (np.diff(policies.cost.mean(axis=0)) <= 0).all()
