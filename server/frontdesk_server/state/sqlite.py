"""What the ledger's and the limits' SQLite files have in common."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

_COLLISION_SECONDS = 0.01

FileIdentity = tuple[int, int]
"""Device and inode: what stays the same as long as nobody puts another file in a file's place."""


def create_private(path: Path) -> None:
    """Create the file, where there is none, for its owner alone; SQLite gives its journals the same permissions.

    A file that exists is not even opened: closing it would drop the locks that this process holds on it. Why a file
    cannot be created is for SQLite to say, which tries it next.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def file_identity(path: Path) -> FileIdentity | None:
    """Which file lies there; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def write_ahead(connection: sqlite3.Connection, patience_seconds: float) -> None:
    """Switch to the write-ahead log, which SQLite's busy timeout does not cover: processes that start together collide.

    Raises:
        sqlite3.OperationalError: the file stays locked for longer than the patience.
    """
    give_up = time.monotonic() + patience_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(_COLLISION_SECONDS)


def file_fault(path: Path) -> str:
    """What keeps the file from being a database; empty when nothing does."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if not path.exists():
        return "" if os.access(path.parent, os.W_OK | os.X_OK) else f"the folder {path.parent} cannot be written"
    if not path.is_file():
        return "it is no file"
    if not os.access(path, os.R_OK | os.W_OK):
        return "the file cannot be read and written"
    return _content_fault(path)


def _content_fault(path: Path) -> str:
    # Without a log the file is whole, and reading it as one that does not change puts no log beside it.
    mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:  # another process has it in its hands
        return ""
    except sqlite3.DatabaseError as error:
        return str(error)
    return ""
