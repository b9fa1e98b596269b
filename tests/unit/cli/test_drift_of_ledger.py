"""What `stats` and `report` say of the predictions in a ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from frontdesk_server.artefacts.quality import Artefact
from frontdesk_server.artefacts.quality.drift import profile_scores
from frontdesk_server.assembly.ledger import open_ledger
from frontdesk_server.cli.report import report
from frontdesk_server.cli.stats import stats
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.decision import Candidate, StrategyStep, Verdict
from typer.testing import CliRunner, Result

from tests.records import a_routed_query
from tests.unit.routing.artefacts import save_artefact

DECISIONS = 120
CONFIGURATION = """
backends: {{fake: {{kind: simulated}}}}
models: {{small: {{backend: fake}}, large: {{backend: fake}}}}
ledger: {{url: "{url}"}}
routers:
  default: {{default_model: small, strategy: {{kind: classifier, artefact: artefact, models: {{small: tiny}}}}}}
"""


def usual(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.beta(2, 5, (n, 2))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Of the small model, `tiny` in the artefact, more is expected than in training; of the large one as much."""
    rng = np.random.default_rng(0)
    artefact = Artefact.load(
        save_artefact(tmp_path / "artefact", {"tiny": 0.5, "large": 0.9}, {"tiny": 0.1, "large": 0.8})
    )
    replace(artefact, score_profiles=profile_scores(("tiny", "large"), usual(rng, 1000))).save(tmp_path / "artefact")
    url = f"sqlite:///{tmp_path}/ledger.db"
    scores = usual(rng, DECISIONS)
    scores[:, 0] = rng.beta(5, 2, DECISIONS)
    asyncio.run(_fill(url, scores))
    (tmp_path / "frontdesk.yaml").write_text(CONFIGURATION.format(url=url))
    return tmp_path / "frontdesk.yaml"


async def _fill(url: str, scores: np.ndarray) -> None:
    """Decisions of a classifier, and as many that it left to the default and whose predictions are thus not its own."""
    async with open_ledger(LedgerConfig.model_validate({"url": url})) as ledger:
        for small, large in scores.tolist():
            for verdict, quality in ((Verdict.CHOSE, small), (Verdict.ABSTAINED, 0.5)):
                routed = a_routed_query()
                decision = replace(
                    routed.decision,
                    path=(StrategyStep("default/classifier", "classifier", verdict, "", 0.001, "small"),),
                    candidates=(Candidate("small", quality), Candidate("large", large), Candidate("third")),
                )
                await ledger.record_decision(replace(routed, decision=decision))


def run(command: Callable[..., None], *arguments: str | Path) -> Result:
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, [str(argument) for argument in arguments])


def test_stats_tells_of_each_model_whether_its_predictions_have_drifted(config: Path) -> None:
    found = json.loads(run(stats, "--config", config, "--json").stdout)["drift"]
    seen = {each["model"]: (each["classifier"], each["scores"], each["verdict"]["drifted"]) for each in found}
    assert seen == {
        "small": ("default/classifier", DECISIONS, True),
        "large": ("default/classifier", DECISIONS, False),
    }
    shown = run(stats, "--config", config).stdout
    assert "drifted: live scores are higher than in training" in shown


def test_the_report_has_a_section_on_drift(config: Path) -> None:
    page = config.parent / "report.html"
    assert run(report, "--config", config, "--out", page).exit_code == 0
    assert "<h2>Drift</h2>" in page.read_text()


def test_a_ledger_without_its_configuration_tells_nothing_of_drift(config: Path) -> None:
    url = f"sqlite:///{config.parent}/ledger.db"
    assert json.loads(run(stats, "--ledger", url, "--json").stdout)["drift"] == []


def test_statistics_are_shown_also_where_the_artefact_is_gone(config: Path) -> None:
    (config.parent / "artefact" / "artefact.json").unlink()
    result = run(stats, "--config", config, "--json")
    assert json.loads(result.stdout)["drift"] == []
    assert "holds no artefact.json" in result.stderr


def test_a_classifier_that_the_configuration_no_longer_has_is_left_out(config: Path) -> None:
    changed = config.read_text().replace(
        "kind: classifier, artefact: artefact, models: {small: tiny}", "kind: model, model: small"
    )
    config.write_text(changed)
    assert json.loads(run(stats, "--config", config, "--json").stdout)["drift"] == []
