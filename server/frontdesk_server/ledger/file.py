"""Notices when the file of an SQLite ledger is deleted or replaced, so that no record goes where nobody finds it."""

from __future__ import annotations

from sqlalchemy import Engine

from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.ledger.engine import sqlite_path
from frontdesk_server.ledger.migrations import migrate
from frontdesk_server.state.sqlite import file_identity


class LedgerFileReplaced(OSError):
    """Another file, or none, lies where the ledger was. What was written last may have gone to the one before."""


class LedgerFile:
    """The file that the engine's connections have open. A PostgreSQL ledger has none, which is never replaced."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._path = sqlite_path(engine)
        self._identity = None if self._path is None else file_identity(self._path)

    def check(self) -> None:
        """Open the new file where there is one, or create it.

        Raises:
            LedgerFileReplaced: it was another one. The new one is used from now on, unless the cause says why not.
        """
        if self._path is None:
            return
        found = file_identity(self._path)
        if found is not None and found == self._identity:
            return
        self._engine.dispose()
        try:
            migrate(self._engine)
        except ConfigError as error:
            raise LedgerFileReplaced(f"{self._path} is of no use") from error
        self._identity = file_identity(self._path)
        raise LedgerFileReplaced(f"{self._path} was deleted or replaced")
