"""Log lines leave in their order, soon, and all of them."""

from __future__ import annotations

import io
import threading

import pytest
from frontdesk_server.telemetry import line_buffer
from frontdesk_server.telemetry.line_buffer import LineBuffer

LINES = [b"%d\n" % number for number in range(1_000)]


class Reader(io.BytesIO):
    """A file that counts how often it is written to, and waits while nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = threading.Event()
        self.reads.set()
        self.written = threading.Event()
        self.times = 0

    def write(self, data: object) -> int:
        assert self.reads.wait(10)
        self.times += 1
        count = super().write(data)  # type: ignore[arg-type]
        self.written.set()
        return count


def test_a_stop_writes_what_is_left() -> None:
    file = Reader()
    buffer = LineBuffer(file)
    buffer.start()
    for line in LINES:
        buffer.write(line)
    buffer.stop()
    assert file.getvalue() == b"".join(LINES)
    assert file.times < len(LINES) / 10


def test_a_line_leaves_by_itself() -> None:
    file = Reader()
    buffer = LineBuffer(file)
    buffer.start()
    buffer.write(LINES[0])
    assert file.written.wait(10)
    buffer.stop()


def test_a_line_after_the_stop_is_written_at_once() -> None:
    file = Reader()
    buffer = LineBuffer(file)
    buffer.start()
    buffer.stop()
    buffer.write(LINES[0])
    assert file.getvalue() == LINES[0]


def test_no_line_is_dropped_or_overtaken_when_the_reader_falls_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_buffer, "_MOST_LINES", 10)
    file = Reader()
    file.reads.clear()
    buffer = LineBuffer(file)
    buffer.start()
    threading.Timer(0.02, file.reads.set).start()
    for line in LINES:
        buffer.write(line)
    buffer.stop()
    assert file.getvalue() == b"".join(LINES)


def test_a_reader_that_is_gone_hurts_nobody() -> None:
    class Gone(io.BytesIO):
        def write(self, data: object) -> int:
            raise BrokenPipeError

    buffer = LineBuffer(Gone())
    buffer.start()
    for line in LINES:
        buffer.write(line)
    buffer.stop()
