"""Fitting cascades to recorded answers, and running what was fitted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from frontdesk_server.artefacts.cascade.artefact import load_cascade, read_kind, save_cascade
from frontdesk_server.artefacts.cascade.policy import Action, Answered, FittedCascade
from frontdesk_server.artefacts.cascade.state import FEATURES, describe, feature_count
from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.artefacts.quality.artefact import ArtefactError
from frontdesk_server.learning.cascades.baselines import baselines_of, best_mixed, compare, deal, stacked
from frontdesk_server.learning.cascades.difficulty import Folds, TextFeatures
from frontdesk_server.learning.cascades.evaluation import evaluate_cascade, replay_fitted
from frontdesk_server.learning.cascades.fit import CascadeFitOptions, CrossValidated, choose, fit_cascade
from frontdesk_server.learning.cascades.scorer import ScorePrior, score_states
from frontdesk_server.learning.data.dataset import Dataset, DatasetError
from frontdesk_server.learning.data.recorded import record_answers
from frontdesk_server.learning.evaluation.neighbours import neighbours_of
from frontdesk_server.learning.evaluation.same_cost import Choices
from frontdesk_server.learning.report.outcomes import report_dataset

from tests.unit.learning.recorded_fixture import POOL, recorded_dataset

OPTIONS = CascadeFitOptions(max_loss=0.02, max_steps=(3,), folds=3, repeats=1, cost_weights=(0.02, 0.1, 0.3))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> FittedCascade:
    return fit_cascade(recorded_dataset(tmp_path_factory.mktemp("fit")), POOL, "strong", OPTIONS)


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return recorded_dataset(tmp_path_factory.mktemp("held-out"), n=600, seed=7)


def test_a_fitted_cascade_saves_most_of_the_cost_within_the_allowed_loss(
    fitted: FittedCascade, held_out: Dataset
) -> None:
    result = evaluate_cascade(held_out, fitted, resamples=50).result
    assert result["cost_saved"]["value"] > 0.5
    assert result["quality_loss"]["value"] < 0.04
    beaten = result["baselines"]["random"]["cost_saved_at_max_loss"]["value"]
    assert result["cost_saved_at_max_loss"]["value"] > beaten + 0.2
    low, high = result["quality"]["ci95"]
    assert low < result["quality"]["value"] < high
    assert result["learned_from_these"] is False


def test_a_cascade_stands_beside_what_others_reach_at_its_cost(fitted: FittedCascade, held_out: Dataset) -> None:
    neighbours = neighbours_of(held_out.select_models((*POOL, "strong")), load_default(), None, seed=0)
    result = evaluate_cascade(held_out, fitted, neighbours=neighbours, resamples=5).result
    cost, reached = result["cost"]["value"], result["quality"]["value"]
    for name in ("fixed", "shuffled", "neighbours", "prompt_length"):
        assert result["baselines"][name]["cost"]["value"] <= cost * 1.001
        assert result["baselines"][name]["quality"]["value"] < reached
    assert result["routing_adds"]["beats_shuffle"] is result["routing_adds"]["beats_neighbours"] is True


def test_escalations_that_are_dealt_are_looked_up_on_the_query_that_they_are_dealt_to() -> None:
    """Three queries in four end with the first member, whose answer leads; the fourth goes on to the strongest."""
    asked = np.array([[True, False, False]] * 3 + [[True, False, True]])
    quality = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    cost = np.tile([1.0, 5.0, 10.0], (4, 1))
    reached, spent = deal(asked, lambda members: np.full(4, members[0]), quality, cost)
    assert reached.tolist() == [1.0, 0.25, 0.0, 0.25]
    assert spent.tolist() == [3.5] * 4


def test_escalations_that_follow_no_query_come_to_the_same_dealt_to_others(held_out: Dataset) -> None:
    draw = np.random.default_rng(0)
    data = record_answers(held_out, POOL, "strong")
    asked = np.zeros((len(data), 4), bool)
    asked[:, 0], asked[:, 3] = True, draw.random(len(data)) < 0.3
    quality = np.where(asked[:, 3], data.quality[:, 3], data.quality[:, 0])
    cost = np.where(asked, data.cost_nano_usd, 0.0).sum(axis=1)
    dealt = deal(asked, lambda members: np.zeros(len(data), np.intp), data.quality, data.cost_nano_usd)
    choices = Choices(quality, cost, *dealt)
    found, added = compare(data, choices, None, baselines_of(data, None, stacked([dealt])), 0.02)
    assert found["shuffled"]["cost"]["value"] == pytest.approx(cost.mean(), rel=0.1)
    assert added["beats_shuffle"] is False


def test_dice_reach_between_two_models_what_no_model_alone_does_at_that_cost(
    fitted: FittedCascade, held_out: Dataset
) -> None:
    result = evaluate_cascade(held_out, fitted, resamples=0).result
    dice, alone = (result["baselines"][name] for name in ("random", "fixed"))
    assert dice["quality"]["value"] > alone["quality"]["value"]
    assert dice["cost"]["value"] == pytest.approx(result["cost"]["value"])
    assert alone["cost_saved_at_max_loss"]["value"] == 0.0 < dice["cost_saved_at_max_loss"]["value"]


def test_fitting_tells_what_its_point_must_beat_on_queries_that_it_was_not_fitted_on(tmp_path: Path) -> None:
    dataset = recorded_dataset(tmp_path)
    neighbours = neighbours_of(dataset.select_models((*POOL, "strong")), load_default(), None, seed=0)
    details = fit_cascade(dataset, POOL, "strong", OPTIONS, neighbours=neighbours).details
    saved = {name: figures["cost_saved_at_max_loss"]["value"] for name, figures in details["baselines"].items()}
    assert {"fixed", "shuffled", "neighbours", "random", "prompt_length", "agreement", "oracle"} == saved.keys()
    assert max(saved["fixed"], saved["shuffled"], saved["neighbours"], saved["random"]) < saved["oracle"]
    assert details["router"]["cost"]["value"] < dataset.cost_nano_usd[:, -1].mean()
    assert details["routing_adds"]["beats_shuffle"] is True


def test_a_cascade_says_when_it_is_read_on_what_it_was_fitted_to(fitted: FittedCascade, tmp_path: Path) -> None:
    found = evaluate_cascade(recorded_dataset(tmp_path), fitted, resamples=2)
    assert found.result["learned_from_these"] is True
    page = report_dataset(recorded_dataset(tmp_path), title="Fitted", evaluation=found)
    assert "Routing adds" in page
    assert "the very queries that it was learned from" in page


ALONE = CrossValidated(3, 0.0, 0.0, 0.0, 0.0, 0.0)
SAFE = CrossValidated(3, 0.1, saved=0.5, loss=-0.02, loss_observed=-0.02, loss_error=0.02)
CHEAP = CrossValidated(3, 0.2, saved=0.7, loss=0.0, loss_observed=0.0, loss_error=0.02)
LOSSY = CrossValidated(3, 0.1, saved=0.6, loss=0.019, loss_observed=0.0, loss_error=0.02)


@pytest.mark.parametrize(
    ("points", "dearest", "chosen"),
    [
        pytest.param([ALONE, SAFE, CHEAP], 0.2, CHEAP, id="the cheapest within the loss allowed"),
        pytest.param([ALONE, SAFE, CHEAP], 0.15, SAFE, id="no saving that costs too much quality, allowed or not"),
        pytest.param([ALONE, SAFE, LOSSY], 0.2, SAFE, id="none whose error does not fit beside its loss"),
        pytest.param([ALONE, LOSSY], 0.2, ALONE, id="the strongest alone where nothing fits"),
    ],
)
def test_the_operating_point_is(points: list[CrossValidated], dearest: float, chosen: CrossValidated) -> None:
    options = CascadeFitOptions(max_loss=0.02, caution=0.2, dearest_cost_weight=dearest)
    assert points[choose(points, options)] is chosen


def test_the_point_of_a_fitted_cascade_keeps_below_the_dearest_cost_weight(fitted: FittedCascade) -> None:
    assert 0.0 < fitted.policy.cost_weight <= OPTIONS.dearest_cost_weight
    assert max(policy.cost_weight for policy in fitted.policies) == 0.3


def test_asking_one_by_one_makes_the_moves_that_were_evaluated(fitted: FittedCascade, held_out: Dataset) -> None:
    data = record_answers(held_out, POOL, "strong")
    run = replay_fitted(data, fitted, [fitted.policy])[0]
    for i in range(0, len(data), 5):
        answered: list[Answered] = []
        difficulty = float(fitted.difficulty.predict([data.prompts[i]])[0])
        move = fitted.next_move(difficulty, answered)
        while move.action is Action.ASK:
            column = held_out.model_index(move.model)
            answered.append(Answered(move.model, held_out.answers[i, column], held_out.cost_nano_usd[i, column]))
            move = fitted.next_move(difficulty, answered)
        assert move.model == data.models[run.answered_by[i]]
        asked = {model for model, was in zip(data.models, run.asked[i], strict=True) if was}
        assert asked - {"strong"} == {given.model for given in answered}


def test_a_state_tells_who_agrees_and_reads_nothing_of_those_not_asked() -> None:
    groups = np.array([[0, 1, 0], [0, 0, 1]])
    zeros = np.zeros((2, 3))
    features, lead = describe((0, 1), groups, np.array([1.0, 2.0, 9.0]), np.zeros(2), zeros, zeros)
    agrees, differs = features[:, -6:-3], features[:, -3:]
    assert features.shape[1] == feature_count(3)
    assert lead.tolist() == [1, 0]
    assert agrees.tolist() == [[0, 1, 0], [1, 1, 0]]
    assert differs.tolist() == [[1, 0, 0], [0, 0, 0]]


def _support_weight(dataset: Dataset, prior: ScorePrior) -> float:
    data = record_answers(dataset, POOL, "strong")
    thirds: Folds = lambda rows: [(np.delete(rows, np.s_[i::3]), rows[i::3]) for i in range(3)]  # noqa: E731
    scored = score_states(data, TextFeatures.of(data.prompts), np.arange(len(data)), thirds, 3, prior)
    support = FEATURES.index("support")
    return float(scored.scorer.better[support] / scored.scorer.scale[support])


def test_few_queries_keep_to_the_prior_and_more_lead_away_from_a_wrong_one(tmp_path: Path) -> None:
    few, many = (
        abs(_support_weight(recorded_dataset(tmp_path, n=n), ScorePrior(support=-5.0)) + 5.0) for n in (40, 600)
    )
    assert few < 0.5
    assert many > 2 * few


def test_failed_members_and_unknown_costs_lead_on_not_astray(fitted: FittedCascade) -> None:
    first = fitted.first_move(0.0).model
    move = fitted.next_move(0.0, [Answered(first, None, None)])
    assert move.action is not Action.ACCEPT
    assert np.isfinite(move.score)


def test_useless_members_are_not_asked(tmp_path: Path) -> None:
    dataset = recorded_dataset(tmp_path, n=120)
    quality = dataset.quality.copy()
    quality[:, [dataset.model_index(model) for model in POOL]] = 0.0
    answers = dataset.answers.copy()
    answers[:, :3] = [[f"wrong {i} {j}" for j in range(3)] for i in range(len(dataset))]
    alone = fit_cascade(replace(dataset, quality=quality, answers=answers), POOL, "strong", OPTIONS)
    assert alone.policy.steps == ()
    assert "routing_adds" not in alone.details
    assert alone.first_move(0.0).action is Action.ESCALATE


def test_fitting_is_deterministic(tmp_path: Path) -> None:
    dataset = recorded_dataset(tmp_path, n=90)
    options = replace(OPTIONS, max_steps=(2,), cost_weights=(0.1,))
    assert (
        fit_cascade(dataset, POOL, "strong", options).policies == fit_cascade(dataset, POOL, "strong", options).policies
    )


def test_an_artefact_reads_back_as_it_was_written(fitted: FittedCascade, held_out: Dataset, tmp_path: Path) -> None:
    save_cascade(fitted, tmp_path)
    assert read_kind(tmp_path) == "cascade"
    loaded = load_cascade(tmp_path)
    assert loaded.policies == fitted.policies
    assert loaded.chosen == fitted.chosen
    before, after = (evaluate_cascade(held_out, cascade, resamples=2).result for cascade in (fitted, loaded))
    assert before == after


def test_an_artefact_from_before_abilities_is_read_and_decides_by_its_scorer_alone(
    fitted: FittedCascade, held_out: Dataset, tmp_path: Path
) -> None:
    earlier = replace(fitted, abilities=None)
    save_cascade(earlier, tmp_path)
    manifest = json.loads((tmp_path / "artefact.json").read_text())
    (tmp_path / "artefact.json").write_text(json.dumps(manifest | {"format_version": 2}))
    loaded = load_cascade(tmp_path)
    before, after = (evaluate_cascade(held_out, cascade, resamples=2).result for cascade in (earlier, loaded))
    assert before == after != evaluate_cascade(held_out, fitted, resamples=2).result
    (tmp_path / "artefact.json").write_text(json.dumps(manifest | {"format_version": 1}))
    with pytest.raises(ArtefactError, match="holds a cascade of format 1, not a cascade of format 2 or 3"):
        load_cascade(tmp_path)


@pytest.mark.parametrize("damage", ["arrays", "kind", "missing"])
def test_a_damaged_artefact_is_refused_with_its_reason(fitted: FittedCascade, tmp_path: Path, damage: str) -> None:
    save_cascade(fitted, tmp_path)
    if damage == "arrays":
        content = bytearray((tmp_path / "arrays.npz").read_bytes())
        content[len(content) // 2] ^= 0xFF
        (tmp_path / "arrays.npz").write_bytes(content)
    elif damage == "kind":
        manifest = json.loads((tmp_path / "artefact.json").read_text())
        (tmp_path / "artefact.json").write_text(json.dumps(manifest | {"kind": "quality-predictor"}))
    else:
        (tmp_path / "artefact.json").unlink()
    with pytest.raises(
        ArtefactError, match={"arrays": "checksum", "kind": "not a cascade", "missing": "holds no"}[damage]
    ):
        load_cascade(tmp_path)


def test_data_that_cannot_support_a_cascade_is_refused(tmp_path: Path) -> None:
    dataset = recorded_dataset(tmp_path, n=40)
    with pytest.raises(DatasetError, match="only 20 queries"):
        record_answers(dataset.take(range(20)), POOL, "strong")
    with pytest.raises(DatasetError, match="no model 'other'"):
        record_answers(dataset, ("other",), "strong")
    silent = replace(dataset, answers=np.full_like(dataset.answers, None))
    with pytest.raises(DatasetError, match="neither answer nor response"):
        record_answers(silent, POOL, "strong")
    free = replace(dataset, cost_nano_usd=np.full_like(dataset.cost_nano_usd, np.nan))
    with pytest.raises(DatasetError, match="cost_nano_usd"):
        record_answers(free, POOL, "strong")
    given = replace(dataset, cost_nano_usd=np.zeros_like(dataset.cost_nano_usd))
    with pytest.raises(DatasetError, match="strong costs nothing"):
        record_answers(given, POOL, "strong")


def test_savings_are_read_off_the_curve_between_policies() -> None:
    loss, saved = np.array([0.0, 0.02]), np.array([0.2, 0.6])
    assert best_mixed(loss, saved, 0.01) == pytest.approx(0.4)
    assert best_mixed(loss, saved, 0.5) == 0.6
    assert np.isnan(best_mixed(loss + 1, saved, 0.0))
