"""Engines for the two databases, each set up as the ledger's durability demands."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.domain.extras import brought_by
from frontdesk_server.state.sqlite import create_private, write_ahead

Durability = Literal["group", "sync"]

_ADVISORY_LOCK = 0x66726F6E74  # "front"; any number, the same in every replica
_WRITES = "frontdesk_writes"
_BUSY_TIMEOUT_MS = 2_000
_JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024
_LOCK_TIMEOUT_MS = 2_000
_LOCK_NOT_AVAILABLE = "55P03"
_BETWEEN_TRIES_SECONDS = 0.5
_OPTIONS = {
    "application_name": "frontdesk",
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""So that a server that has vanished is noticed; the URL may state others (libpq's names)."""
_POSTGRES_READING = "-c default_transaction_read_only=on -c statement_timeout=%d"
T = TypeVar("T")


def open_engine(
    url: str,
    durability: Durability = "group",
    busy_timeout_ms: int = _BUSY_TIMEOUT_MS,
    *,
    reading_seconds: float | None = None,
) -> Engine:
    """Build an engine; nothing is connected yet.

    With `reading_seconds` PostgreSQL is only read, and at most for so long; whoever only reads SQLite opens its file by
    `read_only`.

    Raises:
        ConfigError: the URL cannot be used.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed, durability, busy_timeout_ms)
        if parsed.get_backend_name() == "postgresql":
            options: dict[str, Any] = {}
            if parsed.get_driver_name() == "psycopg":
                options |= {name: value for name, value in _OPTIONS.items() if name not in parsed.query}
            if reading_seconds is not None:
                stated = parsed.query.get("options", "")
                options["options"] = f"{stated} {_POSTGRES_READING % (reading_seconds * 1000)}".strip()
            return create_engine(parsed, pool_pre_ping=True, pool_size=2, max_overflow=8, connect_args=options)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        # The parser's message may quote a part of the password.
        raise _unusable("not a database URL; special characters of a password are written as %XX") from error
    except ImportError as error:
        raise _unusable(f"its driver {error.name} is missing: {brought_by('postgres')}") from error
    raise _unusable("the ledger is kept in sqlite:///FILE or postgresql+psycopg://…")


def sqlite_path(engine: Engine) -> Path | None:
    """The file of an SQLite ledger; None where the URL names none by its path alone, or is PostgreSQL's."""
    url = engine.url
    if url.get_backend_name() != "sqlite" or not url.database or url.query.get("uri"):
        return None
    return Path(url.database)


def begin_writing(engine: Engine) -> AbstractContextManager[Connection]:
    """Open a transaction that will write.

    SQLite takes its write lock at once: a transaction that turned from reading to writing could not wait for another
    process's lock, it would fail.
    """
    return engine.execution_options(**{_WRITES: True}).begin()


def change_schema(engine: Engine, change: Callable[[Connection], T], *, tries: int = 30) -> T:
    """Change the schema of a PostgreSQL ledger in a transaction while others go on, one replica after the other.

    A change that does not get its locks within two seconds lets the others pass, who wait behind it, and tries again.

    Raises:
        SQLAlchemyError: the last try failed, too, or the change is at fault.
    """
    for left in reversed(range(tries)):
        try:
            with engine.begin() as connection:
                take_turns(connection)
                connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}"))
                return change(connection)
        except DBAPIError as error:
            if not left or getattr(error.orig, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
                raise
        time.sleep(_BETWEEN_TRIES_SECONDS)
    raise AssertionError("the last try returns or raises")


def take_turns(connection: Connection) -> None:
    """Let replicas that start together change the schema, or move rows, one after the other until each has committed.

    SQLite's write lock does that by itself.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def _unusable(message: str) -> ConfigError:
    return ConfigError("ledger", [ConfigFault(message, "ledger.url")])


def _sqlite(url: URL, durability: Durability, busy_timeout_ms: int) -> Engine:
    if url.database in {None, "", ":memory:"}:
        raise _unusable("name a file: an SQLite ledger in memory cannot be shared")
    engine = create_engine(url)
    path = sqlite_path(engine)

    @event.listens_for(engine, "do_connect")
    def _create(*_: object) -> None:
        if path is not None:
            create_private(path)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        # WAL with NORMAL survives a killed process whole; only a power cut can take the last commits, hence FULL.
        connection.execute(f"PRAGMA busy_timeout = {busy_timeout_ms}")
        write_ahead(connection, busy_timeout_ms / 1000)
        for pragma in (
            f"synchronous = {'FULL' if durability == 'sync' else 'NORMAL'}",
            f"journal_size_limit = {_JOURNAL_LIMIT_BYTES}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
