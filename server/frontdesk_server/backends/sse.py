"""Server-sent events out of raw bytes (WHATWG HTML, section 9.2.6), however the network splits them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from frontdesk_server.domain.errors import UpstreamProtocolError, UpstreamResponseTooLong

MAX_EVENT_BYTES = 8 * 1024 * 1024
_BYTE_ORDER_MARK = "\ufeff"


class SseEvent(NamedTuple):
    """One event: its type, empty when none was given, and its data lines joined by newlines."""

    type: str
    data: str


class SseReader:
    """Takes bytes as they come and gives the events that are complete.

    An event which no blank line ends is never given, as the standard demands.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._partial_line: list[bytes] = []
        self._partial_size = 0
        self._event_size = 0
        self._type = ""
        self._data: list[str] = []
        self._at_start = True
        self._after_carriage_return = False

    def feed(self, chunk: bytes) -> Iterator[SseEvent]:
        """Give every event that `chunk` completes; to be exhausted before the next call.

        Raises:
            UpstreamProtocolError: after the events before it, a line is not UTF-8.
            UpstreamResponseTooLong: likewise, an event is longer than allowed.

        """
        end_of_lines = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
        if end_of_lines:
            yield from self._read(self._complete(chunk[:end_of_lines]))
        if end_of_lines < len(chunk):
            self._partial_line.append(chunk[end_of_lines:])
            self._partial_size += len(chunk) - end_of_lines
            self._check_size(self._partial_size)

    def _complete(self, block: bytes) -> bytes:
        if self._partial_line:
            self._partial_line.append(block)
            block = b"".join(self._partial_line)
            self._partial_line.clear()
            self._partial_size = 0
        return block

    def _read(self, block: bytes) -> Iterator[SseEvent]:
        try:
            text = block.decode()
        except UnicodeDecodeError as error:
            yield from self._read_lines(block[: error.start].decode())
            raise UpstreamProtocolError("the event stream is not UTF-8") from error
        yield from self._read_lines(text)

    def _read_lines(self, text: str) -> Iterator[SseEvent]:
        """Read whole lines; what follows the last line end is ignored."""
        if self._at_start:
            self._at_start = False
            text = text.removeprefix(_BYTE_ORDER_MARK)
        if "\r" in text or self._after_carriage_return:
            text = self._normalised(text)
        lines = text.split("\n")
        lines.pop()
        for line in lines:
            if line:
                self._check_size(len(line))
                self._event_size += len(line)
                field, _, value = line.partition(":")
                if field == "data":
                    self._data.append(value.removeprefix(" "))
                elif field == "event":
                    self._type = value.removeprefix(" ")
                elif field == "error":  # which llama.cpp writes for an event of this type
                    self._type = "error"
                    self._data.append(value.removeprefix(" "))
                continue
            event = SseEvent(self._type, "\n".join(self._data)) if self._data else None
            self._type, self._event_size = "", 0
            if event is not None:
                self._data.clear()
                yield event

    def _normalised(self, text: str) -> str:
        """With every line ended by a newline; a CRLF may be split between two chunks."""
        if self._after_carriage_return:
            text = text.removeprefix("\n")
        self._after_carriage_return = text.endswith("\r")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _check_size(self, more: int) -> None:
        if self._event_size + more > self._max_event_bytes:
            raise UpstreamResponseTooLong("an event", self._max_event_bytes)
