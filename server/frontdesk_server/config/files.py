"""Files that the configuration is, or names, and data: read from a path, from standard input, or again."""

from __future__ import annotations

import os
import stat
import sys
from functools import lru_cache
from pathlib import Path
from typing import TextIO

STANDARD = Path("-")
"""Standard input where something is read, standard output where it is written."""


def read(path: Path) -> bytes:
    """The contents of a file, which may also be a pipe, such as a shell's <(…); of `-` those of standard input.

    Raises:
        OSError: it cannot be read.
    """
    return _whole(sys.stdin) if path == STANDARD else path.read_bytes()


@lru_cache(maxsize=1)
def _whole(stream: TextIO) -> bytes:
    """All that it brings: it can be read once, and a command may look at it several times."""
    return stream.buffer.read()


def read_again(path: Path) -> bytes:
    """The contents of a file that has taken the place of one read before.

    What has no end, such as a pipe that nobody writes to, is no file: a thread that waits for it could not be ended,
    and neither could the process.

    Raises:
        OSError: it cannot be read, or is no file.
    """
    if path == STANDARD:
        raise OSError("standard input can be read once only")
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is no file")
        return file.read()
