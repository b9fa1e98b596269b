"""A small HTTP server on loopback that shows requests as they came over the wire, byte by byte."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs

import orjson


@dataclass(frozen=True, slots=True)
class RawRequest:
    """`target` is path and query as they were sent; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query, as it was sent."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> Mapping[str, str]:
        """The query's values."""
        return {name: values[0] for name, values in parse_qs(self.target.partition("?")[2]).items()}

    @property
    def form(self) -> Mapping[str, str]:
        """The body as a form."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """Sent at once, or chunk by chunk where there are `chunks`."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Sequence[bytes] = ()
    chunk_seconds: float = 0.0


def json_answer(document: Any, status: int = 200, **headers: str) -> RawAnswer:
    """An answer of JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RawAnswer(status, orjson.dumps(document), headers=named)


class Loopback:
    """`async with Loopback(handler) as server`; requests are kept in order."""

    def __init__(self, handler: Callable[[RawRequest], RawAnswer], tls: ssl.SSLContext | None = None) -> None:
        self.handler = handler
        self.requests: list[RawRequest] = []
        self._tls = tls
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        while self._writers:
            await asyncio.sleep(0)

    @property
    def url(self) -> str:
        """Its root."""
        return f"{'http' if self._tls is None else 'https'}://localhost:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                request = await self._request(reader)
                self.requests.append(request)
                await self._answer(writer, self.handler(request))
        except (asyncio.IncompleteReadError, OSError):
            pass  # the client has gone
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> RawRequest:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, target, _ = first.split(" ")
        return RawRequest(method, target, headers, body)

    async def _answer(self, writer: asyncio.StreamWriter, answer: RawAnswer) -> None:
        headers = {"content-type": answer.content_type, **answer.headers}
        if answer.chunks:
            headers["transfer-encoding"] = "chunked"
        else:
            headers["content-length"] = str(len(answer.body))
        lines = [f"HTTP/1.1 {answer.status} Told", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body)
        for chunk in answer.chunks:
            if answer.chunk_seconds:
                await asyncio.sleep(answer.chunk_seconds)
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()
        if answer.chunks:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
