"""A ledger that is read while it is written: beside the event loop, a few readers at once, each for a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from frontdesk_server.domain.errors import LedgerUnavailable, Overloaded
from frontdesk_server.domain.record import RecordCodec
from frontdesk_server.ledger.read_only import open_to_read
from frontdesk_server.ledger.reader import LedgerReader
from frontdesk_server.ledger.usable import cause_of

Found = TypeVar("Found")

_SECONDS = 5.0
_MOST_WAITING = 16
_RETRY_SECONDS = 1.0


class Readings:
    """Reads one ledger. It has a thread of its own, so that no reading keeps a call's own look-up waiting."""

    def __init__(self, url: str, codec: RecordCodec, *, seconds: float = _SECONDS) -> None:
        self._engine = open_to_read(url, seconds)
        self._reader = LedgerReader(self._engine, codec)
        self._thread = ThreadPoolExecutor(1, "readings")
        self._asked = 0

    async def read(self, look: Callable[[LedgerReader], Found]) -> Found:
        """What `look` finds.

        Raises:
            Overloaded: too many wait already.
            LedgerUnavailable: the ledger does not answer, or not in time.
        """
        if self._asked >= _MOST_WAITING:
            raise Overloaded(f"{self._asked} readings of the ledger wait already", _RETRY_SECONDS)
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, look, self._reader)
        except SQLAlchemyError as error:
            raise LedgerUnavailable(f"the ledger cannot be read: {cause_of(error)}", _RETRY_SECONDS) from error
        finally:
            self._asked -= 1

    async def aclose(self) -> None:
        """Wait for what is being read, and close."""
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)
        self._engine.dispose()
