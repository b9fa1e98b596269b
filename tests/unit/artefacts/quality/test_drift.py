"""The drift warning: raised by a shift, not by chance."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from frontdesk_server.artefacts.quality import Artefact, ArtefactError
from frontdesk_server.artefacts.quality.drift import (
    SHIFTED,
    WINDOW,
    DriftVerdict,
    DriftWatch,
    ScoreProfile,
    check_drift,
    profile_scores,
)

from tests.unit.routing.artefacts import save_artefact


class Heard:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.verdicts: list[tuple[str, str, DriftVerdict]] = []

    def judged(self, classifier: str, model: str, verdict: DriftVerdict) -> None:
        self.verdicts.append((classifier, model, verdict))


def test_scores_of_the_same_kind_raise_no_alarm() -> None:
    rng = np.random.default_rng(0)
    profile = ScoreProfile.of(rng.beta(2, 5, 2000))
    assert not any(check_drift(profile, rng.beta(2, 5, n)).drifted for n in (60, 200, 1000) for _ in range(100))


@pytest.mark.parametrize(("trained", "most"), [(300, 2), (1500, 0)])
def test_stationary_traffic_alarms_in_less_than_one_window_of_a_thousand(trained: int, most: int) -> None:
    """Ten profiles, 400 windows each: chance may take at most one in two thousand, for the smallest training sets."""
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(10):
        profile = ScoreProfile.of(rng.beta(5, 2, trained))
        alarms += sum(check_drift(profile, window).drifted for window in rng.beta(5, 2, (400, WINDOW)).tolist())
    assert alarms <= most


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


def test_each_model_is_judged_when_a_window_is_full_and_afresh_after_it() -> None:
    rng = np.random.default_rng(2)
    profiles = profile_scores(("small", "large"), rng.beta(2, 5, (1000, 2)))
    heard = Heard()
    watch = DriftWatch("default/classifier", {"large": (1, profiles["large"]), "small": (0, profiles["small"])}, heard)
    usual, shifted = rng.beta(2, 5, (WINDOW, 2)), np.column_stack([rng.beta(2, 5, WINDOW), rng.beta(5, 2, WINDOW)])
    for scores in (*usual[:-1].tolist(),):
        watch.observe(scores)
    assert heard.verdicts == []
    for scores in (*usual[-1:].tolist(), *shifted.tolist(), *usual.tolist()):
        watch.observe(scores)
    drifted = [(classifier, model, verdict.drifted) for classifier, model, verdict in heard.verdicts]
    large, small = ("default/classifier", "large"), ("default/classifier", "small")
    quiet = [(*large, False), (*small, False)]
    assert drifted == [*quiet, (*large, True), (*small, False), *quiet]
    assert heard.verdicts[2][2].stability_index >= SHIFTED


def test_models_are_not_profiled_that_drift_cannot_be_told_of() -> None:
    rng = np.random.default_rng(0)
    scores = np.column_stack([rng.random(400), 0.7 + 0.001 * rng.random(400)])
    assert profile_scores(("varied", "constant"), scores).keys() == {"varied"}
    assert profile_scores(("varied", "constant"), scores[:200]) == {}


def test_an_artefact_keeps_its_profiles_and_one_without_them_is_read(tmp_path: Path) -> None:
    plain = Artefact.load(save_artefact(tmp_path / "plain", {"small": 0.9}, {"small": 0.1}))
    profiles = profile_scores(("small",), np.random.default_rng(0).random((400, 1)))
    replace(plain, score_profiles=profiles).save(tmp_path / "profiled")
    assert Artefact.load(tmp_path / "profiled").score_profiles == profiles
    manifest = json.loads((tmp_path / "plain" / "artefact.json").read_text())
    del manifest["score_profiles"]  # as an artefact of an earlier version
    (tmp_path / "plain" / "artefact.json").write_text(json.dumps(manifest))
    assert Artefact.load(tmp_path / "plain").score_profiles == {}


@pytest.mark.parametrize("broken", [{"small": {}}, {"small": {"edges": [0.5], "shares": [1.0], "scores": 9}}, [1], 7])
def test_profiles_that_cannot_be_understood_make_the_artefact_unreadable(tmp_path: Path, broken: object) -> None:
    manifest = save_artefact(tmp_path, {"small": 0.9}, {"small": 0.1}) / "artefact.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"score_profiles": broken}))
    with pytest.raises(ArtefactError, match="not a readable artefact"):
        Artefact.load(tmp_path)
