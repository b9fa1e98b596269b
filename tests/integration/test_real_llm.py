"""The OpenAI-compatible backend against a real LLM behind a real server."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest
from frontdesk_server.backends.openai import OpenAIBackend
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamContextExceeded
from frontdesk_server.domain.events import BackendEvent, Finished, TextDelta
from frontdesk_server.domain.query import GenerationConfig, JsonSchemaFormat, text_query
from frontdesk_server.domain.usage import FinishReason, TokenLogprob

from tests.real_llm import MODEL, real_llm_server
from tests.sink import each

pytestmark = pytest.mark.timeout(900)  # the first run installs

SETTINGS = GenerationConfig(max_output_tokens=24, temperature=0.0, seed=1, logprobs=True, top_logprobs=3)


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with real_llm_server() as url:
        yield url


@pytest.fixture
async def backend(base_url: str) -> AsyncIterator[OpenAIBackend]:
    backend = OpenAIBackend("llm", OpenAIBackendConfig.model_validate({"kind": "openai", "base_url": base_url}))
    yield backend
    await backend.aclose()


async def ask(
    backend: OpenAIBackend, text: str, *, stream: bool, settings: GenerationConfig = SETTINGS
) -> tuple[list[BackendEvent], Finished]:
    async with aclosing(
        each(backend.stream(BackendCall(MODEL, text_query(text, settings), stream)))
    ) as stream_of_events:
        events = [event async for event in stream_of_events]
    assert isinstance(events[-1], Finished)
    return events, events[-1]


def text_of(events: list[BackendEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def logprobs_of(events: list[BackendEvent]) -> list[TokenLogprob]:
    return [logprob for event in events if isinstance(event, TextDelta) for logprob in event.logprobs]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
async def test_it_answers_with_usage_and_logprobs(backend: OpenAIBackend, stream: bool) -> None:
    events, end = await ask(backend, "What is 2 + 2?", stream=stream)
    assert "4" in text_of(events)
    assert end.finish_reason in (FinishReason.STOP, FinishReason.LENGTH)
    assert end.upstream_model == MODEL
    assert end.usage.input_tokens is not None
    assert end.usage.input_tokens > 5
    assert end.usage.output_tokens is not None
    assert 0 < end.usage.output_tokens <= 24
    logprobs = logprobs_of(events)
    assert "".join(logprob.token for logprob in logprobs).startswith(text_of(events).strip())
    for logprob in logprobs:
        assert -math.inf < logprob.logprob <= 0
        assert len(logprob.top) == 3


async def test_the_answer_streams_in_pieces_and_is_the_unary_one(backend: OpenAIBackend) -> None:
    streamed, _ = await ask(backend, "Name three colours.", stream=True)
    unary, _ = await ask(backend, "Name three colours.", stream=False)
    assert sum(isinstance(event, TextDelta) for event in streamed) > 1
    assert text_of(streamed) == text_of(unary)


async def test_a_limit_of_tokens_ends_it_with_length(backend: OpenAIBackend) -> None:
    settings = GenerationConfig(max_output_tokens=3, temperature=0.0)
    _, end = await ask(backend, "Count from one to one hundred.", stream=True, settings=settings)
    assert (end.finish_reason, end.usage.output_tokens) == (FinishReason.LENGTH, 3)


async def test_json_follows_the_schema(backend: OpenAIBackend) -> None:
    schema = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
    response_format = JsonSchemaFormat("sum", json.dumps(schema))
    settings = GenerationConfig(max_output_tokens=64, temperature=0.0, response_format=response_format)
    events, _ = await ask(backend, "What is 2 + 2? Answer in JSON.", stream=True, settings=settings)
    assert isinstance(json.loads(text_of(events))["sum"], int)


async def test_many_calls_over_kept_alive_connections_all_succeed(backend: OpenAIBackend) -> None:
    """This server closes connections after streams, so that reused ones may be dead."""
    settings = GenerationConfig(max_output_tokens=1, temperature=0.0)
    for _ in range(12):
        await ask(backend, "Hi", stream=True, settings=settings)


async def test_a_query_past_the_context_window_is_recognised(backend: OpenAIBackend) -> None:
    with pytest.raises(UpstreamContextExceeded):
        await ask(backend, "word " * 3000, stream=True)
