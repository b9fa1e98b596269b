"""Files that the configuration is, or names, and that are read again while the service runs."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_again(path: Path) -> bytes:
    """The contents of a file that has taken the place of one read before.

    What has no end, such as a pipe that nobody writes to, is no file: a thread that waits for it could not be ended,
    and neither could the process.

    Raises:
        OSError: it cannot be read, or is no file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is no file")
        return file.read()
