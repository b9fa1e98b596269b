"""The loop closes: what was answered and judged becomes an artefact that a router can use."""

from __future__ import annotations

import asyncio
from pathlib import Path

import yaml
from frontdesk import Client
from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.artefacts.quality import Artefact
from frontdesk_server.artefacts.quality.drift import SHIFTED, WINDOW
from frontdesk_server.config.loading import default_config_path
from frontdesk_server.learning.data.dataset import build_dataset
from frontdesk_server.learning.training.settings import TrainingSettings
from frontdesk_server.learning.training.train import train

from tests.commands import frontdesk
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
    assert ran.returncode == 1
    assert "store_prompts" in ran.stderr


async def test_a_running_service_warns_when_predictions_drift(tmp_path: Path) -> None:
    """The artefact was trained on other texts than the one that comes all the time."""
    texts = [
        f"Tell me about {'prime number' if number % 3 else 'the weather of'} {number * 7919}" for number in range(320)
    ]
    outcomes = [
        {"query_id": str(number), "prompt": text, "model": "small-llm", "quality": float(number % 3 > 0)}
        for number, text in enumerate(texts)
    ]
    settings = TrainingSettings(features=("words",))
    train(build_dataset(outcomes), load_default(), settings).save(tmp_path / "mine")
    config = yaml.safe_load(default_config_path().read_text())
    config["routers"]["default"]["strategy"] = {"kind": "classifier", "artefact": "mine"}
    config |= {"ledger": {"url": ""}, "telemetry": {"log_level": "error"}}
    (tmp_path / "frontdesk.yaml").write_text(yaml.safe_dump(config))
    async with service_of(tmp_path / "frontdesk.yaml") as (client, app):
        for _ in range(WINDOW // 50):
            await client.route_batch(["Is the weather nice?"] * 50, timeout=60)
        labels = {"frontdesk_strategy_path": "default/classifier", "frontdesk_model": "small-llm"}
        shift = app.telemetry.metrics.registry.get_sample_value("frontdesk_scores_shift", labels)
    assert shift is not None
    assert shift >= SHIFTED
