"""An upstream that answers with recorded bytes, and keeps what else it was sent.

A request asks for a recording by the words `REPLAY:id:mode` in a message; the last of them counts. The mode says in
which pieces it comes: `whole`, `r1`, `r2`, … (at random boundaries, by this seed), `b` (of one to seven bytes).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from benchmarks.recordings.corpus import Recording

_ASKED = re.compile(rb"REPLAY:([\w.-]+):(\w+)")
_MAX_PIECES = 600
_PAUSE_SECONDS = 0.0003
_CHAT = {
    "id": "x",
    "object": "chat.completion",
    "model": "d",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
_MESSAGE = {
    "id": "x",
    "type": "message",
    "role": "assistant",
    "model": "d",
    "content": [{"type": "text", "text": "ok"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


class Replay:
    """Serves recordings on loopback; `sent` are the JSON bodies that came, in order."""

    def __init__(self, recordings: Mapping[str, Recording]) -> None:
        self.sent: list[Any] = []
        self.port = 0
        self._recordings = recordings

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Replay]:
        """Listens while the context lasts."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**26)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await _body(head, reader)
                self.sent.append(json.loads(body))
                asked = _ASKED.findall(body)
                if asked:
                    name, mode = (word.decode() for word in asked[-1])
                    await _answer(writer, self._recordings[name], mode)
                else:
                    default = json.dumps(_MESSAGE if b"messages" in head.split(b" ")[1] else _CHAT).encode()
                    await _whole(writer, b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n", default)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            writer.close()


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    length = re.search(rb"(?im)^content-length: (\d+)", head)
    if length:
        return await reader.readexactly(int(length[1]))
    body = b""
    while size := int((await reader.readline()).strip() or b"0", 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


async def _answer(writer: asyncio.StreamWriter, recording: Recording, mode: str) -> None:
    lines = [f"HTTP/1.1 {recording.status} OK", f"content-type: {recording.content_type}"]
    lines += [f"{name}: {value}" for name, value in recording.headers.items() if name != "content-type"]
    head = ("\r\n".join(lines) + "\r\n").encode()
    if mode == "whole":
        await _whole(writer, head, recording.body)
        return
    writer.write(head + b"transfer-encoding: chunked\r\n\r\n")
    for piece in _pieces(recording.body, mode):
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        await writer.drain()
        await asyncio.sleep(_PAUSE_SECONDS)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _whole(writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
    writer.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()


def _pieces(body: bytes, mode: str) -> Iterator[bytes]:
    random = Random(mode)  # noqa: S311 - boundaries, no secrets
    longest = 7 if mode == "b" else max(2, 2 * len(body) // random.choice((3, 10, 30)))
    start = 0
    for _ in range(_MAX_PIECES):
        size = random.randint(1, longest)
        yield body[start : start + size]
        start += size
        if start >= len(body):
            return
    yield body[start:]
