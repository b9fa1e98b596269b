"""Server-sent events out of raw bytes (WHATWG HTML, section 9.2.6), however the network splits them."""

from __future__ import annotations

from dataclasses import dataclass

from frontdesk_server.domain.errors import UpstreamProtocolError

MAX_EVENT_BYTES = 8 * 1024 * 1024
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class SseEvent:
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

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Give every event that `chunk` completes.

        Raises:
            UpstreamProtocolError: a line is not UTF-8, or an event is longer than allowed.

        """
        end_of_lines = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
        if not end_of_lines:
            self._keep(chunk)
            return []
        events = self._read(self._complete_lines(chunk[:end_of_lines]))
        if end_of_lines < len(chunk):
            self._keep(chunk[end_of_lines:])
        return events

    def _keep(self, partial_line: bytes) -> None:
        self._partial_line.append(partial_line)
        self._partial_size += len(partial_line)
        if self._event_size + self._partial_size > self._max_event_bytes:
            raise self._too_long()

    def _complete_lines(self, block: bytes) -> list[str]:
        if self._partial_line:
            self._partial_line.append(block)
            block = b"".join(self._partial_line)
            self._partial_line.clear()
            self._partial_size = 0
        try:
            text = block.decode()
        except UnicodeDecodeError as error:
            raise UpstreamProtocolError("the event stream is not UTF-8") from error
        if self._at_start:
            self._at_start = False
            text = text.removeprefix(_BYTE_ORDER_MARK)
        if "\r" in text or self._after_carriage_return:
            text = self._normalised(text)
        lines = text.split("\n")
        lines.pop()
        return lines

    def _normalised(self, text: str) -> str:
        """With every line ended by a newline; a CRLF may be split between two chunks."""
        if self._after_carriage_return:
            text = text.removeprefix("\n")
        self._after_carriage_return = text.endswith("\r")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _read(self, lines: list[str]) -> list[SseEvent]:
        events = []
        data = self._data
        size = self._event_size
        for line in lines:
            if not line:
                if data:
                    events.append(SseEvent(self._type, data[0] if len(data) == 1 else "\n".join(data)))
                    data.clear()
                self._type = ""
                size = 0
                continue
            size += len(line)
            if size > self._max_event_bytes:
                raise self._too_long()
            field, _, value = line.partition(":")
            if field == "data":
                data.append(value.removeprefix(" "))
            elif field == "event":
                self._type = value.removeprefix(" ")
        self._event_size = size
        return events

    def _too_long(self) -> UpstreamProtocolError:
        return UpstreamProtocolError(f"an event is longer than {self._max_event_bytes} bytes")
