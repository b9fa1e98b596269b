"""AWS event streams: binary messages with checksums, however the network splits them.

A message is a prelude (its whole length, the length of its headers, a checksum of both), headers, payload, and a
checksum of all before. Source: AWS, "Event stream encoding" (vnd.amazon.eventstream).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from zlib import crc32

from frontdesk_server.backends.json_reading import json_text
from frontdesk_server.backends.sse import MAX_EVENT_BYTES, SseEvent
from frontdesk_server.domain.errors import UpstreamProtocolError, UpstreamResponseTooLong

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_PRELUDE = struct.Struct("!III")
_CHECKSUM = struct.Struct("!I")
_SHORT = struct.Struct("!H")
_LEAST_BYTES = _PRELUDE.size + _CHECKSUM.size
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type: true, false, integers, a timestamp, a UUID."""
_OF_SOME_LENGTH = (6, 7)
"""Bytes and text, whose lengths come first."""


class EventStreamReader:
    """Takes bytes as they come and gives the messages that are complete, their types and payloads as text.

    An event is of its `:event-type`, an exception of its `:exception-type`; an error without a type of its own is an
    "error", whose payload is made of its headers.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._needed = _PRELUDE.size

    def feed(self, chunk: bytes) -> Iterator[SseEvent]:
        """Give every message that `chunk` completes; to be exhausted before the next call.

        Raises:
            UpstreamProtocolError: after the messages before it, one is broken, or longer than allowed.

        """
        self._pieces.append(chunk)
        self._size += len(chunk)
        if self._size < self._needed:
            return
        data = b"".join(self._pieces)
        start = 0
        try:
            while len(data) - start >= (length := self._length(data, start)):
                end = start + length
                yield _event(data, start, end)
                start = end
        finally:
            self._pieces = [data[start:]]
            self._size = len(data) - start

    def _length(self, data: bytes, start: int) -> int:
        """Bytes of the message that starts here, or how many it takes to know."""
        self._needed = _PRELUDE.size
        if len(data) - start < self._needed:
            return self._needed
        total, headers, checksum = _PRELUDE.unpack_from(data, start)
        if crc32(data[start : start + _PRELUDE.size - _CHECKSUM.size]) != checksum:
            raise UpstreamProtocolError("a prelude of the event stream does not match its checksum")
        if total > self._max_event_bytes:
            raise UpstreamResponseTooLong("an event", self._max_event_bytes)
        if total < _LEAST_BYTES + headers:
            raise UpstreamProtocolError("a message of the event stream is shorter than its parts")
        self._needed = total
        return int(total)


def _event(data: bytes, start: int, end: int) -> SseEvent:
    payload_end = end - _CHECKSUM.size
    if crc32(data[start:payload_end]) != _CHECKSUM.unpack_from(data, payload_end)[0]:
        raise UpstreamProtocolError("a message of the event stream does not match its checksum")
    headers_start = start + _PRELUDE.size
    headers_end = headers_start + _PRELUDE.unpack_from(data, start)[1]
    try:
        headers = dict(_headers(data, headers_start, headers_end))
        payload = data[headers_end:payload_end].decode()
    except (LookupError, struct.error, UnicodeDecodeError) as error:
        raise UpstreamProtocolError("a message of the event stream is not of the form that AWS promises") from error
    if headers.get(":message-type") == "error":
        code, message = headers.get(":error-code", ""), headers.get(":error-message", "")
        return SseEvent("error", json_text({"code": code, "message": message}))
    return SseEvent(headers.get(":event-type") or headers.get(":exception-type", ""), payload)


def _headers(data: bytes, start: int, end: int) -> Iterator[tuple[str, str]]:
    """The headers that are text; others are passed over."""
    while start < end:
        name_end = start + 1 + data[start]
        name, kind = data[start + 1 : name_end].decode(), data[name_end]
        start = name_end + 1
        if kind not in _OF_SOME_LENGTH:
            start += _SIZES[kind]
            continue
        length = _SHORT.unpack_from(data, start)[0]
        start += _SHORT.size
        if kind == 7:
            yield name, data[start : start + length].decode()
        start += length
    if start != end:
        raise LookupError("headers end beyond their end")
