"""SQLite ledgers as those open them who only read: nothing is written, created or converted, a stranger's file least.

A ledger keeps a write-ahead log, and SQLite needs the file's folder to read along with whoever writes. Where the folder
cannot be written and nobody writes the ledger, its file is read as one that does not change.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, create_engine, event

from frontdesk_server.domain.errors import ConfigError, ConfigFault, LedgerUnavailable
from frontdesk_server.ledger.engine import open_engine, sqlite_path
from frontdesk_server.ledger.schema import SCHEMA_VERSION

_BUSY_SECONDS = 2.0
_STEPS_BETWEEN_LOOKS = 20_000
"""Instructions of SQLite's machine, some milliseconds' worth, after which it is looked whether its time is over."""
_TABLES = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"


def open_to_read(url: str, seconds: float | None = None) -> Engine:
    """An engine for a ledger that exists; that of an SQLite file cannot write. No reading takes longer than `seconds`.

    Raises:
        ConfigError: the URL cannot be used, or names no ledger.
        LedgerUnavailable: the file cannot be read.
    """
    engine = open_engine(url, reading_seconds=seconds)
    if engine.dialect.name != "sqlite":
        return engine
    engine.dispose()
    path = sqlite_path(engine)
    if path is None or not path.is_file():
        raise ConfigError("ledger", [ConfigFault(f"there is no file {engine.url.database}", "ledger.url")])
    if not os.access(path, os.R_OK):
        raise LedgerUnavailable(f"{path} cannot be read: permission denied")
    if not _is_ledger(path):
        raise ConfigError("ledger", [ConfigFault(f"{path} is no ledger of Frontdesk's", "ledger.url")])
    return _engine(path, seconds)


def _engine(path: Path, seconds: float | None) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = _connected(path)
        if seconds is not None:
            over = time.monotonic() + seconds
            connection.set_progress_handler(lambda: time.monotonic() > over, _STEPS_BETWEEN_LOOKS)
        return connection

    # Every reading opens the file anew: another may lie there, and whether somebody writes it may have changed.
    engine = create_engine(f"sqlite:///{path}", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _is_ledger(path: Path) -> bool:
    # As a file that does not change, where it is whole: else reading would put a log beside a stranger's database.
    try:
        with closing(_connected(path, unchanging=not _size_of_log(path))) as connection:
            return connection.execute(_TABLES, (SCHEMA_VERSION.name,)).fetchone() is not None
    except sqlite3.OperationalError as error:
        raise LedgerUnavailable(f"{path} cannot be read: {error}") from error
    except sqlite3.DatabaseError:  # it is no database at all
        return False


def _connected(path: Path, *, unchanging: bool = False) -> sqlite3.Connection:
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK) and not _beside(path, "-shm").exists():
        if _size_of_log(path):
            message = f"{path.absolute().parent} cannot be written, which reading {_beside(path, '-wal').name} needs"
            raise LedgerUnavailable(f"{path} cannot be read: {message}; copy both into another folder")
        unchanging = True
    mode = "mode=ro&immutable=1" if unchanging else "mode=ro"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _size_of_log(path: Path) -> int:
    try:
        return _beside(path, "-wal").stat().st_size
    except OSError:
        return 0


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
