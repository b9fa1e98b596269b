"""Counters in an SQLite file that all workers of a machine share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import structlog

from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.defects import DefectCounter, report_defect
from frontdesk_server.state.limits.counter_file import CounterFile
from frontdesk_server.state.limits.store import Change, Hold, LimitStoreError

log = structlog.get_logger()

_MAX_BATCH = 256
_MAX_BACKLOG = 10_000


@dataclass(frozen=True, slots=True)
class _Reserving:
    holds: Sequence[Hold]
    answer: asyncio.Future[int | None]


@dataclass(frozen=True, slots=True)
class _Correcting:
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class _Looking:
    keys: Sequence[str]
    answer: asyncio.Future[list[int]]


_Job = _Reserving | _Correcting
_Answer = int | LimitStoreError | None


class SqliteLimitStore:
    """Counters in a file. One thread does all its I/O and commits what has queued up as one transaction.

    A job that cannot be applied fails alone, whatever is wrong with it, and the thread goes on.
    """

    def __init__(self, path: Path, clock: Clock, defects: DefectCounter | None = None) -> None:
        self._defects = defects
        self._file = CounterFile(path, clock)
        self._jobs: SimpleQueue[_Job | _Looking | None] = SimpleQueue()
        self._backlog: list[Change] = []
        self._thread: Thread | None = None

    async def reserve(self, holds: Sequence[Hold]) -> int | None:
        """Add all the amounts or none."""
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._submit(_Reserving(holds, answer))
        return await answer

    def change(self, changes: Sequence[Change]) -> None:
        """Correct counters; while the file cannot be written, up to 10,000 corrections wait for it."""
        self._submit(_Correcting(changes))

    async def values(self, keys: Sequence[str]) -> list[int]:
        """What counters stand at, with all that was queued before."""
        answer: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._submit(_Looking(keys, answer))
        return await answer

    async def aclose(self) -> None:
        """Apply what is queued, then close the file."""
        if self._thread is not None:
            self._submit(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _submit(self, job: _Job | _Looking | None) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._work, name="limits", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    # What follows runs in the thread.

    def _work(self) -> None:
        closing = False
        while not closing:
            batch = self._next_batch()
            closing = batch[-1] is None
            jobs: list[_Job] = [job for job in batch if isinstance(job, _Reserving | _Correcting)]
            if self._backlog:
                jobs.insert(0, _Correcting(self._backlog))
                self._backlog = []
            _resolve(jobs, self._perform(jobs))
            for job in batch:
                if isinstance(job, _Looking):
                    self._look(job)
        self._file.close()

    def _look(self, job: _Looking) -> None:
        try:
            found: list[int] | LimitStoreError = self._file.values(job.keys)
        except LimitStoreError as error:
            found = error
        except Exception as error:
            report_defect("limits", error, self._defects)
            found = LimitStoreError(f"counters cannot be read: {type(error).__name__}")
        _hand_over([(job.answer, found)])

    def _next_batch(self) -> list[_Job | _Looking | None]:
        """Everything that is queued, at least one job; the closing None comes last."""
        batch = [self._jobs.get()]
        with contextlib.suppress(Empty):
            while batch[-1] is not None and len(batch) < _MAX_BATCH:
                batch.append(self._jobs.get_nowait())
        return batch

    def _perform(self, jobs: Sequence[_Job]) -> list[_Answer]:
        """One answer a job. Never raises: jobs that fail together are tried one by one, to find which one does."""
        try:
            return [*self._file.apply([job.holds if isinstance(job, _Reserving) else job.changes for job in jobs])]
        except LimitStoreError as error:
            for job in jobs:
                if isinstance(job, _Correcting):
                    self._keep(job.changes)
            return [error] * len(jobs)
        except Exception as error:
            if len(jobs) > 1:
                return [answer for job in jobs for answer in self._perform([job])]
            return [self._failed(jobs[0], error)]

    def _failed(self, job: _Job, error: Exception) -> LimitStoreError:
        """A job is at fault, or we are. Of several corrections only those at fault are lost."""
        if isinstance(job, _Correcting) and len(job.changes) > 1:
            self._perform([_Correcting([change]) for change in job.changes])
        else:
            report_defect("limits", error, self._defects)
            if isinstance(job, _Correcting):
                log.error("limits.corrections_lost", count=len(job.changes))
        return LimitStoreError(f"a reservation cannot be applied: {type(error).__name__}")

    def _keep(self, changes: Sequence[Change]) -> None:
        room = _MAX_BACKLOG - len(self._backlog)
        self._backlog += changes[:room]
        if len(changes) > room:
            log.error("limits.corrections_lost", count=len(changes) - room)


def _resolve(jobs: Sequence[_Job], answers: Sequence[_Answer]) -> None:
    waiting = [(job.answer, answer) for job, answer in zip(jobs, answers, strict=True) if isinstance(job, _Reserving)]
    if waiting:
        _hand_over(waiting)


def _hand_over(waiting: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    """Hand answers, or the errors in their place, over to the event loop, in one wake-up."""

    def resolve() -> None:
        for future, answer in waiting:
            if future.cancelled():
                continue
            if isinstance(answer, LimitStoreError):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        waiting[0][0].get_loop().call_soon_threadsafe(resolve)
