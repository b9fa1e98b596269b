"""Evaluating and calibrating the routers of a configuration, as users type it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.artefacts.quality import Artefact
from frontdesk_server.cli.calibrate import calibrate
from frontdesk_server.cli.evaluate import evaluate
from frontdesk_server.learning.data.dataset import Dataset
from frontdesk_server.learning.recorded import certification
from frontdesk_server.learning.training.settings import TrainingSettings
from frontdesk_server.learning.training.train import train
from typer.testing import CliRunner, Result

from tests.unit.artefacts.embedders.tables import WORDS, write_table
from tests.unit.learning.conftest import FORMULAS, animals_and_formulas
from tests.unit.learning.recorded_fixture import write_answers

TRAINED, HELD_OUT = 320, 240

CONFIGURATION = f"""
backends: {{fake: {{kind: simulated}}}}
models:
  small: {{backend: fake, quality: 0.5, prices: {{input: 0.1, output: 0.1}}}}
  large: {{backend: fake, quality: 0.9, prices: {{input: 10, output: 10}}}}
  mid: {{backend: fake, quality: 0.7, prices: {{input: 1, output: 1}}}}
routers:
  default:
    default_model: large
    models: [small, large]
    strategy: {{kind: classifier, artefact: mine, quality_floor: 0.6}}
  ruled:
    default_model: small
    models: [small, large]
    strategy: {{kind: rules, rules: [{{name: hard, when: {{keywords: [{", ".join(FORMULAS)}]}}, model: large}}]}}
  mixed:
    default_model: large
    models: [small, large]
    strategy:
      kind: chain
      strategies:
      - {{kind: rules, rules: [{{name: tensors, when: {{keywords: [tensor]}}, model: large}}]}}
      - {{kind: router, router: default}}
  tossed:
    default_model: small
    models: [small, large]
    strategy:
      kind: split
      arms:
      - {{name: a, weight: 1, strategy: {{kind: model, model: small}}}}
      - {{name: b, weight: 1, strategy: {{kind: model, model: large}}}}
  wide:
    default_model: mid
    strategy: {{kind: model, model: mid}}
"""

CASCADES = """
backends: {fake: {kind: simulated}}
models:
  small-a: {backend: fake, quality: 0.5, capabilities: [logprobs]}
  small-b: {backend: fake, quality: 0.5}
  strong: {backend: fake, quality: 0.9}
routers:
  default:
    default_model: strong
    models: [small-a, strong]
    strategy: {kind: cascade, steps: [{model: small-a, check: {kind: agreement, model: small-b}}, {model: strong}]}
  unsure:
    default_model: strong
    models: [small-a, strong]
    strategy: {kind: cascade, steps: [{model: small-a, check: {kind: logprob, threshold: 0.5}}, {model: strong}]}
  rated:
    default_model: strong
    models: [small-a, strong]
    strategy: {kind: cascade, steps: [{model: small-a, check: {kind: self_rating, threshold: 0.5}}, {model: strong}]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration, the artefact of its classifier, and outcomes that it was not trained on."""
    folder = tmp_path_factory.mktemp("configured")
    settings = TrainingSettings(features=("words", "embedding"))
    train(animals_and_formulas(TRAINED, seed=1), load_default(), settings).save(folder / "mine")
    (folder / "frontdesk.yaml").write_text(CONFIGURATION)
    write_outcomes(folder / "held-out.jsonl")
    write_outcomes(folder / "train.jsonl", data=animals_and_formulas(TRAINED, seed=1))
    return folder


def write_outcomes(
    path: Path, kept: Callable[[int, str], bool] = lambda query, model: True, data: Dataset | None = None
) -> Path:
    data = animals_and_formulas(HELD_OUT, seed=2) if data is None else data
    rows = [
        {
            "query_id": query_id,
            "prompt": data.prompts[i],
            "model": model,
            "quality": data.quality[i, j],
            "cost_nano_usd": data.cost_nano_usd[i, j],
        }
        for i, query_id in enumerate(data.query_ids)
        for j, model in enumerate(data.models)
        if kept(i, model)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def write_scored_answers(path: Path, check: str, **check_cost: int) -> Path:
    """Answers of which the small model's bear the score of a check that tells right from wrong more or less."""
    rng = np.random.default_rng(7)
    rows = [json.loads(line) for line in write_answers(path, n=200, seed=4).read_text().splitlines()]
    for row in rows:
        if row["model"] == "small-a":
            score = float(np.clip(0.55 + 0.3 * row["quality"] + rng.normal(0, 0.1), 0, 1))
            row |= {"check_kind": check, "check_score": score, **check_cost}
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def run(command: Callable[..., None], *arguments: str | Path) -> Result:
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, [str(argument) for argument in arguments])


