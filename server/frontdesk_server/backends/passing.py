"""Responses that another fetched and that pass by: read as they come, never held up, never changed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping

from frontdesk_server.backends.anthropic_response import AnthropicTranslator
from frontdesk_server.backends.exchange import Translator
from frontdesk_server.backends.json_reading import json_value
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.backends.refusals import status_error
from frontdesk_server.backends.responses_response import ResponsesTranslator
from frontdesk_server.backends.sse import SseReader
from frontdesk_server.domain.errors import UpstreamCut, UpstreamProtocolError
from frontdesk_server.domain.events import BackendEvent

TRANSLATORS: Mapping[str, Callable[[], Translator]] = {
    "openai": OpenAITranslator,
    "anthropic": AnthropicTranslator,
    "openai_responses": ResponsesTranslator,
}
"""By the dialect in which was asked."""

_MAX_ERROR_BODY_BYTES = 64 * 1024
_MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
_MAX_INFLATED_BYTES = 64 * 1024 * 1024
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_INFLATED = frozenset({"gzip", "x-gzip", "deflate"})
_OK = range(200, 300)


class PassingResponse:
    """Takes a response's bytes however they are cut, and gives what they say.

    Encoded bodies are read where the encoding is gzip or deflate. What cannot be read, as it is encoded otherwise, is
    neither JSON nor an event stream, or is a document beyond 8 MiB, says nothing: `unread` is True then.
    """

    def __init__(self, dialect: str, status: int, headers: Mapping[str, str]) -> None:
        self.unread = False
        self._status = status
        self._headers = headers
        self._translator = TRANSLATORS[dialect]()
        self._document = bytearray()
        encoding = headers.get("content-encoding", "identity").strip().lower()
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB) if encoding in _INFLATED else None
        self._inflated = 0
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        self._events = SseReader() if kind == "text/event-stream" and status in _OK else None
        readable = self._events is not None or status not in _OK or kind in ("application/json", "")
        if not readable or (encoding not in _INFLATED and encoding != "identity"):
            self.unread = True

    def feed(self, chunk: bytes) -> Iterator[BackendEvent]:
        """Give what the next bytes say; to be exhausted before the next call.

        Raises:
            UpstreamError: after the events before it, the response says that it has failed.
        """
        data = b"" if self.unread else self._plain(chunk)
        if not data:
            return
        if self._events is not None:
            yield from self._translator.read_events(self._events.feed(data))
        elif self._status in _OK:
            self._document += data
            if len(self._document) > _MAX_DOCUMENT_BYTES:
                self._give_up()
        else:
            self._document += data[: _MAX_ERROR_BODY_BYTES - len(self._document)]

    def end(self) -> Iterator[BackendEvent]:
        """Give what can be said at the response's end: `Finished` last, if an answer has been read.

        Raises:
            UpstreamError: the response was an error, or ended without its end.
        """
        if self._status not in _OK:
            raise status_error(self._status, self._headers, bytes(self._document))
        if self.unread:
            return
        if self._events is None:
            yield from self._translator.read_document(self._read_document())
        elif not self._translator.complete:
            raise UpstreamCut("the stream ended without its end")
        yield self._translator.finished()

    def _read_document(self) -> dict[str, object]:
        try:
            document = json_value(bytes(self._document))
        except ValueError as error:
            raise UpstreamProtocolError("the response is not valid JSON") from error
        if not isinstance(document, dict):
            raise UpstreamProtocolError("the response is not a JSON object")
        return document

    def _plain(self, chunk: bytes) -> bytes:
        """The bytes without their encoding; what expands beyond all measure is left unread."""
        if self._inflate is None:
            return chunk
        try:
            plain = self._inflate.decompress(chunk, _MAX_INFLATED_BYTES - self._inflated + 1)
        except zlib.error:
            self._give_up()
            return b""
        self._inflated += len(plain)
        if self._inflated > _MAX_INFLATED_BYTES:
            self._give_up()
            return b""
        return plain

    def _give_up(self) -> None:
        self.unread = True
        self._document.clear()
