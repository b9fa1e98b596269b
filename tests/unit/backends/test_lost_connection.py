"""A connection that is lost between two reads."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from frontdesk_server.backends.exchange import Response
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


async def test_aiohttps_word_for_a_lost_connection_is_a_cut() -> None:
    response = a_response(RuntimeError("Connection closed."))
    assert await response.read() == b"data: "
    with pytest.raises(UpstreamCut):
        await response.read()


async def test_faults_of_our_own_stay_what_they_are() -> None:
    response = a_response(RuntimeError("a bug"))
    await response.read()
    with pytest.raises(RuntimeError, match="a bug"):
        await response.read()