def evaluated(folder: Path, *arguments: str | Path, data: str = "held-out.jsonl") -> dict[str, Any]:
    result = run(evaluate, "--data", folder / data, "--resamples", "20", "--json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_curve_of_a_classifier_is_that_of_its_artefact(folder: Path) -> None:
    pair = ("--strong", "large", "--weak", "small")
    of_router = evaluated(folder, "--config", folder / "frontdesk.yaml")
    of_artefact = evaluated(folder, "--artefact", folder / "mine", *pair)
    assert of_router["kind"] == "router"
    assert of_router["no_curve"] is None
    for key in ("apgr", "cpt20", "cpt50", "cpt80", "cost_saved_at_equal_quality"):
        assert of_router[key]["value"] == of_artefact[key]["value"]
    assert of_router["baselines"].keys() == of_artefact["baselines"].keys() | {"fixed", "shuffled"}
    for name, figures in of_artefact["baselines"].items():
        assert of_router["baselines"][name]["apgr"] == figures["apgr"]


def test_the_router_itself_is_a_point_with_intervals(folder: Path) -> None:
    found = evaluated(folder, "--config", folder / "frontdesk.yaml", "--router", "default")
    for key in ("quality", "cost", "quality_loss", "cost_saved"):
        low, high = found[key]["ci95"]
        assert low <= found[key]["value"] <= high
    strong = found["models"]["large"]
    assert found["quality_loss"]["value"] == pytest.approx(strong["quality"] - found["quality"]["value"])
    assert found["cost_saved"]["value"] == pytest.approx(1.0 - found["cost"]["value"] / strong["cost"])
    assert 0.3 < found["chosen_share"]["small"] < 0.7
    assert found["queries"] == HELD_OUT


def test_rules_have_a_point_and_no_curve(folder: Path, tmp_path: Path) -> None:
    arguments = ("--config", folder / "frontdesk.yaml", "--router", "ruled", "--out", tmp_path)
    found = evaluated(folder, *arguments)
    data = animals_and_formulas(HELD_OUT, seed=2)
    hard = np.array([domain == "formulas" for domain in data.domains])
    assert found["quality"]["value"] == pytest.approx(np.where(hard, data.quality[:, 1], data.quality[:, 0]).mean())
    assert found["chosen_share"] == pytest.approx({"large": hard.mean(), "small": 1.0 - hard.mean()})
    assert found["apgr"] == {"value": None, "ci95": None}
    assert "no classifier decides" in found["no_curve"]
    assert all(Path(plot).exists() for plot in found["plots"])
    shown = run(evaluate, "--data", folder / "held-out.jsonl", "--resamples", "5", *arguments[:4])
    assert "No curve: no classifier decides" in shown.output
    assert "Routing adds" in shown.output


def test_a_point_stands_beside_what_others_reach_at_its_cost(folder: Path) -> None:
    """Two models, so that the same choices shuffled are the dice between them, and less is no better than the small."""
    found = evaluated(folder, "--config", folder / "frontdesk.yaml", "--router", "ruled")
    small, large = found["models"]["small"], found["models"]["large"]
    baselines = {name: (told["quality"]["value"], told["cost"]["value"]) for name, told in found["baselines"].items()}
    assert baselines.keys() == {"fixed", "shuffled", "prompt_length", "neighbours", "oracle"}
    assert baselines["fixed"] == pytest.approx((small["quality"], small["cost"]))
    share = found["chosen_share"]["small"]
    mixed = share * small["quality"] + (1.0 - share) * large["quality"]
    assert baselines["shuffled"] == pytest.approx((mixed, found["cost"]["value"]))
    assert all(cost <= found["cost"]["value"] * 1.001 for _, cost in baselines.values())
    assert baselines["oracle"][0] > found["quality"]["value"] > baselines["shuffled"][0] + 0.1
    assert found["routing_adds"]["over_shuffle"] == pytest.approx(found["quality"]["value"] - mixed, abs=1e-4)
    assert found["routing_adds"]["beats_shuffle"] is True


def test_a_plot_names_what_it_shows_as_the_table_does(folder: Path, tmp_path: Path) -> None:
    """Without a curve of its own a router's point stands beside the line of single models, which no dice made."""
    found = evaluated(folder, "--config", folder / "frontdesk.yaml", "--router", "ruled", "--out", tmp_path)
    drawn = json.loads((tmp_path / "evaluation.json").read_text())["drawn"]
    assert drawn["curves"].keys() == {"fixed"} < found["baselines"].keys()
    assert drawn["points"].keys() == {"small", "large", "router ruled"}
    plot = (tmp_path / "curves.svg").read_text()
    assert f"Quality and cost of router ruled: {found['queries']} queries of " in plot
    assert "fixed" in plot
    assert "random" not in plot


def test_neighbours_learn_from_what_the_training_saw(folder: Path) -> None:
    arguments = ("--artefact", folder / "mine", "--strong", "large", "--weak", "small")
    other = evaluated(folder, *arguments)
    past = evaluated(folder, *arguments, "--learned-from", folder / "train.jsonl")
    assert other["routing_adds"]["neighbours_among"] == "the other queries"
    assert past["routing_adds"]["neighbours_among"].endswith("queries that are not judged")
    assert not past["learned_from_these"]


def test_an_evaluation_on_the_training_data_says_so(folder: Path) -> None:
    arguments = ("--artefact", folder / "mine", "--strong", "large", "--weak", "small", "--resamples", "5")
    assert evaluated(folder, *arguments[:-2], data="train.jsonl")["learned_from_these"] is True
    shown = run(evaluate, "--data", folder / "train.jsonl", *arguments)
    assert "the very queries that it was learned from" in " ".join(shown.output.split())


def test_what_rules_decide_comes_first_on_the_curve(folder: Path) -> None:
    config = folder / "frontdesk.yaml"
    alone, mixed = (evaluated(folder, "--config", config, "--router", name) for name in ("default", "mixed"))
    assert mixed["no_curve"] is None
    assert mixed["apgr"]["value"] == pytest.approx(alone["apgr"]["value"], abs=0.1)


def test_a_split_counts_each_arm_by_its_share(folder: Path) -> None:
    found = evaluated(folder, "--config", folder / "frontdesk.yaml", "--router", "tossed")
    assert found["chosen_share"]["large"] == pytest.approx(0.5, abs=0.05)
    between = (found["models"]["small"]["quality"] + found["models"]["large"]["quality"]) / 2
    assert found["quality"]["value"] == pytest.approx(between, abs=0.05)
    assert found["no_curve"] is not None


def test_queries_without_the_outcome_of_the_chosen_model_are_counted_and_left_out(folder: Path) -> None:
    write_outcomes(folder / "gaps.jsonl", kept=lambda query, model: model == "small" or query % 2 == 0)
    found = evaluated(folder, "--config", folder / "frontdesk.yaml", "--router", "ruled", data="gaps.jsonl")
    missing = found["queries_without_outcome"]
    assert 0 < missing == HELD_OUT - found["queries"]
    assert found["without_outcome"] == {"large": missing}
    assert found["chosen_share"]["large"] > 0.3


def test_models_to_choose_among_can_be_narrowed_to_those_of_the_data(folder: Path) -> None:
    config = ("--config", folder / "frontdesk.yaml", "--router", "wide")
    refused = run(evaluate, "--data", folder / "held-out.jsonl", *config)
    assert "the data has no outcome of mid" in str(refused.exception)
    found = evaluated(folder, *config, "--pool", "small,large")
    assert found["pool"] == ["small", "large"]


def test_a_certified_floor_does_what_was_certified_once_it_is_set(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certification, "SETTINGS", 12)
    arguments = ("--data", folder / "held-out.jsonl", "--router", "default", "--max-loss", "0.15")
    target = ("--config", folder / "frontdesk.yaml", "--out", tmp_path / "mine", "--json")
    result = run(calibrate, *arguments, *target)
    assert result.exit_code == 0, result.output
    certified = json.loads(result.stdout)
    assert certified["settings"] == {"default/classifier: quality_floor": certified["threshold"]}
    assert (folder / "frontdesk.yaml").read_text() == CONFIGURATION
    (certificate,) = Artefact.load(tmp_path / "mine").certificates
    assert certificate["subject"] == "quality floor of router default over small, large, against large"
    floor = f"quality_floor: {certified['threshold']:g}"
    (tmp_path / "set.yaml").write_text(CONFIGURATION.replace("quality_floor: 0.6", floor))
    found = evaluated(folder, "--config", tmp_path / "set.yaml")
    assert found["quality_loss"]["value"] == pytest.approx(certificate["observed_loss"])
    assert found["cost_saved"]["value"] == pytest.approx(certificate["cost_saved"])
    assert certificate["cost_saved"] > 0.3


def test_a_router_without_a_knob_is_not_calibrated(folder: Path) -> None:
    config = ("--config", folder / "frontdesk.yaml", "--router", "ruled")
    refused = run(calibrate, "--data", folder / "held-out.jsonl", *config)
    assert refused.exit_code == 1
    assert "router 'ruled' (rules) has nothing to calibrate" in refused.output


@pytest.mark.parametrize("command", [evaluate, calibrate])
def test_an_artefact_of_another_embedder_is_refused(folder: Path, tmp_path: Path, command: Callable[..., None]) -> None:
    table = np.random.default_rng(1).normal(size=(len(WORDS), 6)).astype(np.float32)
    write_table(tmp_path / "table", {"embeddings": table})
    (tmp_path / "other.yaml").write_text(f"{CONFIGURATION}\nembedder: {{kind: static, path: table}}\n")
    arguments = ("--artefact", folder / "mine", "--strong", "large", "--weak", "small")
    refused = run(command, "--data", folder / "held-out.jsonl", "--config", tmp_path / "other.yaml", *arguments)
    assert "was trained with embedder" in f"{refused.output}{refused.exception}"


def test_agreement_is_replayed_and_calibrated_on_recorded_answers(tmp_path: Path) -> None:
    write_answers(tmp_path / "answers.jsonl", n=160, seed=4)
    (tmp_path / "frontdesk.yaml").write_text(CASCADES)
    config = ("--config", tmp_path / "frontdesk.yaml", "--router", "default")
    found = evaluated(tmp_path, *config, data="answers.jsonl")
    assert found["chosen_share"] == {"small-a → strong": 1.0}
    assert 0.2 < found["cost_saved"]["value"] < 0.6
    result = run(calibrate, "--data", tmp_path / "answers.jsonl", *config, "--max-loss", "0.1", "--json")
    assert result.exit_code == 0, result.output
    certified = json.loads(result.stdout)
    assert certified["settings"] == {"default/cascade.0: check.threshold": 1.0}
    assert certified["out"] is None
    assert certified["cost_saved"] == pytest.approx(found["cost_saved"]["value"])
    assert certified["observed_loss"] == pytest.approx(found["quality_loss"]["value"])
    shown = run(calibrate, "--data", tmp_path / "answers.jsonl", *config, "--max-loss", "0.1")
    assert "Set in the configuration, at default/cascade.0: check.threshold: 1\n" in shown.output


def test_checks_that_recorded_answers_cannot_tell_are_refused(tmp_path: Path) -> None:
    write_answers(tmp_path / "answers.jsonl", n=40)
    (tmp_path / "frontdesk.yaml").write_text(CASCADES)
    config = ("--config", tmp_path / "frontdesk.yaml", "--router", "unsure")
    refused = run(calibrate, "--data", tmp_path / "answers.jsonl", *config)
    assert refused.exit_code == 1
    assert "the check logprob of small-a cannot be recomputed from recorded answers" in refused.output
    write_scored_answers(tmp_path / "rated.jsonl", "self_rating")
    refused = run(calibrate, "--data", tmp_path / "rated.jsonl", *config)
    assert "the column check_score holds no score that it gave" in refused.output


def test_a_threshold_of_recorded_scores_does_what_was_certified_once_it_is_set(tmp_path: Path) -> None:
    write_scored_answers(tmp_path / "answers.jsonl", "logprob")
    (tmp_path / "frontdesk.yaml").write_text(CASCADES)
    config = ("--config", tmp_path / "frontdesk.yaml", "--router", "unsure")
    result = run(calibrate, "--data", tmp_path / "answers.jsonl", *config, "--max-loss", "0.1", "--json")
    assert result.exit_code == 0, result.output
    certified = json.loads(result.stdout)
    threshold = certified["threshold"]
    assert certified["settings"] == {"unsure/cascade.0: check.threshold": threshold}
    assert 0.6 < threshold < 0.9
    (tmp_path / "set.yaml").write_text(CASCADES.replace("threshold: 0.5", f"threshold: {threshold:g}"))
    found = evaluated(tmp_path, "--config", tmp_path / "set.yaml", "--router", "unsure", data="answers.jsonl")
    assert found["quality_loss"]["value"] == pytest.approx(certified["observed_loss"])
    assert found["cost_saved"]["value"] == pytest.approx(certified["cost_saved"])
    assert certified["cost_saved"] > 0.3


def test_what_a_check_asked_counts_as_cost(tmp_path: Path) -> None:
    (tmp_path / "frontdesk.yaml").write_text(CASCADES)
    config = ("--config", tmp_path / "frontdesk.yaml", "--router", "rated")

    def saved(**check_cost: int) -> float:
        write_scored_answers(tmp_path / "answers.jsonl", "self_rating", **check_cost)
        value: float = evaluated(tmp_path, *config, data="answers.jsonl")["cost_saved"]["value"]
        return value

    free, dear = saved(check_cost_nano_usd=0), saved(check_cost_nano_usd=100_000)
    assert free - dear == pytest.approx(0.1, abs=0.02)
    write_scored_answers(tmp_path / "answers.jsonl", "self_rating")
    refused = run(calibrate, "--data", tmp_path / "answers.jsonl", *config)
    assert "the scores and costs of checks" in refused.output
