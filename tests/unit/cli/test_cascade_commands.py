"""The learning commands on small files: what they write, print and refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from frontdesk_server.artefacts.cascade.artefact import load_cascade
from frontdesk_server.artefacts.quality import Artefact, default_artefact_path
from frontdesk_server.cli.calibrate import calibrate
from frontdesk_server.cli.cascade_fit import cascade_fit
from frontdesk_server.cli.evaluate import evaluate
from frontdesk_server.cli.replay import diff_policy, replay
from frontdesk_server.cli.report import report
from typer.testing import CliRunner, Result

from tests.unit.learning.recorded_fixture import write_answers
from tests.unit.learning.test_replay import ROW


def _run(command: Callable[..., Any], *arguments: str | Path) -> Result:
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cascade")
    data = write_answers(folder / "answers.jsonl", n=150)
    fit = ("--data", data, "--pool", "small-a,small-b", "--strong", "strong", "--out", folder / "artefact")
    result = _run(
        cascade_fit, *fit, "--max-loss", "0.05", "--max-steps", "2", "--folds", "2", "--repeats", "1", "--json"
    )
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert set(printed["order"]) <= {"small-a", "small-b"}
    assert printed["expected"]["saved"] > 0.3
    assert printed["policies"][printed["chosen"]]["order"] == printed["order"]
    assert {"fixed", "shuffled", "neighbours"} <= printed["baselines"].keys()
    assert printed["verdicts"][0].startswith("Routing adds")
    return folder / "artefact"


def test_cascade_fit_names_a_model_that_is_not_in_the_data(tmp_path: Path) -> None:
    data = write_answers(tmp_path / "answers.jsonl", n=40)
    result = _run(cascade_fit, "--data", data, "--pool", "other", "--strong", "strong", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "no model 'other'" in result.output
    assert not (tmp_path / "out").exists()


def test_calibrate_writes_its_certificate_into_the_artefact(artefact: Path, tmp_path: Path) -> None:
    data = write_answers(tmp_path / "more.jsonl", n=600, seed=9)
    arguments = ("--data", data, "--artefact", artefact, "--out", tmp_path / "certified", "--max-loss", "0.1")
    result = _run(calibrate, *arguments, "--json")
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert printed["certified"]
    manifest = json.loads((tmp_path / "certified" / "artefact.json").read_text())
    (certificate,) = manifest["certificates"]
    assert {"n": 600, "max_loss": 0.1, "delta": 0.05, "test": "betting"}.items() <= certificate.items()
    assert certificate["data_sha256"]
    assert certificate["date"]


def test_calibrate_says_how_many_labels_are_missing(artefact: Path, tmp_path: Path) -> None:
    data = write_answers(tmp_path / "few.jsonl", n=35, seed=3)
    result = _run(calibrate, "--data", data, "--artefact", artefact, "--out", tmp_path / "out", "--max-loss", "0.01")
    assert result.exit_code == 3
    assert "Nothing cheaper" in result.output
    assert "more labels" in result.output.lower()


def test_calibrate_wants_one_thing_to_calibrate(tmp_path: Path) -> None:
    data = write_answers(tmp_path / "few.jsonl", n=35)
    result = _run(calibrate, "--data", data)
    assert result.exit_code == 2
    assert "--artefact or --router" in result.output


def test_replay_refuses_and_diff_policy_lists(tmp_path: Path) -> None:
    big = {"model": "big", "predicted_quality": 0.9, "predicted_cost_nano_usd": 5000}
    rows = [
        ROW | {"decision_id": f"d{i}", "candidates": [*ROW["candidates"][:1], big], "propensity": 1} for i in range(3)
    ]
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "p.yaml").write_text("model: big\n")
    arguments = ("--policy", tmp_path / "p.yaml", "--data", tmp_path / "d.jsonl")
    refused = _run(replay, *arguments, "--json")
    assert refused.exit_code == 3
    assert "explore" in json.loads(refused.stdout)["refusal"]
    listed = _run(diff_policy, *arguments, "--json")
    told = json.loads(listed.stdout)
    assert [(m["decision_id"], m["new_model"]) for m in told["moved"]] == [(f"d{i}", "big") for i in range(3)]
    assert told["decisions"] == 3
    assert _run(replay, *arguments, "--since", "2027-01-01").exit_code == 1


def test_report_writes_one_page(artefact: Path, tmp_path: Path) -> None:
    data = write_answers(tmp_path / "answers.jsonl", n=60)
    result = _run(report, "--data", data, "--artefact", artefact, "--out", tmp_path / "r.html")
    assert result.exit_code == 0, result.output
    assert "The router beside what it must beat" in (tmp_path / "r.html").read_text()
    again = _run(report, "--data", data, "--artefact", artefact, "--out", tmp_path / "r.html", "--json")
    told = json.loads(again.stdout)
    assert told["routing_adds"]["over_shuffle_error"] > 0.0
    assert told["verdicts"][0] in result.stdout
    absent = f"sqlite:///{tmp_path}/absent.db"
    assert _run(report, "--out", tmp_path / "r.html", "--ledger", absent).exit_code == 2


def test_evaluate_reads_what_cascade_fit_wrote(artefact: Path, tmp_path: Path) -> None:
    data = write_answers(tmp_path / "held-out.jsonl", n=120, seed=5)
    arguments = ("--data", data, "--artefact", artefact, "--resamples", "20")
    result = _run(evaluate, *arguments, "--out", tmp_path / "plots", "--json")
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert printed["kind"] == "cascade"
    assert printed["verdicts"][0].startswith("Routing adds")
    for key in ("cost_saved_at_equal_quality", "cost_saved", "quality", "cost", "quality_loss"):
        low, high = printed[key]["ci95"]
        assert low <= printed[key]["value"] <= high
    assert printed["apgr"] == {"value": None, "ci95": None}
    assert all(Path(plot).exists() for plot in printed["plots"])
    assert "agreement" in _run(evaluate, *arguments).output


def test_calibrate_certifies_the_threshold_of_a_pair(tmp_path: Path) -> None:
    weak, strong = Artefact.load(default_artefact_path()).models[:2]
    lines = []
    for i in range(400):
        for model, quality, cost in ((weak, float(i % 20 > 0), 10), (strong, 1.0, 100)):
            row = {"query_id": f"q{i}", "prompt": f"What is {i} plus {i}?", "model": model}
            lines.append(json.dumps(row | {"quality": quality, "cost_nano_usd": cost}))
    (tmp_path / "pair.jsonl").write_text("\n".join(lines))
    arguments = ("--data", tmp_path / "pair.jsonl", "--router", "default", "--out", tmp_path / "artefact", "--json")
    result = _run(calibrate, *arguments, "--strong", strong, "--weak", weak, "--max-loss", "0.15")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["cost_saved"] > 0.5
    assert Artefact.load(tmp_path / "artefact").certificates[-1]["subject"].startswith(f"{strong} instead of {weak}")
    floor = _run(calibrate, *arguments, "--strong", strong, "--pool", f"{weak},{strong}", "--max-loss", "0.15")
    assert json.loads(floor.stdout)["subject"] == f"quality floor over {weak}, {strong}"
    unknown = _run(calibrate, *arguments, "--strong", strong, "--weak", "other")
    assert unknown.exit_code == 1
    assert "not other" in unknown.output


def test_the_points_of_a_cascade_are_told_apart_by_their_thresholds(tmp_path: Path) -> None:
    data = write_answers(tmp_path / "answers.jsonl", n=150)
    fit = ("--data", data, "--pool", "small-a,small-b", "--strong", "strong", "--out", tmp_path / "artefact")
    result = _run(cascade_fit, *fit, "--max-loss", "0.05", "--max-steps", "2", "--folds", "2", "--repeats", "1")
    assert result.exit_code == 0, result.output
    assert "Routing adds" in result.output
    assert "shuffled" in result.output
    policies = load_cascade(tmp_path / "artefact").policies
    for policy in policies:
        for step in policy.steps:
            if abs(step.accept_at_most) < float("inf"):
                assert f"{step.accept_at_most:.3f}" in result.output
