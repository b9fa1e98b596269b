"""The composition example of the documentation does what its comments say."""

from __future__ import annotations

from pathlib import Path

import pytest
from frontdesk_server.assembly.pool import build_pool
from frontdesk_server.config.loading import parse_config
from frontdesk_server.domain.conditions import CalmConditions
from frontdesk_server.domain.decision import StreamMode, Verdict
from frontdesk_server.domain.errors import UpstreamFailed
from frontdesk_server.routing.engine import Engine

from tests.fakes import FakeClock
from tests.unit.routing.artefacts import save_artefact
from tests.unit.routing.desk import FakeAsk, FakeEmbedder, route

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "composition.yaml"
EASY = {"small-llm": 0.85, "mid-llm": 0.9, "frontier-llm": 0.95, "local-llm": 0.3, "code-llm": 0.3}
HARD = {"small-llm": 0.2, "mid-llm": 0.5, "frontier-llm": 0.9, "local-llm": 0.1, "code-llm": 0.1}


@pytest.fixture
def ask() -> FakeAsk:
    return FakeAsk('{"model": "frontier-llm"}')


@pytest.fixture
def engine(tmp_path: Path, ask: FakeAsk) -> Engine:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert "kind: classifier" in text
    save_artefact(tmp_path / "artefact", EASY, HARD)
    text = text.replace("kind: classifier", "kind: classifier\n          artefact: artefact")
    loaded = parse_config(text, str(tmp_path / "composition.yaml"), {})
    return Engine(loaded, build_pool(loaded.config), CalmConditions(), ask, FakeClock(), FakeEmbedder())


@pytest.mark.parametrize("text", ["pay to DE89 3704 0044 0532 0130 00", "is my salary fair?", "SSN 078-05-1120"])
async def test_private_text_stays_on_the_local_model(engine: Engine, ask: FakeAsk, text: str) -> None:
    decision = await route(engine, text)

    assert [step.model for step in decision.plan] == ["local-llm"]
    assert not ask.asked


async def test_code_goes_to_the_code_model_and_falls_back_to_frontier_then_mid(engine: Engine) -> None:
    decision = await route(engine, "Why is my Python script broken?")

    assert [step.model for step in decision.plan] == ["code-llm", "frontier-llm", "mid-llm"]


async def test_an_easy_query_runs_the_cascade_from_the_small_model(engine: Engine) -> None:
    decision = await route(engine, "easy question")

    assert [(step.path, step.verdict, step.model) for step in decision.path] == [
        ("default/chain", Verdict.CHOSE, "small-llm"),
        ("default/chain.0/rules", Verdict.ABSTAINED, ""),
        ("default/chain.1/classifier", Verdict.CHOSE, "small-llm"),
        ("default/chain.1/classifier.small-llm/cascade", Verdict.CHOSE, "small-llm"),
    ]
    assert [(step.model, step.check, step.stream_mode) for step in decision.plan] == [
        ("small-llm", "default/chain.1/classifier.small-llm/cascade.0", StreamMode.GATE),
        ("mid-llm", "default/chain.1/classifier.small-llm/cascade.1", StreamMode.GATE),
        ("frontier-llm", "", None),
    ]
    assert {step.check for step in decision.plan if step.check} <= engine.checks.keys()


async def test_a_hard_query_goes_straight_to_frontier_and_falls_back_to_mid(engine: Engine) -> None:
    decision = await route(engine, "hard question")

    assert [step.model for step in decision.plan] == ["frontier-llm", "mid-llm"]
    assert decision.strategy == "classifier"


async def test_the_router_llm_decides_where_the_classifier_is_unsure(engine: Engine, ask: FakeAsk) -> None:
    decision = await route(engine, "odd question")

    assert [step.verdict for step in decision.path] == [
        Verdict.CHOSE,
        Verdict.ABSTAINED,
        Verdict.ABSTAINED,
        Verdict.CHOSE,
    ]
    assert (decision.model, decision.strategy, len(ask.asked)) == ("frontier-llm", "llm", 1)
    assert decision.router_cost_nano_usd == 70


async def test_when_the_router_llm_fails_too_the_default_answers(tmp_path: Path, engine: Engine, ask: FakeAsk) -> None:
    ask.answers = [UpstreamFailed("down")]
    decision = await route(engine, "odd question")

    assert (decision.model, decision.strategy) == ("mid-llm", "default")
    assert [step.model for step in decision.plan] == ["mid-llm", "frontier-llm"]
