"""The learning commands on a ledger, as users type them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import typer
from frontdesk_server.artefacts.embedders import StaticEmbedder
from frontdesk_server.artefacts.quality import Artefact
from frontdesk_server.assembly.ledger import open_ledger
from frontdesk_server.cli.train import train
from frontdesk_server.config.loading import default_config_path
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.record import Outcome
from typer.testing import CliRunner, Result

from tests.records import a_cascade, a_routed_query, days_ago
from tests.unit.artefacts.embedders.tables import WORDS, write_table

DECISIONS = 30


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/ledger.db"
    asyncio.run(_fill(url))
    return url


async def _fill(url: str) -> None:
    """Judged answers to as many questions, and an older one to a picture without a word."""
    async with open_ledger(LedgerConfig.model_validate({"url": url, "store_prompts": True})) as ledger:
        wordless = a_routed_query(text="", at=days_ago(2))
        for routed in (wordless, *(a_routed_query(text=f"What is {i} + {i}?") for i in range(DECISIONS))):
            await ledger.record_decision(routed)
            await ledger.record_settlement(routed, a_cascade(), answer=None, error_reason="")
            await ledger.record_outcome(Outcome(routed.decision.decision_id, 0.75, "user", datetime.now(UTC)))


def run(command: Callable[..., None], *arguments: str) -> Result:
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, arguments)


def test_outcomes_train_an_artefact_for_the_embedder_of_the_configuration(url: str, tmp_path: Path) -> None:
    table = write_table(
        tmp_path / "table", {"embeddings": np.random.default_rng(1).normal(size=(len(WORDS), 6)).astype(np.float32)}
    )
    config = tmp_path / "frontdesk.yaml"
    config.write_text(f"{default_config_path().read_text()}\nembedder: {{kind: static, path: table}}\n")
    arguments = ("--from-ledger", "--ledger", url, "--since", "1d", "--config", str(config), "--features", "words")
    result = run(train, *arguments, "--out", str(tmp_path / "mine"))
    assert result.exit_code == 0, result.output
    assert "cannot be told: all outcomes are of large, which leaves nothing to choose." in result.output
    artefact = Artefact.load(tmp_path / "mine")
    assert artefact.embedder_id == StaticEmbedder.load(table).id
    assert artefact.metrics["outcomes"] == DECISIONS


def test_outcomes_of_a_file_are_learnt_beside_those_of_the_ledger(url: str, tmp_path: Path) -> None:
    rows = ({"query_id": str(i), "prompt": f"Say {i}", "model": "small", "quality": 1.0} for i in range(5))
    (tmp_path / "old.jsonl").write_text("\n".join(map(json.dumps, rows)))
    data = ("--data", str(tmp_path / "old.jsonl"), "--features", "words")
    result = run(train, "--from-ledger", "--ledger", url, *data, "--out", str(tmp_path / "mine"), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["outcomes"] == DECISIONS + 5
    (verdict,) = told["verdicts"]
    assert verdict.startswith("What routing itself adds cannot be told: of 35 of 35 queries the outcome of one model")
    assert told["routing_adds"] == {}
