"""One request to an upstream API and the reading of its response, streamed or unary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import httpx

from frontdesk_server.backends.failures import HTTP_EXCEPTIONS, http_error
from frontdesk_server.backends.headers import RepeatedHeaders, encoded, received
from frontdesk_server.backends.json_reading import json_bytes
from frontdesk_server.backends.masking import SecretMask
from frontdesk_server.backends.refusals import status_error
from frontdesk_server.backends.refused_settings import attributed
from frontdesk_server.backends.response import DOCUMENTS, Reader, Response, read_seconds, reader_of
from frontdesk_server.backends.signon import KeyHeaders, bearer, build_sign_on
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.backends.transport import build_transport, timeout_of
from frontdesk_server.config.upstream import UpstreamConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import (
    UpstreamCut,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRequestRefused,
)
from frontdesk_server.domain.events import BackendEvent, Batch, Finished
from frontdesk_server.domain.model import Timeouts

_MAX_ERROR_BODY_BYTES = 64 * 1024
_MAX_QUOTED_CHARACTERS = 300
_REQUEST_IDS = ("x-request-id", "request-id", "x-generation-id", "apim-request-id", "x-amzn-requestid")
"""Headers in which providers say their own id of a call, which their support asks for."""
_MOST_ID_CHARACTERS = 200
_USAGE_SECONDS = 5.0
"""How long usage may take after the finish reason; half the idle timer at most, which else would take the answer."""
_END_SECONDS = 1.0
"""How long the end marker may take after usage."""
_LINGER_SECONDS = 0.02
"""How long the connection may take to become reusable after the end marker."""

_DOUBTFUL = (401, 403)
"""Statuses after which what was shown may be over before its time."""

Path = str | Callable[[BackendCall], str]
"""What follows the root of an API, or how it follows from a call; it may bring a query of its own."""


class Translator(Protocol):
    """Turns one response of an API into events."""

    @property
    def complete(self) -> bool:
        """Whether the answer is complete; usage may still follow."""

    @property
    def counted(self) -> bool:
        """Whether usage has come."""

    @property
    def ended(self) -> bool:
        """Whether nothing more follows."""

    def read_events(self, events: Iterable[SseEvent]) -> Iterable[BackendEvent]:
        """The deltas in the events of one network read; those before a failure come before it is raised."""

    def read_document(self, document: dict[str, Any]) -> Iterable[BackendEvent]:
        """The deltas in a whole unary response, and what it reports of usage before a failure is raised."""

    def finished(self) -> Finished:
        """The end, once complete."""


class Upstream:
    """One upstream API at its address, with its sign-on and its connections."""

    def __init__(
        self,
        config: UpstreamConfig,
        path: Path,
        key_headers: KeyHeaders = bearer,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`path` follows the root; `key_headers` are those in which the API expects a key.

        Raises:
            SignOnUnusable: the sign-on cannot be used as it is configured.

        """
        self._base = httpx.URL(config.root)
        self._path = path
        self._urls: dict[str, httpx.URL] = {}
        fixed = {"host": self._base.netloc.decode(), "content-type": "application/json", "user-agent": "frontdesk"}
        self._headers = {
            streamed: RepeatedHeaders({**fixed, "accept": accept, "accept-encoding": encoding, **(headers or {})})
            for streamed, accept, encoding in (
                (True, "text/event-stream", "identity"),
                (False, "application/json", "gzip, deflate"),
            )
        }
        self._own = {name.lower(): value.get_secret_value() for name, value in config.headers.items()}
        self._key_headers = key_headers
        self._sign_on = build_sign_on(config, key_headers)
        self._mask = SecretMask(())
        self._masked: tuple[str, ...] = ()
        self._max_response_bytes = config.max_response_bytes
        self._transport: httpx.AsyncBaseTransport = build_transport(config)

    @asynccontextmanager
    async def post(self, content: bytes, call: BackendCall) -> AsyncIterator[Response]:
        """Send a request; leaving the context before the response's end aborts it upstream.

        Raises:
            UpstreamError: there is no response with status 200.

        """
        request = await self._request(content, call)
        try:
            response = await self._transport.handle_async_request(request)
        except HTTP_EXCEPTIONS as error:
            raise http_error(error, call.timeouts, read_seconds(call), began=False) from error
        said = received(response.headers.raw)
        ids = (said.get(name, "") for name in _REQUEST_IDS)
        call.dispatch.request_id = next(filter(None, ids), "")[:_MOST_ID_CHARACTERS]
        try:
            if response.status_code != 200:
                if response.status_code in _DOUBTFUL and not call.key:
                    self._sign_on.doubt()
                raise await self._refusal(response, call)
            yield Response(response, call, self._max_response_bytes)
        finally:
            await response.aclose()

    def quote(self, message: str, key: str = "") -> str:
        """What the upstream said, shortened, with our credentials masked, and the caller's own key."""
        if not message:
            return ""
        secrets = (*self._own.values(), *self._sign_on.secrets(), *([key] if key else []))
        if secrets != self._masked:
            self._mask, self._masked = SecretMask(secrets), secrets
        return self._mask.mask(message, _MAX_QUOTED_CHARACTERS)

    async def aclose(self) -> None:
        """Close every connection, and renew no more."""
        await self._sign_on.aclose()
        await self._transport.aclose()

    async def _request(self, content: bytes, call: BackendCall) -> httpx.Request:
        url = self._url(call)
        repeated = self._headers[call.stream]
        if call.key:  # nothing of ours may take its place
            signed = repeated.signed_once({**self._own, **self._key_headers(call.key)})
        else:
            signed = repeated.signed({**await self._sign_on.headers(str(url), content), **self._own})
        return httpx.Request(
            "POST",
            url,
            headers=[*signed, (b"content-length", b"%d" % len(content)), *encoded(call.headers)],
            stream=httpx.ByteStream(content),  # as content, it would cost the headers another pass
            extensions={
                "timeout": timeout_of(call.timeouts.connect_seconds, read_seconds(call)),
                "dispatch": call.dispatch,
            },
        )

    def _url(self, call: BackendCall) -> httpx.URL:
        """The root's query, if it has one, stays behind the path."""
        path = self._path if isinstance(self._path, str) else self._path(call)
        url = self._urls.get(path)
        if url is None:
            own_path, _, query = path.partition("?")
            raw_path = self._base.raw_path.partition(b"?")[0].decode().rstrip("/") + own_path
            query = "&".join(filter(None, (self._base.query.decode(), query)))
            target = f"{raw_path}?{query}" if query else raw_path
            url = self._urls[path] = self._base.copy_with(raw_path=target.encode())
        return url

    async def _refusal(self, response: httpx.Response, call: BackendCall) -> UpstreamError:
        body = bytearray()
        reader = Response(response, call, self._max_response_bytes)
        try:
            while len(body) < _MAX_ERROR_BODY_BYTES and (chunk := await reader.read()):
                body += chunk
        except UpstreamError:
            pass  # the status says enough
        return status_error(response.status_code, response.headers, bytes(body))


