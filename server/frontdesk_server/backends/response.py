"""A response of an upstream as its bytes come, and how they are read: as a stream or as a document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import httpx

from frontdesk_server.backends import event_stream
from frontdesk_server.backends.failures import HTTP_EXCEPTIONS, http_error
from frontdesk_server.backends.headers import received
from frontdesk_server.backends.json_reading import json_value
from frontdesk_server.backends.refusals import error_object
from frontdesk_server.backends.sse import SseEvent, SseReader
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamCut, UpstreamProtocolError, UpstreamResponseTooLong


class Reader(Protocol):
    """Takes a stream's bytes as they come."""

    def feed(self, chunk: bytes) -> Iterator[SseEvent]:
        """Give every event that `chunk` completes."""


_READERS: Mapping[str, Callable[[], Reader]] = {
    "text/event-stream": SseReader,
    event_stream.CONTENT_TYPE: event_stream.EventStreamReader,
}
"""How a stream is read by its content type."""

DOCUMENTS = frozenset(("application/json", ""))
"""Content types of a response that is no stream, or does not say so."""
_BEGIN_JSON = (b"{", b"[")


class Response:
    """A response with status 200 whose body is yet to come."""

    def __init__(self, response: httpx.Response, call: BackendCall, max_bytes: int) -> None:
        said = received(response.headers.raw)
        self.content_type = said.get("content-type", "").partition(";")[0].strip().lower()
        self._call = call
        self._left = self._max_bytes = max_bytes
        packed = said.get("content-encoding", "identity") != "identity"
        self._body = aiter(response.aiter_bytes() if packed else _stream_of(response))
        self._begun = b""

    async def begins_as_json(self) -> bool:
        """Whether what comes first may be JSON; it is read once more."""
        self._begun = await self.read()
        beginning = self._begun.lstrip()
        return not beginning or beginning.startswith(_BEGIN_JSON)

    async def read(self) -> bytes:
        """What has come, at once and undivided; waits for something to come, and is empty at the end."""
        if begun := self._begun:
            self._begun = b""
            return begun
        try:
            chunk = await anext(self._body, b"")
        except HTTP_EXCEPTIONS as error:
            raise http_error(error, self._call.timeouts, read_seconds(self._call), began=True) from error
        self._left -= len(chunk)
        if self._left < 0:
            raise UpstreamResponseTooLong("the response", self._max_bytes)
        return chunk

    async def read_document(self) -> dict[str, Any]:
        """The whole body, a JSON object, whose last brace is its end, wherever the connection has its own."""
        chunks, cut = [], None
        try:
            while chunk := await self.read():
                chunks.append(chunk)
        except UpstreamCut as error:
            cut = error
        try:
            document = json_value(b"".join(chunks))
        except ValueError as error:
            raise cut or UpstreamProtocolError("the response is not valid JSON") from error
        if isinstance(document, dict):
            return document
        raise error_object(document) or UpstreamProtocolError("the response is not a JSON object")


async def reader_of(response: Response, call: BackendCall) -> Reader | None:
    """How a stream is read; None for a document, for some servers do not stream everything.

    Others call their events JSON, or say nothing of them.
    """
    if not call.stream:
        return None
    if response.content_type in _READERS:
        return _READERS[response.content_type]()
    if response.content_type in DOCUMENTS and not await response.begins_as_json():
        return SseReader()
    return None


def read_seconds(call: BackendCall) -> float:
    """How long the upstream may be silent: a unary response is silent until it is generated."""
    timeouts = call.timeouts
    return max(timeouts.first_token_seconds, timeouts.idle_seconds) if call.stream else timeouts.total_seconds


def _stream_of(response: httpx.Response) -> httpx.AsyncByteStream:
    """The raw body, past httpx's decoding and chunking."""
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("an asynchronous client gives asynchronous streams")
    return response.stream
