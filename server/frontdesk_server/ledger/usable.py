"""Whether a ledger can be used, and in which words it is said that it cannot."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.ledger.engine import open_engine


def check_ledger(url: str) -> None:
    """Look at what the URL names without connecting to a server, creating or changing anything; empty is no ledger.

    Raises:
        ConfigError: the URL is none of a ledger, or its file cannot be one.
    """
    if not url:
        return
    engine = open_engine(url)
    engine.dispose()
    database = engine.url.database or ""
    if engine.dialect.name == "sqlite" and not database.startswith("file:") and (fault := _file_fault(Path(database))):
        raise ConfigError("ledger", [ConfigFault(f"{shown(engine.url)} cannot be used: {fault}", "ledger.url")])


def shown(url: URL) -> str:
    """The URL without its secrets: no password, and no options, which may hold one."""
    return url.set(query={}).render_as_string(hide_password=True)


def cause_of(error: SQLAlchemyError) -> str:
    """What the database itself says, on one line."""
    told = str(error.orig).strip() if isinstance(error, DBAPIError) else ""
    return told.splitlines()[0] if told else type(error).__name__


def _file_fault(path: Path) -> str:
    """What keeps the file from being a ledger; empty when nothing does."""
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
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:  # another process has it in its hands
        return ""
    except sqlite3.DatabaseError as error:
        return str(error)
    return ""
