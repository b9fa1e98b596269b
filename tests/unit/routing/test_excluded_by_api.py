"""A model whose API cannot honour what the caller set is not chosen, and the decision says why."""

from __future__ import annotations

import pytest
from frontdesk_server.assembly.pool import build_pool
from frontdesk_server.config.loading import parse_config
from frontdesk_server.domain.conditions import CalmConditions
from frontdesk_server.domain.decision import ExclusionReason
from frontdesk_server.domain.query import GenerationConfig, ReasoningEffort, text_query
from frontdesk_server.routing.engine import Engine

from tests.fakes import FakeClock
from tests.unit.routing.desk import FakeAsk, FakeEmbedder, route

CONFIG = """
backends:
  claude: {kind: anthropic, base_url: "https://claude.example"}
  other: {kind: openai, base_url: "https://other.example/v1"}
models:
  claude: {backend: claude, quality: 0.9, capabilities: [reasoning], max_output_tokens: 32000, context_window: 200000}
  other: {backend: other, quality: 0.5, capabilities: [reasoning], context_window: 200000}
routers:
  default: {default_model: claude, strategy: {kind: model, model: claude}, fallbacks: [claude, other]}
"""


@pytest.fixture
def engine() -> Engine:
    loaded = parse_config(CONFIG, "test.yaml", {})
    return Engine(loaded, build_pool(loaded.config), CalmConditions(), FakeAsk("none"), FakeClock(), FakeEmbedder())


@pytest.mark.parametrize(
    ("generation", "words"),
    [
        (GenerationConfig(temperature=0.5), ""),
        (GenerationConfig(reasoning_effort=ReasoningEffort.HIGH), ""),
        (GenerationConfig(temperature=1.5), "temperature is at most 1"),
        (GenerationConfig(temperature=0.5, reasoning_effort=ReasoningEffort.HIGH), "no temperature but 1"),
        (GenerationConfig(max_output_tokens=1000, reasoning_effort=ReasoningEffort.LOW), "more than 1024"),
    ],
)
async def test_neither_first_nor_as_a_fallback(engine: Engine, generation: GenerationConfig, words: str) -> None:
    decision = await route(engine, text_query("hi", generation))
    exclusion = next(candidate.exclusion for candidate in decision.candidates if candidate.model == "claude")
    if not words:
        assert (decision.model, exclusion) == ("claude", None)
        return
    assert exclusion is not None
    assert exclusion.reason is ExclusionReason.CAPABILITY
    assert words in exclusion.detail
    assert [step.model for step in decision.plan] == ["other"]
