"""A provider for demonstrations: OpenAI-compatible, on loopback, and it can be killed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import orjson

UNSURE = "unsure"
"""The upstream model that knows no answer."""

STEADY = "steady"
"""The upstream model that answers."""

_ANSWERS = {
    UNSURE: "I'm sorry, I don't know.",
    STEADY: "[demonstration provider] Here the rented model would answer; this text is canned.",
}


class DemoProvider:
    """Serves chat completions over HTTP between entering and leaving, or until it is killed."""

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._connections: set[asyncio.StreamWriter] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.base_url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop, if nobody has killed it."""
        self.kill()

    def kill(self) -> None:
        """Die: stop listening, and cut every connection."""
        self._server.close()
        for writer in self._connections:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                asked = orjson.loads(await reader.readexactly(_content_length(head)))
                writer.write(_response(asked))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # Frontdesk has hung up, or we are dead
        finally:
            self._connections.discard(writer)
            writer.close()


def _content_length(head: bytes) -> int:
    lengths = (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return int(next(lengths, b":0").partition(b":")[2])


def _response(asked: dict[str, Any]) -> bytes:
    text = _ANSWERS[asked["model"]]
    if not asked.get("stream"):
        answer = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop", "index": 0}
        return _http(b"application/json", orjson.dumps({"choices": [answer], "usage": _usage(asked, text)}))
    events = b"".join(b"data: %b\n\n" % orjson.dumps(chunk) for chunk in _chunks(asked, text))
    return _http(b"text/event-stream", events + b"data: [DONE]\n\n")


def _chunks(asked: dict[str, Any], text: str) -> Iterator[dict[str, Any]]:
    for word in text.split(" "):
        yield {"choices": [{"index": 0, "delta": {"content": f"{word} "}}]}
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    yield {"choices": [], "usage": _usage(asked, text)}


def _usage(asked: dict[str, Any], text: str) -> dict[str, int]:
    return {"prompt_tokens": len(orjson.dumps(asked["messages"])) // 4, "completion_tokens": len(text) // 4}


def _http(content_type: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n"
    return head % (content_type, len(body)) + body
