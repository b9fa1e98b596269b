"""The SQLite file of the limits' counters, as the one thread that works on it sees it.

SQL otherwise stops in `ledger/`. These counters are no records: they change with every call, must be exact across
processes before a call may go out, and are thrown away when their windows end. So they have a file of their own, whose
lock no ledger write ever holds, and need two statements of plain SQL instead of a schema with migrations.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import structlog

from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.unusable import in_words
from frontdesk_server.state.limits.store import MOST, Change, Hold, LimitStoreError, saturated
from frontdesk_server.state.sqlite import FileIdentity, create_private, file_identity, write_ahead

log = structlog.get_logger()

_BUSY_SECONDS = 2.0
_SWEEP_SECONDS = 60.0
_SCHEMA = "CREATE TABLE IF NOT EXISTS counter (key TEXT PRIMARY KEY, value INTEGER, ends_at REAL) WITHOUT ROWID"
_READ = "SELECT value FROM counter WHERE key = ?"
_ADD = """INSERT INTO counter (key, value, ends_at) VALUES (:key, max(0, :amount), :ends_at)
           ON CONFLICT (key) DO UPDATE SET value = min(:most, max(0, value + :amount))"""
_FAULTS_OF_THE_CONTENT = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.NotSupportedError,
    sqlite3.ProgrammingError,
)


class CounterFile:
    """Applies transactions; opens the file when it is first needed, and again when it fails or is replaced."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._identity: FileIdentity | None = None
        self._sweep_at = 0.0

    def apply(self, work: Sequence[Sequence[Hold] | Sequence[Change]]) -> list[int | None]:
        """Apply everything in one transaction, in order; for each the index of the first hold without room.

        Raises:
            LimitStoreError: the file cannot be used at the moment; nothing was applied.
            Exception: something cannot be applied whatever the file; nothing was.
        """
        try:
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            self._sweep(connection)
            answers = [_apply(connection, one) for one in work]
            connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.Error | OSError) and not isinstance(error, _FAULTS_OF_THE_CONTENT):
                raise LimitStoreError(f"{self._path}: {in_words(error)}") from error
            raise
        return answers

    def values(self, keys: Sequence[str]) -> list[int]:
        """What counters stand at.

        Raises:
            LimitStoreError: the file cannot be used at the moment.
        """
        try:
            connection = self._open()
            rows = [connection.execute(_READ, (key,)).fetchone() for key in keys]
        except (sqlite3.Error, OSError) as error:
            raise LimitStoreError(f"{self._path}: {error}") from error
        return [row[0] if row else 0 for row in rows]

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and file_identity(self._path) != self._identity:
            # Whoever deleted the file meant to forget what was used, but other processes count in the new one.
            log.warning("limits.file_replaced", path=str(self._path))
            self.close()
        if self._connection is None:
            create_private(self._path)
            connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
            try:
                write_ahead(connection, _BUSY_SECONDS)
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(_SCHEMA)
                self._identity = file_identity(self._path)
                if self._identity is None:
                    raise FileNotFoundError("it was deleted while it was opened")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _roll_back(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):  # what cannot be rolled back is when the file is opened again
                self._connection.rollback()

    def _sweep(self, connection: sqlite3.Connection) -> None:
        if self._clock.monotonic() >= self._sweep_at:
            connection.execute("DELETE FROM counter WHERE ends_at <= ?", (self._clock.now().timestamp(),))
            self._sweep_at = self._clock.monotonic() + _SWEEP_SECONDS


def _apply(connection: sqlite3.Connection, work: Sequence[Hold] | Sequence[Change]) -> int | None:
    for index, one in enumerate(work):
        if isinstance(one, Hold):
            row = connection.execute(_READ, (one.key,)).fetchone()
            if (row[0] if row else 0) + one.amount > one.limit:
                return index
    rows = [{"key": one.key, "amount": saturated(one.amount), "ends_at": one.ends_at, "most": MOST} for one in work]
    connection.executemany(_ADD, rows)
    return None
