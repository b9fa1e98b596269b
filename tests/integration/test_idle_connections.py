"""An upstream that speaks on a kept-alive connection when nobody has asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import orjson
import pytest
from frontdesk_server.backends.openai import OpenAIBackend
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.domain.events import TextDelta
from frontdesk_server.domain.query import text_query

from tests.sink import each


def response(text: str) -> bytes:
    choice = {"index": 0, "message": {"content": text}, "finish_reason": "stop"}
    body = orjson.dumps({"choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Talkative:
    """Answers each request with its number, and says something more on the same connection."""

    def __init__(self, more: bytes, *, at_once: bool) -> None:
        self.more = more
        self.at_once = at_once
        self.connections = 0
        self.requests = 0
        self.said = asyncio.Event()
        """Set when the further words have been sent and have had the time to arrive."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                self.requests += 1
                answer = response(f"answer {self.requests}")
                if self.at_once:
                    writer.write(answer + self.more)
                else:
                    writer.write(answer)
                    await writer.drain()
                    for _ in range(20):  # the client reads the answer first
                        await asyncio.sleep(0)
                    writer.write(self.more)
                await writer.drain()
                self.said.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def served(upstream: Talkative) -> AsyncIterator[OpenAIBackend]:
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    config = OpenAIBackendConfig.model_validate({"kind": "openai", "base_url": f"http://127.0.0.1:{port}/v1"})
    backend = OpenAIBackend("b", config)
    try:
        yield backend
    finally:
        await backend.aclose()
        server.close()


async def ask(backend: OpenAIBackend) -> str:
    async with aclosing(each(backend.stream(BackendCall("m", text_query("hi"), stream=False)))) as events:
        return "".join([event.text async for event in events if isinstance(event, TextDelta)])


WHOLE = response("somebody else's answer")


@pytest.mark.parametrize(
    ("more", "at_once"),
    [
        pytest.param(WHOLE, True, id="a whole response with the answer"),
        pytest.param(WHOLE, False, id="a whole response when idle"),
        pytest.param(WHOLE[:30], False, id="half a response when idle"),
        pytest.param(b"x", False, id="a byte when idle"),
        pytest.param(b"\r\n", False, id="an empty line when idle"),
    ],
)
async def test_a_connection_on_which_the_upstream_speaks_unasked_is_never_reused(more: bytes, at_once: bool) -> None:
    upstream = Talkative(more, at_once=at_once)
    async with served(upstream) as backend:
        for number in range(1, 6):
            upstream.said.clear()
            assert await ask(backend) == f"answer {number}"
            await upstream.said.wait()
    assert upstream.connections == 5


@pytest.mark.parametrize("more", [WHOLE[:30], WHOLE + WHOLE, b"x", b"\r\n"])
async def test_what_comes_with_an_answer_and_is_none_never_answers_another_request(more: bytes) -> None:
    upstream = Talkative(more, at_once=True)
    async with served(upstream) as backend:
        for _ in range(5):
            try:
                answer = await ask(backend)
            except UpstreamError:
                continue
            assert answer == f"answer {upstream.requests}"


async def test_an_upstream_that_says_nothing_more_keeps_its_connection() -> None:
    upstream = Talkative(b"", at_once=True)
    async with served(upstream) as backend:
        assert [await ask(backend) for _ in range(3)] == ["answer 1", "answer 2", "answer 3"]
    assert upstream.connections == 1
