"""HTTP/1.1 connections with bounds: how many, how long a head may be, and how long a request may take to come.

Uvicorn bounds none of the three for httptools.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from frontdesk_server.faces.http import Event, Send

PEER = "frontdesk.peer"
"""The ASGI extension that tells the names in the peer's certificate."""

_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

_STILL_THERE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LOOK_SECONDS = 0.02


class _PeerLogger(logging.LoggerAdapter[logging.Logger]):
    """Adds whose connection it is to what uvicorn writes of it."""

    @property
    def level(self) -> int:
        """What uvicorn asks a logger for."""
        return self.logger.level


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    max_head_bytes: int
    max_connections: int
    read_seconds: float
    _head_bytes = 0
    _in_head = False
    _overdue: asyncio.TimerHandle | None = None
    _looking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or close it where there are too many."""
        if len(self.connections) >= self.max_connections:
            self.transport = transport
            transport.abort()
            return
        super().connection_made(transport)
        if self.client is not None:
            peer = "{}:{}".format(*self.client)
            self.logger = _PeerLogger(self.logger, {"peer": peer})  # type: ignore[assignment]  # an adapter is as good
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._read_in_time()
        if self._looking is not None:
            self._looking.cancel()
        if self in self.connections:
            super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn closes whatever was asked
        """The caller sends no more: it has left, or waits for the answer to what it has sent.

        TCP tells the two apart only when something is sent, which one that has left resets. Before an answer that can
        be a 100 of HTTP/1.1 (RFC 9110, section 15.2); otherwise the caller counts as gone.
        """
        cycle = self.cycle
        waits = cycle is not None and not (cycle.more_body or cycle.response_started or self._in_head)
        if not waits or self.scheme == "https" or self.scope["http_version"] != "1.1":
            return False
        cycle.keep_alive = False
        self.transport.write(_STILL_THERE)
        self._look()
        return True

    def _look(self) -> None:
        """Watch out for the reset, of which no transport tells that has read to the end."""
        if self.transport.is_closing():
            return
        if self.transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.transport.abort()
            return
        self._looking = self.loop.call_later(_LOOK_SECONDS, self._look)

    def data_received(self, data: bytes) -> None:
        """Parse what has come."""
        if self.parser is None or self.transport.is_closing():
            return
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self.max_head_bytes:
                self._refuse_head()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head_bytes, self._in_head = 0, True
        if self._overdue is None:
            self._await_request()
        super().on_message_begin()
        self.scope["extensions"] = {PEER: partial(_names_of, self.transport)}  # type: ignore[dict-item]  # ours is callable

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self._in_head = False
        if sum(len(name) + len(value) for name, value in self.headers) > self.max_head_bytes:
            self._refuse_head()
            return
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0" and self.cycle is not None:
            self.cycle.send = _without_chunks(self.cycle)  # type: ignore[method-assign,assignment]

    def on_body(self, body: bytes) -> None:
        """A piece of its body is there."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._read_in_time()
        if not self.transport.is_closing():
            super().on_message_complete()

    def _await_request(self) -> None:
        self._overdue = self.loop.call_later(self.read_seconds, self.transport.close)

    def _read_in_time(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _refuse_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_TOO_LONG)
            self.transport.close()


def bounded(max_head_bytes: int, max_connections: int, read_seconds: float) -> type[BoundedProtocol]:
    """The protocol with these bounds."""
    bounds: Mapping[str, Any] = {
        "max_head_bytes": max_head_bytes,
        "max_connections": max_connections,
        "read_seconds": read_seconds,
    }
    return type("Bounded", (BoundedProtocol,), dict(bounds))


def _without_chunks(cycle: RequestResponseCycle) -> Send:
    """How to send to HTTP/1.0, which knows no chunks: a body of untold length ends with the connection.

    RFC 9112, sections 6.1 and 6.3. Uvicorn would send it in chunks, too.
    """
    send = cycle.send
    is_told = True

    async def sending(event: Event) -> None:
        nonlocal is_told
        if event["type"] == "http.response.start":
            is_told = any(name.lower() == b"content-length" for name, _ in event["headers"])
            if not is_told:
                cycle.chunked_encoding = False
        elif not is_told:
            cycle.expected_content_length = len(event.get("body", b""))  # all that uvicorn holds this piece to
        await send(event)  # type: ignore[arg-type]  # uvicorn has types for each event

    return sending


def _names_of(transport: asyncio.Transport) -> tuple[str, ...]:
    connection = transport.get_extra_info("ssl_object")
    certificate = None if connection is None else connection.getpeercert(binary_form=True)
    if not certificate:
        return ()
    from frontdesk_server.rpc.certificate_names import certificate_names  # and cryptography, which most need not

    return certificate_names(ssl.DER_cert_to_PEM_cert(certificate).encode())
