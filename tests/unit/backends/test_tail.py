"""What comes after the finish reason, and how long it is waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from frontdesk_server.backends.openai import OpenAIBackend
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.events import Finished
from frontdesk_server.domain.model import Timeouts
from frontdesk_server.domain.query import text_query
from frontdesk_server.domain.usage import Usage

from tests.sink import each

USAGE = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}
ANSWER = {"choices": [{"index": 0, "delta": {"content": "Four."}, "finish_reason": "stop"}]}


class Slow(httpx.AsyncByteStream):
    """Says each document after so many seconds, and then stays silent."""

    def __init__(self, *said: tuple[float, object]) -> None:
        self._said = said

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for seconds, document in self._said:
            await asyncio.sleep(seconds)
            yield b"data: " + (b"[DONE]" if document is None else orjson.dumps(document)) + b"\n\n"
        await asyncio.Event().wait()


async def finished(body: Slow, idle_seconds: float) -> tuple[Finished, float]:
    """The end, and after how many seconds it came."""
    config = OpenAIBackendConfig.model_validate({"kind": "openai", "base_url": "http://127.0.0.1:9/v1"})
    backend = OpenAIBackend("b", config)
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=body)
    backend._upstream._transport = httpx.MockTransport(lambda request: response)
    call = BackendCall("m", text_query("hi"), stream=True, timeouts=Timeouts(idle_seconds=idle_seconds))
    began = time.monotonic()
    events = [event async for event in each(backend.stream(call))]
    await backend.aclose()
    assert isinstance(events[-1], Finished)
    return events[-1], time.monotonic() - began


@pytest.mark.parametrize(
    ("said", "idle_seconds", "expected", "least", "most"),
    [
        pytest.param([(0, ANSWER), (1.2, USAGE), (0, None)], 30, Usage(3, 5), 1.2, 1.7, id="usage comes late"),
        pytest.param([(0, ANSWER), (0, USAGE), (0, None)], 30, Usage(3, 5), 0, 0.5, id="all at once"),
        pytest.param([(0, {**ANSWER, **USAGE, "choices": ANSWER["choices"]})], 30, Usage(3, 5), 0.9, 1.5, id="no end"),
        pytest.param([(0, ANSWER)], 0.4, Usage(), 0.15, 0.39, id="half the idle timer, and no usage"),
    ],
)
async def test_usage_is_waited_for_and_nothing_longer(
    said: list[tuple[float, object]], idle_seconds: float, expected: Usage, least: float, most: float
) -> None:
    end, seconds = await finished(Slow(*said), idle_seconds)
    assert end.usage == expected
    assert least <= seconds <= most
