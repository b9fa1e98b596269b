"""Files that are read again when they change, such as certificates that are renewed in place."""

from __future__ import annotations

import time
from pathlib import Path

from frontdesk_server.config.files import read_again

_LOOK_SECONDS = 1.0


class WatchedFiles:
    """Looks at most once a second whether one of the files has changed."""

    def __init__(self, *paths: Path) -> None:
        self._paths = paths
        self._seen = self._stamps()
        self._looked_at = time.monotonic()

    def changed(self) -> bool:
        """Whether a file has changed since it was last seen changed."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_SECONDS:
            return False
        self._looked_at = now
        stamps = self._stamps()
        if stamps == self._seen:
            return False
        self._seen = stamps
        return True

    def read(self) -> list[bytes]:
        """Contents of the files. Raises OSError."""
        return [read_again(path) for path in self._paths]

    def _stamps(self) -> list[tuple[int, int] | None]:
        stamps: list[tuple[int, int] | None] = []
        for path in self._paths:
            try:
                status = path.stat()
            except OSError:
                stamps.append(None)
            else:
                stamps.append((status.st_mtime_ns, status.st_size))
        return stamps
