"""The upstream's sockets: HTTP/1.1 by hand, so that it can break every rule."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

import orjson

from tests.upstream.dialects import AnthropicDialect, Dialect, OpenAIDialect
from tests.upstream.script import HEALTHY, Fault, Script

_DIALECTS: Mapping[str, Dialect] = {
    "/v1/chat/completions": OpenAIDialect(),
    "/v1/messages": AnthropicDialect(),
}
_CHUNKED_END = b"0\r\n\r\n"


@dataclass(slots=True, eq=False)
class SeenRequest:
    """A request as it arrived, and how its connection fared. Instants are those of `time.perf_counter`."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    connection: int
    arrived_at: float
    answered_at: float | None = None
    """When the last byte of the response was handed to the socket; None while that has not happened."""
    aborted_at: float | None = None
    """When the client closed the connection before the response was over; None when it did not."""
    tokens_sent: int = 0
    progressed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the script has come to its fault or its end."""
    aborted: asyncio.Event = field(default_factory=asyncio.Event)


class FaultyUpstream:
    """An upstream for one test: `async with FaultyUpstream() as upstream`.

    Requests take the scripts given to `enqueue` in order, then `script`, which may be a function of the request. With
    `tls` it speaks HTTPS.
    """

    def __init__(
        self, script: Script | Callable[[SeenRequest], Script] = HEALTHY, tls: ssl.SSLContext | None = None
    ) -> None:
        self.script = script
        self._tls = tls
        self.requests: list[SeenRequest] = []
        """Every request that arrived whole, those dropped by `close_when_reused` excepted."""
        self.connections_opened = 0
        self.requests_dropped = 0
        self._enqueued: deque[Script] = deque()
        self._open: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._arrival = asyncio.Condition()
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    @property
    def openai_url(self) -> str:
        """`base_url` of an OpenAI-compatible backend."""
        return f"{self.anthropic_url}/v1"

    @property
    def anthropic_url(self) -> str:
        """`base_url` of an Anthropic backend."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> int:
        """Connections that stand now."""
        return len(self._open)

    @property
    def running_requests(self) -> int:
        """Requests whose client still waits for the end of the response."""
        return sum(connection._current is not None for connection in self._open)

    def enqueue(self, *scripts: Script) -> None:
        """Let the next requests be answered so, in this order."""
        self._enqueued.extend(scripts)

    async def listen(self) -> None:
        """Accept connections, after `refuse` at the same port again."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Close the port and every connection: an outage."""
        if self._server is not None:
            self._server.close()
            self._server = None
        connections = list(self._open)
        for connection in connections:
            connection.reset()
        for connection in connections:
            await connection.lost.wait()

    async def request(self, index: int) -> SeenRequest:
        """The request of that index, as soon as it has arrived."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.requests) > index)
        return self.requests[index]

    async def _accept(self, request: SeenRequest) -> Script:
        async with self._arrival:
            self.requests.append(request)
            self._arrival.notify_all()
        if self._enqueued:
            return self._enqueued.popleft()
        return self.script(request) if callable(self.script) else self.script


class _Connection(asyncio.Protocol):
    """One connection of a client; requests are answered one after the other."""

    def __init__(self, upstream: FaultyUpstream) -> None:
        self.lost = asyncio.Event()
        self._upstream = upstream
        self._received = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._current: SeenRequest | None = None
        self._doomed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by inheritance
        self._upstream.connections_opened += 1
        self._number = self._upstream.connections_opened
        self._upstream._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._current is not None:
            self._current.aborted_at = time.perf_counter()
            self._current.aborted.set()
        if self._task is not None:
            self._task.cancel()
        self._upstream._open.discard(self)
        self.lost.set()

    def data_received(self, data: bytes) -> None:
        self._received += data
        request = self._whole_request()
        if request is None:
            return
        if self._doomed:
            self._upstream.requests_dropped += 1
            self._transport.close()
            return
        self._current = request
        self._task = asyncio.get_running_loop().create_task(self._answer(request))

    def reset(self) -> None:
        """Close with RST rather than FIN."""
        self._over()
        if sock := self._transport.get_extra_info("socket"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def close(self) -> None:
        """Close with FIN."""
        self._over()
        self._transport.close()

    def _whole_request(self) -> SeenRequest | None:
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            if not body.endswith(_CHUNKED_END):
                return None
            body = _unchunked(body)
        elif len(body) < int(headers.get("content-length", 0)):
            return None
        self._received.clear()
        document = orjson.loads(bytes(body)) if body else {}
        return SeenRequest(first.split(" ")[1], headers, document, self._number, time.perf_counter())

    async def _answer(self, request: SeenRequest) -> None:
        script = await self._upstream._accept(request)
        dialect = _DIALECTS.get(request.path)
        if script.first_token_seconds:
            await asyncio.sleep(script.first_token_seconds)
        if dialect is None:
            self._send_whole(404, "application/json", b'{"error":{"message":"no such path"}}')
        elif not await self._answer_at_once(request, script, dialect):
            if request.body.get("stream"):
                await self._stream(request, script, dialect)
            else:
                await self._unary(request, script, dialect)
        if self._current is not None:
            request.answered_at = time.perf_counter()
        self._over()
        request.progressed.set()
        self._doomed = script.close_when_reused

    async def _answer_at_once(self, request: SeenRequest, script: Script, dialect: Dialect) -> bool:
        """Play the faults that are the same streamed and unary; False when the script has none of them."""
        error = orjson.dumps(dialect.error(script))
        match script.fault:
            case Fault.RESET:
                self.reset()
            case Fault.CLOSE:
                self.close()
            case Fault.HANG_BEFORE_HEADERS:
                await self._hang(request)
            case Fault.STATUS:
                self._send_whole(script.status, "application/json", error, script.headers)
            case Fault.ERROR_BODY:
                self._send_whole(200, "application/json", error)
            case Fault.WRONG_CONTENT_TYPE:
                self._send_whole(200, "text/html", b"<html><body>Welcome</body></html>")
            case _:
                return False
        return True

    async def _unary(self, request: SeenRequest, script: Script, dialect: Dialect) -> None:
        body = orjson.dumps(dialect.document(script, request.body))
        half = len(body) // 2
        match script.fault:
            case Fault.ERROR_OBJECT:
                body = orjson.dumps(dialect.error(script))
            case Fault.MALFORMED_CHUNK | Fault.CUT_CLEANLY:
                body = body[:half]
            case Fault.INVALID_UTF8:
                body = body.replace(b'"', b'"\xff\xfe', 1)
            case Fault.ENORMOUS_LINE:
                body = b" " * script.line_bytes + body
            case Fault.GZIP:
                self._send_whole(200, "application/json", gzip.compress(body), {"content-encoding": "gzip"})
                return
            case Fault.HANG | Fault.CUT | Fault.RESET_AFTER | Fault.MALFORMED_ENCODING:
                self._begin(200, {"content-type": "application/json", "transfer-encoding": "chunked"})
                self._send_chunk(body[:half])
                await self._break(request, script.fault)
                return
        self._send_whole(200, "application/json", body)

    async def _stream(self, request: SeenRequest, script: Script, dialect: Dialect) -> None:
        frames = dialect.frames(script, request.body)
        headers = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}
        if script.fault is Fault.GZIP:
            whole = b"".join((*frames.opening, *frames.tokens, *frames.closing))
            self._begin(200, {**headers, "content-encoding": "gzip"})
            self._transport.write(_chunk(gzip.compress(whole)) + _CHUNKED_END)
            return
        self._begin(200, headers)
        for frame in frames.opening:
            self._send_chunk(frame)
        for frame in frames.tokens[: script.after_tokens]:
            await self._send_token(request, script, frame)
        match script.fault:
            case Fault.HANG | Fault.CUT | Fault.RESET_AFTER | Fault.MALFORMED_ENCODING:
                await self._break(request, script.fault)
                return
            case Fault.CUT_CLEANLY:
                self._transport.write(_CHUNKED_END)
                return
            case Fault.MALFORMED_CHUNK:
                self._send_chunk(b'data: {"choices": [{"delta"\n\n')
            case Fault.INVALID_UTF8:
                self._send_chunk(b'data: {"x": "\xff\xfe"}\n\n')
            case Fault.ENORMOUS_LINE:
                self._send_chunk(b"data: " + b"x" * script.line_bytes)
            case Fault.ERROR_OBJECT:
                self._send_chunk(dialect.error_frame(script))
                self._transport.write(_CHUNKED_END)
                return
        for frame in frames.tokens[script.after_tokens :]:
            await self._send_token(request, script, frame)
        self._transport.write(b"".join(map(_chunk, frames.closing)) + _CHUNKED_END)

    async def _send_token(self, request: SeenRequest, script: Script, frame: bytes) -> None:
        if script.interval_seconds:
            await asyncio.sleep(script.interval_seconds)
        self._send_chunk(frame)
        request.tokens_sent += 1

    async def _break(self, request: SeenRequest, fault: Fault) -> None:
        match fault:
            case Fault.HANG:
                await self._hang(request)
            case Fault.CUT:
                self.close()
            case Fault.RESET_AFTER:
                await asyncio.sleep(0.02)  # a reset overtakes what the client has not read yet
                self.reset()
            case Fault.MALFORMED_ENCODING:
                self._transport.write(b"this is no chunk size\r\n")
                self.close()

    async def _hang(self, request: SeenRequest) -> None:
        request.progressed.set()
        await self.lost.wait()

    def _over(self) -> None:
        """The response is over, for better or worse: from here on a closed connection is no abort."""
        self._current = None

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        self._transport.write("\r\n".join(lines).encode() + b"\r\n\r\n")

    def _send_whole(
        self, status: int, content_type: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        self._begin(status, {"content-type": content_type, "content-length": str(len(body)), **(headers or {})})
        self._transport.write(body)

    def _send_chunk(self, data: bytes) -> None:
        self._transport.write(_chunk(data))


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _unchunked(body: bytearray) -> bytearray:
    """A body without its transfer encoding."""
    plain = bytearray()
    while (size := int(body.partition(b"\r\n")[0], 16)) > 0:
        begin = body.index(b"\r\n") + 2
        plain += body[begin : begin + size]
        body = body[begin + size + 2 :]
    return plain
