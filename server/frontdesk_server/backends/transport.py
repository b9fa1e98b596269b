"""The HTTP client of one backend: httpx on the aiohttp transport, or on its own for HTTP/2."""

from __future__ import annotations

from contextvars import ContextVar
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from frontdesk_server.backends.connections import OneAnswerConnector
from frontdesk_server.config.upstream import UpstreamConfig
from frontdesk_server.domain.backend import Dispatch

KEEPALIVE_SECONDS = 30.0

_sending: ContextVar[Dispatch | None] = ContextVar("sending", default=None)
"""What is told when the running task's request begins to be written, which a request's extension "dispatch" names."""
_connected: ContextVar[bool] = ContextVar("connected", default=False)
"""Whether a connection has been made for the request that the running task sends."""


class RetryOnFreshConnection(httpx.AsyncBaseTransport):
    """Sends once more, on a fresh connection, what a kept-alive connection lost before any byte of the response came.

    A server may close an idle connection in the moment it is reused; nothing was processed then.
    """

    def __init__(self, pooled: httpx.AsyncBaseTransport, fresh: httpx.AsyncBaseTransport) -> None:
        self._pooled = pooled
        self._fresh = fresh

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; at most twice."""
        _connected.set(False)
        _sending.set(request.extensions.get("dispatch"))
        try:
            return await self._pooled.handle_async_request(request)
        except httpx.TransportError as error:
            if _waited_for_others(error):
                raise httpx.PoolTimeout("no connection became free", request=request) from None
            if _connected.get() or not _lost_without_response(error):
                raise
        return await self._fresh.handle_async_request(request)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pooled.aclose()
        await self._fresh.aclose()


def build_client(config: UpstreamConfig) -> httpx.AsyncClient:
    """A client that keeps connections alive, follows no redirect, keeps no cookie, and ignores the environment."""
    ssl_context = httpx.create_ssl_context(trust_env=False)
    if config.ca_file is not None:
        ssl_context.load_verify_locations(config.ca_file)
    build = _httpcore_transport if config.http2 else _aiohttp_transport
    pooled, fresh = (build(config.max_connections, ssl_context, keep_alive) for keep_alive in (True, False))
    return httpx.AsyncClient(
        transport=RetryOnFreshConnection(pooled, fresh),
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


def _aiohttp_transport(max_connections: int, ssl_context: SSLContext, keep_alive: bool) -> httpx.AsyncBaseTransport:
    def session() -> aiohttp.ClientSession:  # which only a running loop can build
        options: dict[str, Any] = {"keepalive_timeout": KEEPALIVE_SECONDS} if keep_alive else {"force_close": True}
        return aiohttp.ClientSession(
            connector=OneAnswerConnector(limit=max_connections, ssl=ssl_context, **options),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[_connection_trace()],
        )

    return AiohttpTransport(verify=ssl_context, trust_env=False, client=session)


def _httpcore_transport(max_connections: int, ssl_context: SSLContext, keep_alive: bool) -> httpx.AsyncBaseTransport:
    limits = httpx.Limits(
        max_connections=max_connections,
        max_keepalive_connections=max_connections if keep_alive else 0,
        keepalive_expiry=KEEPALIVE_SECONDS,
    )
    return httpx.AsyncHTTPTransport(verify=ssl_context, trust_env=False, http2=True, limits=limits)


async def trace_connection(event: str, info: dict[str, Any]) -> None:
    """What httpcore calls for a request whose extensions name it as `trace`: notes how far the request has come."""
    if event == "connection.connect_tcp.started":
        _connected.set(True)
    elif event.endswith(".send_request_headers.started"):
        _leaves()


def _connection_trace() -> aiohttp.TraceConfig:
    async def note(session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
        _connected.set(True)

    async def note_leaving(session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
        _leaves()

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(note)
    trace.on_request_headers_sent.append(note_leaving)
    return trace


def _leaves() -> None:
    if (dispatch := _sending.get()) is not None:
        dispatch.left = True


def _waited_for_others(error: httpx.TransportError) -> bool:
    """Whether every connection was busy, which aiohttp does not tell from one that is made too slowly."""
    return isinstance(error.__cause__, aiohttp.ConnectionTimeoutError) and not _connected.get()


def _lost_without_response(error: httpx.TransportError) -> bool:
    match error.__cause__:
        case aiohttp.ServerDisconnectedError(message=str()):  # otherwise it holds the response's first lines
            return True
        case aiohttp.ClientConnectorError():
            return False
        case aiohttp.ClientOSError():
            return True
        case aiohttp.ClientError():
            return False
        case _:
            return isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError)
