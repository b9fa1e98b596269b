"""The way out to one upstream: a pool of connections behind httpx's transport, without httpx's client around it.

Without a client there are no redirects to follow, no cookies to keep, and no proxies, keys or certificates to take from
the environment. HTTP/1.1 goes by aiohttp, whose pool stays fast when hundreds of requests wait; HTTP/2 by httpcore.
"""

from __future__ import annotations

from functools import lru_cache
from ssl import SSLContext
from typing import Protocol

import aiohttp
import httpx

from frontdesk_server.backends.connections import carried_by, open_session
from frontdesk_server.backends.passage import Passage
from frontdesk_server.config.upstream import UpstreamConfig

KEEPALIVE_SECONDS = 30.0


class Sender(Protocol):
    """Sends by one pool of connections."""

    async def send(self, request: httpx.Request, passage: Passage) -> httpx.Response:
        """Send a request; the response's body is yet to come. Raises what `failures.HTTP_EXCEPTIONS` holds."""

    async def aclose(self) -> None:
        """Close every connection."""


class UpstreamTransport(httpx.AsyncBaseTransport):
    """Sends once more, on a fresh connection, what a kept-alive connection lost before any byte of the response came.

    A server may close an idle connection in the moment it is reused; nothing was processed then. A request's extension
    `dispatch` is told when it may have left.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; at most twice."""
        passage = Passage(request.extensions.get("dispatch"))
        try:
            return await self._sender.send(request, passage)
        except (httpx.TransportError, aiohttp.ClientError) as error:
            if passage.connected or not _lost_without_response(error):
                raise
        return await self._sender.send(request, Passage(passage.dispatch, fresh=True))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._sender.aclose()


def build_transport(config: UpstreamConfig) -> UpstreamTransport:
    """The way out to the upstream that is configured, with its certificates and its bound on connections."""
    sender = _HttpcoreSender if config.http2 else _AiohttpSender
    if config.ca_file is None:
        ssl_context = _known_authorities(sender)
    else:
        ssl_context = httpx.create_ssl_context(trust_env=False)
        ssl_context.load_verify_locations(config.ca_file)
    return UpstreamTransport(sender(config.max_connections, ssl_context))


@lru_cache
def _known_authorities(sender: type[Sender]) -> SSLContext:
    """Shared by upstreams that trust no further one: they take long to read. httpcore writes its protocols into its."""
    return httpx.create_ssl_context(trust_env=False)


def timeout_of(connect_seconds: float, read_seconds: float) -> dict[str, float]:
    """The extension `timeout` of a request: also a connection that becomes free is waited for as for a new one."""
    return {"connect": connect_seconds, "pool": connect_seconds, "read": read_seconds, "write": read_seconds}


class _AiohttpSender:
    def __init__(self, max_connections: int, ssl_context: SSLContext) -> None:
        self._max_connections = max_connections
        self._ssl_context = ssl_context
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: httpx.Request, passage: Passage) -> httpx.Response:
        if self._session is None:  # which only a running loop can build
            self._session = open_session(self._max_connections, self._ssl_context, KEEPALIVE_SECONDS)
        timeout = request.extensions["timeout"]
        try:
            response = await self._session.request(
                request.method,
                str(request.url),
                headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                data=await request.aread(),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    connect=timeout["pool"], sock_connect=timeout["connect"], sock_read=timeout["read"]
                ),
                middlewares=(carried_by(passage),),
            )
        except aiohttp.ConnectionTimeoutError:
            if passage.connected:
                raise
            raise httpx.PoolTimeout("no connection became free", request=request) from None
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response), request=request)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class _HttpcoreSender:
    """Knows no `fresh`: httpcore closes every idle connection that the server has closed before it takes one."""

    def __init__(self, max_connections: int, ssl_context: SSLContext) -> None:
        limits = httpx.Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=KEEPALIVE_SECONDS,
        )
        self._transport = httpx.AsyncHTTPTransport(verify=ssl_context, trust_env=False, http2=True, limits=limits)

    async def send(self, request: httpx.Request, passage: Passage) -> httpx.Response:
        request.extensions["trace"] = passage.trace
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


class _Body(httpx.AsyncByteStream):
    """The bytes of a response as they come, and not decoded."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._protocol = None if response.connection is None else response.connection.protocol

    def __aiter__(self) -> _Body:
        return self

    async def __anext__(self) -> bytes:
        try:
            if chunk := await self._response.content.readany():
                return chunk
        except RuntimeError as error:
            if self._protocol is None or self._protocol.connected:
                raise
            raise aiohttp.ClientPayloadError("the connection was lost between two reads") from error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._response.release()
        await self._response.wait_for_close()


def _lost_without_response(error: Exception) -> bool:
    match error:
        case aiohttp.ServerDisconnectedError(message=str()):  # otherwise it holds the response's first lines
            return True
        case aiohttp.ClientConnectorError():
            return False
        case _:
            lost = aiohttp.ClientOSError | httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError
            return isinstance(error, lost)
