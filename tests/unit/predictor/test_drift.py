"""The drift warning: raised by a shift, not by chance."""

from __future__ import annotations

import numpy as np
import pytest
from frontdesk_server.predictor.drift import ScoreProfile, check_drift


def test_scores_of_the_same_kind_raise_no_alarm() -> None:
    rng = np.random.default_rng(0)
    profile = ScoreProfile.of(rng.beta(2, 5, 2000))
    assert not any(check_drift(profile, rng.beta(2, 5, n)).drifted for n in (60, 200, 1000) for _ in range(100))


@pytest.mark.parametrize(("a", "b", "direction"), [(5, 5, "higher"), (1, 8, "lower")])
def test_a_shift_is_noticed_with_its_direction(a: float, b: float, direction: str) -> None:
    rng = np.random.default_rng(1)
    verdict = check_drift(ScoreProfile.of(rng.beta(2, 5, 2000)), rng.beta(a, b, 300))
    assert verdict.drifted
    assert direction in verdict.reason


def test_a_few_scores_tell_nothing() -> None:
    profile = ScoreProfile.of(np.linspace(0, 1, 100))
    assert "needed to tell" in check_drift(profile, np.ones(10)).reason


def test_repeated_scores_are_no_trouble() -> None:
    scores = np.repeat([0.2, 0.8], [900, 100])
    profile = ScoreProfile.of(scores)
    assert not check_drift(profile, np.repeat([0.2, 0.8], [270, 30])).drifted
    assert check_drift(profile, np.repeat([0.2, 0.8], [100, 200])).drifted
    assert not check_drift(ScoreProfile.of(np.zeros(100)), np.zeros(100)).drifted
