"""An OpenAI-compatible upstream that is never the limit: prepared bytes over a raw asyncio protocol.

`POST /v1/chat/completions` answers at once, `POST /pace/MS/v1/chat/completions` waits so many milliseconds before every
chunk of a stream but the first. A request with `"stream": true` gets 50 chunks and the usage, any other a whole answer.
Nothing of the request is read but its path, its length and whether it streams.

Usage: python -m benchmarks.servers.upstream PORT
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import uvloop

from benchmarks.harness.answers import CHUNKS, sse_events, whole_answer

_HEADERS_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_PACE = re.compile(rb"POST /pace/(\d+)/")
_STREAMS = re.compile(rb'"stream" ?: ?true')
_LAST_CHUNK = b"0\r\n\r\n"


def _chunk(payload: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(payload), payload)


_ANSWER = whole_answer()
_WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(_ANSWER), _ANSWER)
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_EVENTS = [_chunk(event) for event in sse_events()]
_STREAM = _STREAM_HEAD + b"".join(_EVENTS) + _LAST_CHUNK


class Upstream(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._pacing: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it

    def connection_lost(self, error: Exception | None) -> None:
        """Stop a stream that nobody reads."""
        if self._pacing is not None:
            self._pacing.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._received += data
        while (end := self._request_end()) is not None:
            request, self._received = self._received[:end], self._received[end:]
            self._answer(request)

    def _request_end(self) -> int | None:
        head_end = self._received.find(_HEADERS_END)
        if head_end < 0:
            return None
        body_start = head_end + len(_HEADERS_END)
        if length := _LENGTH.search(self._received, 0, body_start):
            end = body_start + int(length[1])
        elif _CHUNKED.search(self._received, 0, body_start):
            end = self._received.find(_LAST_CHUNK, body_start) + len(_LAST_CHUNK)
            if end < body_start + len(_LAST_CHUNK):
                return None
        else:
            end = body_start
        return end if len(self._received) >= end else None

    def _answer(self, request: bytes) -> None:
        assert self._transport is not None
        if not _STREAMS.search(request):
            self._transport.write(_WHOLE)
        elif pace := _PACE.match(request):
            self._pacing = asyncio.get_running_loop().create_task(self._paced(int(pace[1]) / 1000))
        else:
            self._transport.write(_STREAM)

    async def _paced(self, seconds: float) -> None:
        """The stream, one chunk after the other, each at its time."""
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._transport.write(_STREAM_HEAD + _EVENTS[0])
        for number, event in enumerate(_EVENTS[1:CHUNKS], start=1):
            await asyncio.sleep(started + number * seconds - loop.time())
            self._transport.write(event)
        self._transport.write(b"".join(_EVENTS[CHUNKS:]) + _LAST_CHUNK)


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
