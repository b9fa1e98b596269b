"""Whether a ledger can be used, and in which words it is said that it cannot."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.ledger.engine import open_engine, sqlite_path
from frontdesk_server.ledger.faults import on_one_line
from frontdesk_server.state.sqlite import file_fault


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
    if engine.dialect.name == "sqlite" and not database.startswith("file:") and (fault := file_fault(Path(database))):
        raise ConfigError("ledger", [ConfigFault(f"{shown(engine.url)} cannot be used: {fault}", "ledger.url")])


def shown(url: URL) -> str:
    """The URL without its secrets: no password, and no options, which may hold one."""
    return url.set(query={}).render_as_string(hide_password=True)


def cause_of(error: SQLAlchemyError) -> str:
    """What the database itself says, on one line."""
    told = on_one_line(error.orig) if isinstance(error, DBAPIError) else ""
    return told or type(error).__name__


def cause_of_closed(engine: Engine, error: SQLAlchemyError) -> str:
    """Why a ledger could not be opened: what is wrong with its file or folder, else what the database says."""
    path = sqlite_path(engine)
    if path is None:
        return cause_of(error)
    folder = path.absolute().parent
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
        return f"the folder {folder} cannot be written"
    return file_fault(path) or cause_of(error)