async def converse(
    upstream: Upstream, build: Callable[[BackendCall], dict[str, Any]], translator: Translator, call: BackendCall
) -> AsyncGenerator[Batch]:
    """Send what `build` makes of the call and yield what `translator` makes of every read, `Finished` last of all."""
    call.dispatch.left = False
    try:
        async with upstream.post(_body(build, call), call) as response:
            if reader := await reader_of(response, call):
                while not translator.complete:
                    chunk = await response.read()
                    if not chunk:
                        raise UpstreamCut("the stream ended without its end")
                    batch, failure = _before_failure(translator.read_events(reader.feed(chunk)))
                    if batch:
                        yield batch
                    if failure is not None:
                        raise failure
                batch = await _tail(response, reader, translator, call.timeouts)
            elif response.content_type in DOCUMENTS:
                batch, failure = _before_failure(translator.read_document(await response.read_document()))
                if failure is not None:
                    if batch:
                        yield batch
                    raise failure
            else:
                raise UpstreamProtocolError("unexpected content type", quoted=response.content_type)
    except UpstreamError as error:
        error.quoted = upstream.quote(error.quoted, call.key)
        error.own_key = bool(call.key)
        if isinstance(error, UpstreamRequestRefused) and error.refusal is not None:
            error.refusal = attributed(error.refusal, build, call)
        raise
    yield [*batch, translator.finished()]


def _before_failure(events: Iterable[BackendEvent]) -> tuple[list[BackendEvent], Exception | None]:
    """The events until their reading fails, and why it did."""
    batch: list[BackendEvent] = []
    try:
        for event in events:
            batch.append(event)  # noqa: PERF402 - what came before a failure is kept
    except Exception as failure:  # raised by the caller, once the events are gone
        return batch, failure
    return batch, None


async def _tail(response: Response, reader: Reader, translator: Translator, timeouts: Timeouts) -> list[BackendEvent]:
    """Read what follows a complete answer: usage, the end marker, and the end which frees the connection."""
    events: list[BackendEvent] = []
    now = asyncio.get_running_loop().time
    usage_seconds = min(_USAGE_SECONDS, timeouts.idle_seconds / 2)
    try:
        async with asyncio.timeout(usage_seconds) as timer:
            waits_for_usage = True
            while not translator.ended:
                if waits_for_usage and translator.counted:
                    waits_for_usage = False
                    timer.reschedule(now() + min(_END_SECONDS, usage_seconds))
                chunk = await response.read()
                if not chunk:
                    return events
                events.extend(translator.read_events(reader.feed(chunk)))
            timer.reschedule(now() + _LINGER_SECONDS)
            while await response.read():
                pass
    except (TimeoutError, UpstreamError):
        pass  # the answer is complete all the same
    return events


def _body(build: Callable[[BackendCall], dict[str, Any]], call: BackendCall) -> bytes:
    try:
        return json_bytes(build(call))
    except (TypeError, ValueError) as error:
        raise UpstreamRequestRefused(f"the request cannot be built: {type(error).__name__}") from error
