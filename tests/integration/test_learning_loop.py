"""The loop closes: what was answered and judged becomes an artefact that a router can use."""

from __future__ import annotations

import asyncio
from pathlib import Path

from frontdesk import Client
from frontdesk_server.config.loading import default_config_path
from frontdesk_server.predictor import Artefact

from tests.integration.test_command_line import frontdesk
from tests.service import service_of

QUERIES = 60


async def test_outcomes_in_the_ledger_train_an_artefact(tmp_path: Path) -> None:
    """Easy sums go to the small model and are judged good; translations go to the mid model and are judged bad."""
    config = tmp_path / "frontdesk.yaml"
    kept = (
        f"\nledger: {{url: 'sqlite:///{tmp_path}/ledger.db', store_prompts: true}}\ntelemetry: {{log_level: error}}\n"
    )
    config.write_text(default_config_path().read_text() + kept)
    async with service_of(config) as (client, _):
        await asyncio.gather(*(answer_and_judge(client, number) for number in range(QUERIES)))
    ran = frontdesk("train", "--from-ledger", "--config", str(config), "--out", str(tmp_path / "mine"), folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    artefact = Artefact.load(tmp_path / "mine")
    assert set(artefact.models) == {"mid-llm", "small-llm"}
    assert f"{QUERIES} outcomes" in ran.stdout


async def answer_and_judge(client: Client, number: int) -> None:
    easy = number % 2 == 0
    text = f"What is {number} + {number}?" if easy else f"Translate to French: the number {number} is large."
    completion = await client.complete(text, timeout=60)
    await client.report_outcome(completion.completion_id, 1.0 if easy else 0.0, source="test")


def test_an_empty_ledger_says_what_is_missing(tmp_path: Path) -> None:
    frontdesk("route", "-c", str(default_config_path()), "Hello", folder=tmp_path)
    ran = frontdesk("train", "--from-ledger", "--out", str(tmp_path / "mine"), folder=tmp_path)
    assert ran.returncode == 2
    assert "store_prompts" in ran.stderr
