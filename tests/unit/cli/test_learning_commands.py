import json
from pathlib import Path

import pytest
import typer
from frontdesk_server import cli
from frontdesk_server.cli.evaluate import evaluate
from frontdesk_server.cli.train import train
from typer.testing import CliRunner

app = typer.Typer()
app.command()(train)
app.command()(evaluate)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "outcomes.jsonl"
    rows = [
        {
            "query_id": str(i),
            "prompt": f"{'Prove the lemma' if hard else 'Say hello to'} number {i}",
            "model": model,
            "quality": float(not (hard and model == "small")),
            "cost_nano_usd": 10 if model == "small" else 900,
        }
        for i in range(80)
        for hard in (i % 2 == 0,)
        for model in ("small", "large")
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_train_then_evaluate_beats_chance_on_the_same_rows(data: Path, tmp_path: Path) -> None:
    trained = CliRunner().invoke(
        app, ["train", "--data", str(data), "--out", str(tmp_path / "a"), "--features", "words,embedding", "--json"]
    )
    assert trained.exit_code == 0, trained.output
    assert json.loads(trained.stdout)["models"][0]["model"] == "small"
    arguments = ["--data", str(data), "--artefact", str(tmp_path / "a"), "--strong", "large", "--weak", "small"]
    found = CliRunner().invoke(
        app, ["evaluate", *arguments, "--out", str(tmp_path / "plots"), "--json", "--resamples", "20"]
    )
    assert found.exit_code == 0, found.output
    result = json.loads(found.stdout)
    assert result["apgr"]["value"] > 0.7
    assert result["cost_saved_at_equal_quality"]["value"] > 0.4
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {"curves.png", "curves.svg", "evaluation.json"}
    written = json.loads((tmp_path / "plots" / "evaluation.json").read_text())
    assert written.pop("drawn")["curves"]
    assert written == result


@pytest.mark.parametrize("router", ["random", "prompt-length"])
def test_routers_without_artefact_can_be_evaluated(data: Path, router: str) -> None:
    found = CliRunner().invoke(
        app,
        [
            "evaluate",
            "--data",
            str(data),
            "--router",
            router,
            "--strong",
            "large",
            "--weak",
            "small",
            "--resamples",
            "5",
        ],
    )
    assert found.exit_code == 0, found.output
    assert "cost saved at equal quality" in found.stdout
    assert "APGR" in found.stdout


def test_a_pool_can_be_evaluated(data: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(data), "--router", "random", "--pool", "large,small", "--json", "--resamples", "5"]
    result = json.loads(CliRunner().invoke(app, ["evaluate", *arguments]).stdout)
    assert result["kind"] == "pool"
    assert result["best_single"] == "large"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strong", "large"], "--weak"),
        (["--strong", "large", "--weak", "small", "--router", "magic"], "unknown router"),
    ],
)
def test_arguments_that_cannot_be_used_say_why(data: Path, arguments: list[str], message: str) -> None:
    found = CliRunner().invoke(app, ["evaluate", "--data", str(data), *arguments])
    assert found.exit_code == 2
    assert message in found.output


def test_bad_data_is_named_by_row_and_column(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("query_id,prompt,model,quality\na,p,m,7\n")
    found = CliRunner().invoke(cli.app, ["train", "--data", str(path), "--out", str(tmp_path / "a")])
    assert found.exit_code == 1
    assert "bad.csv, row 1, column quality: must be in [0, 1], found 7" in found.stderr
