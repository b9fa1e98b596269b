"""Log lines on their way out: the call hands a line over, a thread writes what has gathered."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import BinaryIO

_GATHER_SECONDS = 0.02
_MOST_LINES = 20_000


class LineBuffer:
    """Writes lines in their order, within 20 ms, many at a time.

    Where whoever reads them falls 20,000 lines behind, callers write themselves, and so wait: no line is dropped.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lines: deque[bytes] = deque()
        self._filled = threading.Event()
        self._stopping = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="frontdesk-log", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Take a line with its end. After the stop it is written at once."""
        self._lines.append(line)
        if len(self._lines) > _MOST_LINES or self._stopping.is_set():
            self._drain()
        elif not self._filled.is_set():
            self._filled.set()

    def stop(self) -> None:
        """Write what is left; blocks until it is out."""
        self._stopping.set()
        self._filled.set()
        self._thread.join()
        self._drain()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._filled.wait()
            self._stopping.wait(_GATHER_SECONDS)
            self._filled.clear()
            self._drain()

    def _drain(self) -> None:
        with self._writing:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if lines:
                with contextlib.suppress(OSError):  # nobody reads them any more, and here is where that would be told
                    self._file.write(b"".join(lines))
                    self._file.flush()
