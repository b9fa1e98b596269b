"""A request as faces read it, and the response as they write it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.errors import DeadlineExceeded, FieldViolation, InvalidRequest, RequestTooLarge
from frontdesk_server.faces.status import UnsupportedMediaType
from frontdesk_server.rpc.reasons import InvalidReason

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Headers = Iterable[tuple[str, str]]

_JSON = "application/json"
_EVENTS = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
_LONGEST_VALUE = 4096
DEEPEST = 128
"""Objects and lists within each other that a body may have. Upstreams' requests hold its members some levels deeper,
and orjson writes 254 levels."""


class Gone(Exception):
    """The caller left while its request came in."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request that has come whole; `headers` have their names in lower case."""

    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    query: str = ""

    def json_object(self) -> dict[str, Any]:
        """The body.

        Raises:
            InvalidRequest: it is not a JSON object, or is nested too deep.
            UnsupportedMediaType: it is compressed.
        """
        if (encoding := self.headers.get("content-encoding", "identity").lower()) != "identity":
            raise UnsupportedMediaType(f"content-encoding is {encoding[:32]}; the body has to come as it is")
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise _malformed("the body is not JSON") from error
        if not isinstance(value, dict):
            raise _malformed("the body is not a JSON object")
        if self.body.count(b"{") + self.body.count(b"[") > DEEPEST and is_deeper(value, DEEPEST):
            raise _malformed(f"the body is nested more than {DEEPEST} deep")
        return value


def is_deeper(value: Any, most: int) -> bool:
    """Whether a JSON value has more than so many objects and lists within each other."""
    level = [value]
    for _ in range(most):
        level = [
            child
            for holder in level
            for child in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _malformed(description: str) -> InvalidRequest:
    reason = InvalidReason.MALFORMED_REQUEST.name
    return InvalidRequest([FieldViolation("", description, reason)])


def headers_of(scope: Scope) -> dict[str, str]:
    """The request's headers; of one that comes several times all, joined by commas (RFC 9110, section 5.3)."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


async def read_body(receive: Receive, limit: int, announced: str) -> bytes:
    """The request's body.

    Raises:
        RequestTooLarge: it is longer than the limit.
        Gone: the caller left meanwhile.
    """
    if announced.isdecimal() and int(announced) > limit:
        raise RequestTooLarge(int(announced), limit)
    pieces: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        if event["type"] != "http.request":
            raise Gone
        piece = event.get("body", b"")
        size += len(piece)
        if size > limit:
            raise RequestTooLarge(size, limit)
        pieces.append(piece)
        if not event.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class Reply:
    """The response to one request: one whole body, mostly of JSON, or a stream of server-sent events."""

    __slots__ = ("_clock", "_send", "deadline", "started")

    def __init__(self, send: Send, clock: Clock) -> None:
        self._send = send
        self._clock = clock
        self.started = False
        self.deadline: float | None = None
        """Until when the caller may take its time to read, of the clock's monotonic time."""

    async def document(self, body: Any, headers: Headers = (), status: int = 200) -> None:
        """Send a JSON value, or bytes of JSON."""
        await self.content(_JSON, body if isinstance(body, bytes) else orjson.dumps(body), headers, status)

    async def content(self, kind: str, raw: bytes, headers: Headers = (), status: int = 200) -> None:
        """Send a whole body of this media type."""
        await self._start(status, (("content-type", kind), ("content-length", str(len(raw))), *headers))
        await self._write({"type": "http.response.body", "body": raw, "more_body": False})

    async def begin_events(self, headers: Headers = ()) -> None:
        """Begin a stream of events."""
        await self._start(200, (*_EVENTS, *headers))

    async def events(self, raw: bytes) -> None:
        """Send events, each with its closing blank line."""
        await self._write({"type": "http.response.body", "body": raw, "more_body": True})

    async def end(self, raw: bytes = b"") -> None:
        """End the stream with these events."""
        await self._write({"type": "http.response.body", "body": raw, "more_body": False})

    async def _start(self, status: int, headers: Headers) -> None:
        self.started = True
        encoded = [(name.encode(), _header_value(value)) for name, value in headers]
        await self._write({"type": "http.response.start", "status": status, "headers": encoded})

    async def _write(self, event: Event) -> None:
        """Send. It waits (flow control) for a caller that does not read, at most until the deadline."""
        if self.deadline is None:
            await self._send(event)
            return
        try:
            async with asyncio.timeout(self.deadline - self._clock.monotonic()):
                await self._send(event)
        except TimeoutError as timeout:
            raise DeadlineExceeded("the deadline passed while the caller did not read") from timeout


def _header_value(value: str) -> bytes:
    """What a header can hold: printable ASCII, of bounded length."""
    fitting = value if value.isascii() and value.isprintable() else ascii(value)[1:-1]
    return fitting[:_LONGEST_VALUE].encode("ascii")


def event_of(name: str, data: Any) -> bytes:
    """One named event of JSON data."""
    raw = data if isinstance(data, bytes) else orjson.dumps(data)
    return b"event: %b\ndata: %b\n\n" % (name.encode(), raw)


def data_of(data: Any) -> bytes:
    """One unnamed event of JSON data."""
    return b"data: %b\n\n" % orjson.dumps(data)
