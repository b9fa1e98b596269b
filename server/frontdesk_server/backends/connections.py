"""Connections that are kept alive, and closed where the upstream says anything while nobody has asked.

aiohttp hands what an idle connection has received to the next request, as its answer; another caller's. And of a
response that breaks off it throws away what has come and is not read yet. Neither its connector nor its protocol offers
a public hook for these moments, hence two subclasses (of aiohttp 3.14). A third carries the `Passage` of a request to
them.
"""

from __future__ import annotations

import asyncio
import select
from functools import partial
from ssl import SSLContext
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler

from frontdesk_server.backends.passage import Passage

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace


def open_session(max_connections: int, ssl_context: SSLContext, keepalive_seconds: float) -> aiohttp.ClientSession:
    """A session with a pool of its own, for requests of which each goes by the middleware `carried_by` its passage."""
    return aiohttp.ClientSession(
        connector=_OneAnswerConnector(limit=max_connections, ssl=ssl_context, keepalive_timeout=keepalive_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=_PassingRequest,
        auto_decompress=False,
    )


def carried_by(passage: Passage) -> aiohttp.ClientMiddlewareType:
    """The middleware that lets the connector know what becomes of a request."""

    async def carry(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        cast("_PassingRequest", request).passage = passage
        return await handler(request)

    return carry


class _PassingRequest(aiohttp.ClientRequest):
    passage: Passage


class _OneAnswerConnector(aiohttp.TCPConnector):
    """A connector that reuses no connection which has become readable while it was idle."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = cast("partial[ResponseHandler]", partial(_OneAnswerProtocol, loop=self._loop))

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (aiohttp's)
    ) -> Connection:
        """A connection to which the request is written next; a fresh one ends all that idle: they may be lost."""
        passage = cast("_PassingRequest", req).passage
        if passage.fresh:
            for idle, _ in self._conns.pop(req.connection_key, ()):
                idle.close()
        connection = await super().connect(req, traces, timeout)
        passage.leaves()
        return connection

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (aiohttp's)
    ) -> ResponseHandler:
        cast("_PassingRequest", req).passage.connected = True
        return await super()._create_connection(req, traces, timeout)

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        while connection := await super()._get(key, traces):
            protocol = connection.protocol
            if isinstance(protocol, _OneAnswerProtocol) and not protocol.readable:
                protocol.idle = False
                return connection
            connection.close()
        return None

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        super()._release(key, protocol, should_close=should_close)
        if isinstance(protocol, _OneAnswerProtocol):
            protocol.idle = True


class _OneAnswerProtocol(ResponseHandler):
    """A connection that closes when it receives anything while `idle`, and whose loss is told after what came."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.idle = False

    @property
    def readable(self) -> bool:
        """Whether something has arrived that the event loop has not read yet."""
        connected = None if self.transport is None else self.transport.get_extra_info("socket")
        if connected is None or connected.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(connected.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def data_received(self, data: bytes) -> None:
        """Take what has arrived; nothing resumes the parser."""
        if self.idle and data:
            self.close()
        else:
            super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let what has come be read; only then does the reader say that the connection is closed.

        Where it was closed for a broken transfer encoding, aiohttp would let the reader wait for ever.
        """
        payload = self._payload
        super().connection_lost(exc)
        if payload is not None and not payload.is_eof():
            if payload._size:
                payload._exception = None
            elif payload.exception() is None:
                payload.set_exception(aiohttp.ClientPayloadError("the transfer encoding is broken"))
