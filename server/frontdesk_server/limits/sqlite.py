"""Counters in an SQLite file that all workers of a machine share.

SQL otherwise stops in `ledger/`. These counters are no records: they change with every call, must be exact across
processes before a call may go out, and are thrown away when their windows end. So they have a file of their own, whose
lock no ledger write ever holds, and need two statements of plain SQL instead of a schema with migrations.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

import structlog

from frontdesk_server.domain.clock import Clock
from frontdesk_server.limits.store import Change, Hold, LimitStoreError
from frontdesk_server.sqlite import write_ahead

log = structlog.get_logger()

_MAX_BATCH = 256
_BUSY_SECONDS = 2.0
_SWEEP_SECONDS = 60.0
_MAX_BACKLOG = 10_000
_SCHEMA = "CREATE TABLE IF NOT EXISTS counter (key TEXT PRIMARY KEY, value INTEGER, ends_at REAL) WITHOUT ROWID"
_READ = "SELECT value FROM counter WHERE key = ?"
_ADD = """INSERT INTO counter (key, value, ends_at) VALUES (:key, max(0, :amount), :ends_at)
          ON CONFLICT (key) DO UPDATE SET value = max(0, value + :amount)"""


@dataclass(frozen=True, slots=True)
class _Reserving:
    holds: Sequence[Hold]
    answer: asyncio.Future[int | None]


_Job = _Reserving | Sequence[Change] | None


class SqliteLimitStore:
    """Counters in a file. One thread does all its I/O and commits what has queued up as one transaction."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._backlog: list[Change] = []
        self._sweep_at = 0.0
        self._thread: Thread | None = None

    async def reserve(self, holds: Sequence[Hold]) -> int | None:
        """Add all the amounts or none."""
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._submit(_Reserving(holds, answer))
        return await answer

    def change(self, changes: Sequence[Change]) -> None:
        """Correct counters; while the file cannot be written, up to 10,000 corrections wait for it."""
        self._submit(changes)

    async def aclose(self) -> None:
        """Apply what is queued, then close the file."""
        if self._thread is not None:
            self._submit(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _submit(self, job: _Job) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._work, name="limits", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def _work(self) -> None:
        connection: sqlite3.Connection | None = None
        closing = False
        while not closing:
            batch = self._next_batch()
            closing = batch[-1] is None
            reserving = [job for job in batch if isinstance(job, _Reserving)]
            try:
                connection = connection or self._connect()
                answers: list[int | None] | LimitStoreError = self._apply(connection, batch)
            except sqlite3.Error as error:
                if connection is not None:
                    with contextlib.suppress(sqlite3.Error):
                        connection.rollback()
                self._keep([change for job in batch if isinstance(job, Sequence) for change in job])
                answers = LimitStoreError(f"{self._path}: {error}")
            _answer(reserving, answers)
        if connection is not None:
            connection.close()

    def _next_batch(self) -> list[_Job]:
        """Everything that is queued, at least one job; the closing None comes last."""
        batch = [self._jobs.get()]
        with contextlib.suppress(Empty):
            while batch[-1] is not None and len(batch) < _MAX_BATCH:
                batch.append(self._jobs.get_nowait())
        return batch

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
        write_ahead(connection, _BUSY_SECONDS)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(_SCHEMA)
        return connection

    def _apply(self, connection: sqlite3.Connection, batch: Sequence[_Job]) -> list[int | None]:
        connection.execute("BEGIN IMMEDIATE")
        if self._clock.monotonic() >= self._sweep_at:
            connection.execute("DELETE FROM counter WHERE ends_at <= ?", (self._clock.now().timestamp(),))
            self._sweep_at = self._clock.monotonic() + _SWEEP_SECONDS
        _add(connection, self._backlog)
        answers = []
        for job in batch:
            if isinstance(job, _Reserving):
                answers.append(_reserve(connection, job.holds))
            elif job is not None:
                _add(connection, job)
        connection.execute("COMMIT")
        self._backlog.clear()
        return answers

    def _keep(self, changes: list[Change]) -> None:
        room = _MAX_BACKLOG - len(self._backlog)
        self._backlog += changes[:room]
        if len(changes) > room:
            log.error("limits.corrections_lost", count=len(changes) - room)


def _reserve(connection: sqlite3.Connection, holds: Sequence[Hold]) -> int | None:
    for index, hold in enumerate(holds):
        row = connection.execute(_READ, (hold.key,)).fetchone()
        if (row[0] if row else 0) + hold.amount > hold.limit:
            return index
    _add(connection, holds)
    return None


def _add(connection: sqlite3.Connection, changes: Sequence[Hold | Change]) -> None:
    connection.executemany(_ADD, [{"key": c.key, "amount": c.amount, "ends_at": c.ends_at} for c in changes])


def _answer(reserving: Sequence[_Reserving], answers: list[int | None] | LimitStoreError) -> None:
    """Hand the answers over to the event loop, in one wake-up."""
    if not reserving:
        return

    def resolve() -> None:
        for index, job in enumerate(reserving):
            if job.answer.cancelled():
                continue
            if isinstance(answers, LimitStoreError):
                job.answer.set_exception(answers)
            else:
                job.answer.set_result(answers[index])

    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        reserving[0].answer.get_loop().call_soon_threadsafe(resolve)
