"""A connection that is lost between two reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from frontdesk_server.backends.exchange import Upstream
from frontdesk_server.backends.response import Response
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamCut
from frontdesk_server.domain.query import text_query


class Lost(httpx.AsyncByteStream):
    """A body whose reader raises after its first piece."""

    def __init__(self, error: RuntimeError) -> None:
        self._error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"data: "
        raise self._error


def a_response(error: RuntimeError) -> Response:
    return Response(httpx.Response(200, stream=Lost(error)), BackendCall("m", text_query("hi"), stream=True), 1024)


async def test_a_connection_that_breaks_its_encoding_between_two_reads_is_a_cut() -> None:
    """What came before is read first, also where nobody has read when the connection is closed."""
    begun, gone = asyncio.Event(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        writer.write(head + b"6\r\ndata: \r\n")
        await begun.wait()
        writer.write(b"no length\r\n")
        await reader.read()  # until it is closed from the other side
        gone.set()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        config = OpenAIBackendConfig.model_validate({"kind": "openai", "base_url": address})
        upstream = Upstream(config, "/chat/completions")
        async with upstream.post(b"", BackendCall("m", text_query("hi"), stream=True)) as response:
            begun.set()
            await gone.wait()
            assert await response.read() == b"data: "
            with pytest.raises(UpstreamCut):
                await response.read()
        await upstream.aclose()


async def test_faults_of_our_own_stay_what_they_are() -> None:
    response = a_response(RuntimeError("a bug"))
    await response.read()
    with pytest.raises(RuntimeError, match="a bug"):
        await response.read()
