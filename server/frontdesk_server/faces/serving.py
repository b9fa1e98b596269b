"""One HTTP request as one call of a face: opened, answered or refused, and abandoned when its caller leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from frontdesk_server.desk.calls import BegunCall, FrontCall, RunningCalls
from frontdesk_server.domain.call import Peer
from frontdesk_server.domain.errors import FieldViolation, FrontdeskError, InvalidRequest
from frontdesk_server.faces.browsers import Pages
from frontdesk_server.faces.http import Gone, HttpRequest, Receive, Reply, Scope, Send, headers_of, read_body
from frontdesk_server.faces.protocol import PEER
from frontdesk_server.rpc.reasons import InvalidReason

_API_KEY = "x-api-key"
_TIMEOUT = "x-frontdesk-timeout-ms"


class Face(Protocol):
    """What one path of a dialect does; `method` is its name in telemetry."""

    @property
    def method(self) -> str:
        """The HTTP method and the path's template."""

    async def answer(self, request: HttpRequest, call: FrontCall, reply: Reply) -> None:
        """Ask the desk, and reply."""

    async def refuse(self, error: FrontdeskError, reply: Reply) -> None:
        """Reply with the error in the dialect's words; nothing has been sent yet."""

    def broken(self, error: FrontdeskError) -> bytes:
        """The event that ends a stream which cannot go on."""


class Serving:
    """Serves faces."""

    def __init__(self, calls: RunningCalls, max_body_bytes: int, pages: Pages | None = None) -> None:
        """`pages` tells whose pages may call; None where the face itself does."""
        self._calls = calls
        self._pages = pages
        self._max_body_bytes = max_body_bytes

    async def serve(self, face: Face, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Its caller is watched while it is answered, for HTTP tells of a leaving only who asks."""
        reply = Reply(send, self._calls.clock)
        metadata = metadata_of(headers_of(scope))
        gone = asyncio.Event()
        serving = asyncio.create_task(self._serve(face, scope, metadata, receive, reply, gone))
        try:
            await serving
        except asyncio.CancelledError:
            if not gone.is_set():
                serving.cancel()
                raise

    async def _serve(
        self,
        face: Face,
        scope: Scope,
        metadata: dict[str, str],
        receive: Receive,
        reply: Reply,
        gone: asyncio.Event,
    ) -> None:
        begun = self._calls.begin(face.method, metadata, gone.is_set)
        remaining: float | None = None
        watching: asyncio.Task[None] | None = None
        try:
            remaining = _timeout_seconds(metadata)
            call = begun.open(peer_of(scope), remaining)
            if self._pages is not None:
                self._pages.admit(scope["method"], metadata, call.caller)
            body = await read_body(receive, self._max_body_bytes, metadata.get("content-length", ""))
            watching = asyncio.create_task(_watch(receive, asyncio.current_task(), gone))
            request = HttpRequest(scope["path"], metadata, body, scope.get("query_string", b"").decode("latin-1"))
            await face.answer(request, call, reply)
        except Gone:
            begun.failed(asyncio.CancelledError(), remaining)
        except BaseException as error:
            await _fail(error, begun, remaining, face, reply)
        else:
            begun.succeeded()
        finally:
            if watching is not None:
                watching.cancel()
            begun.leave()


async def _watch(receive: Receive, serving: asyncio.Task[Any] | None, gone: asyncio.Event) -> None:
    """Cancel the task that serves a caller who leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()
    if serving is not None:
        serving.cancel()


async def _fail(error: BaseException, begun: BegunCall, remaining: float | None, face: Face, reply: Reply) -> None:
    told = begun.failed(error, remaining)
    if told is None:
        raise error
    reply.deadline = None
    if reply.started:
        await reply.end(face.broken(told))
    else:
        await face.refuse(told, reply)


def metadata_of(headers: dict[str, str]) -> dict[str, str]:
    """The headers as the metadata of a call: an `x-api-key`, as Anthropic's clients send it, is the bearer's."""
    key = headers.get(_API_KEY)
    if key and "authorization" not in headers:
        headers["authorization"] = f"Bearer {key}"
    return headers


def peer_of(scope: Scope) -> Peer:
    """The names in the certificate of whom a request is from."""
    peer: Peer = (scope.get("extensions") or {}).get(PEER, tuple)
    return peer


def _timeout_seconds(metadata: Mapping[str, str]) -> float | None:
    """How long the caller waits, as far as it says so."""
    said = metadata.get(_TIMEOUT)
    if said is None:
        return None
    try:
        return max(0.0, int(said) / 1000)
    except ValueError as error:
        violation = FieldViolation(_TIMEOUT, "is no whole number of milliseconds", InvalidReason.MALFORMED_REQUEST.name)
        raise InvalidRequest([violation]) from error
