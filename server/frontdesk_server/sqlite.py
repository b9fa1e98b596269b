"""What the ledger's and the limits' SQLite files have in common."""

from __future__ import annotations

import sqlite3
import time

_COLLISION_SECONDS = 0.01


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
