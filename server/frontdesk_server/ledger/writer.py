"""Group commit off the request path.

Records wait in a bounded queue; one thread takes them, up to `max_batch` at a time and no later than `flush_ms` after
the first, encodes them and commits them in one transaction.

Back-pressure: a record is taken only if, at the pace of the last commits, it will be committed within `max_lag_ms`,
and if fewer than `max_queue` wait; else its caller waits for the next commit. So what a killed process loses is what it
was given in the last `flush_ms` + `max_lag_ms`. While the store fails (disk full, locked, unreachable, or it has said
nothing for two seconds) nobody waits: batches are tried again with growing pauses, records are kept in memory up to
`max_queue`, and those beyond are dropped and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from frontdesk_server.domain.decision import RoutedQuery
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.record import DropReason, RecordCodec
from frontdesk_server.ledger.batch import Batch, DecisionEntry, Entry, SettlementEntry, encode
from frontdesk_server.ledger.content import ContentPolicy
from frontdesk_server.ledger.faults import record_at_fault, told_by
from frontdesk_server.ledger.monitor import LedgerMonitor
from frontdesk_server.ledger.waiters import release, settle

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 5.0
_SWEEP_SECONDS = 60.0
_FIRST_PACE_SECONDS = 0.0002
_END_SECONDS = 1.0
"""How long a stop waits beyond its time for a store that is trying."""


class BatchStore(Protocol):
    """What the writer writes to."""

    def write(self, batch: Batch) -> list[bool | None]:
        """Commit a batch; for every outcome whether it replaced one, None where the decision is unknown."""


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """How records are grouped.

    `stall_seconds` bounds how long callers wait for a store that says nothing, `drain_seconds` how long a stop tries to
    write what waits.
    """

    flush_seconds: float = 0.05
    max_batch: int = 500
    max_queue: int = 20_000
    max_lag_seconds: float = 0.25
    stall_seconds: float = 2.0
    drain_seconds: float = 10.0


class GroupWriter:
    """The queue and its thread. Submitting belongs to one event loop, writing to the thread."""

    def __init__(
        self,
        store: BatchStore,
        content: ContentPolicy,
        codec: RecordCodec,
        limits: WriterLimits,
        monitor: LedgerMonitor,
        *,
        sweep: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._content = content
        self._codec = codec
        self._limits = limits
        self._monitor = monitor
        self._sweep = sweep
        self._sweep_at = time.monotonic()
        self._queue: deque[Entry] = deque()
        self._decisions: dict[str, RoutedQuery] = {}
        self._settlements: dict[str, SettlementEntry] = {}
        self._in_hand: Sequence[Entry] = ()
        self._taken_at = 0.0
        self._waiting = threading.Event()
        self._urgent = threading.Event()
        self._stopping = threading.Event()
        self._stop_by = float("inf")
        self._failing = False
        self._pace_seconds = _FIRST_PACE_SECONDS
        self._thread = threading.Thread(target=self._run, name="frontdesk-ledger", daemon=True)

    def start(self) -> None:
        """Start the thread; call it in the event loop that will submit."""
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        self._thread.start()
        self._watch()

    async def stop(self) -> None:
        """Write what waits, for at most `drain_seconds`, then end the thread."""
        self._stop_by = time.monotonic() + self._limits.drain_seconds
        self._stopping.set()
        self._urgent.set()
        self._waiting.set()
        await asyncio.to_thread(self._thread.join, self._limits.drain_seconds + _END_SECONDS)
        self._watching.cancel()
        if self._thread.is_alive():  # the store says nothing, to which a daemon thread may go on listening
            self._monitor.dropped(self.waiting, "stopped")

    @property
    def waiting(self) -> int:
        """Records that are not committed yet."""
        return len(self._queue) + len(self._in_hand)

    @property
    def lag_seconds(self) -> float:
        """Age of the oldest record that is not committed yet."""
        with contextlib.suppress(IndexError):
            oldest = (self._in_hand or self._queue)[0]
            return time.monotonic() - oldest.queued_at
        return 0.0

    @property
    def failing(self) -> bool:
        """Whether the store refused the last batch."""
        return self._failing

    def uncommitted(self, decision_id: str) -> tuple[RoutedQuery | None, SettlementEntry | None]:
        """What waits of a decision."""
        return self._decisions.get(decision_id), self._settlements.get(decision_id)

    async def submit(self, entry: Entry) -> None:
        """Queue a record; wait only for room, as the module says. Its waiter, if any, is resolved by the commit.

        Cancelled while it waits for room, the record is queued all the same: the call it belongs to has happened.
        """
        try:
            while (self._full or self._behind) and not self._failing:
                self._room.clear()
                self._urgent.set()
                await self._room.wait()
        except asyncio.CancelledError:
            self._enqueue(entry)
            raise
        if self._full:
            self._monitor.dropped(1, "queue_full")
            release([entry])
            return
        self._enqueue(entry)
        if self._failing:
            release([entry])

    @property
    def _full(self) -> bool:
        return len(self._queue) >= self._limits.max_queue

    @property
    def _behind(self) -> bool:
        return self.waiting * self._pace_seconds > self._limits.max_lag_seconds

    def _enqueue(self, entry: Entry) -> None:
        if isinstance(entry, DecisionEntry):
            self._decisions[entry.routed.decision.decision_id] = entry.routed
        elif isinstance(entry, SettlementEntry):
            self._settlements[entry.routed.decision.decision_id] = entry
        self._queue.append(entry)
        if entry.waiter is not None or len(self._queue) >= self._limits.max_batch:
            self._urgent.set()
        if not self._waiting.is_set():
            self._waiting.set()

    def _watch(self) -> None:
        """A store that says nothing for too long is one that fails, until it says something."""
        seconds = self._limits.stall_seconds
        if self._in_hand and not self._failing and time.monotonic() - self._taken_at > seconds:
            self._degrade(TimeoutError())
        self._watching = self._loop.call_later(seconds / 4, self._watch)

    # What follows runs in the thread.

    def _run(self) -> None:
        while not (self._stopping.is_set() and not self._queue):
            self._waiting.wait(max(0.0, self._sweep_at - time.monotonic()))
            if self._waiting.is_set():
                self._urgent.wait(self._limits.flush_seconds)
                self._waiting.clear()
                self._urgent.clear()
            while self._queue:
                self._write_safely()
            if time.monotonic() >= self._sweep_at and not self._stopping.is_set():
                self._clean()

    def _write_safely(self) -> None:
        """Write some, and go on whatever happens: what nobody foresaw loses the records in hand and no more."""
        try:
            self._write_some()
        except Exception as error:
            report_defect("ledger", error)
            lost, self._in_hand = self._in_hand, ()
            self._monitor.dropped(len(lost), "defect")
            self._forget(lost)
            self._in_loop(lambda: release(lost))
            self._in_loop(self._room.set)

    def _write_some(self) -> None:
        count = min(len(self._queue), self._limits.max_batch)
        entries = [self._queue[index] for index in range(count)]
        self._taken_at = started = time.monotonic()
        self._in_hand = entries  # before they leave the queue, so that the lag never looks shorter than it is
        for _ in range(count):
            self._queue.popleft()
        self._commit(self._encode(entries))
        self._forget(entries)
        self._in_hand = ()
        took_seconds = min(time.monotonic() - started, self._limits.stall_seconds)
        self._pace_seconds += (took_seconds / count - self._pace_seconds) / 4
        self._in_loop(self._room.set)  # last: whoever finds no room before this is woken by it

    def _encode(self, entries: Sequence[Entry]) -> Batch:
        """Encoding holds the GIL; the pauses let the event loop in."""
        return encode(entries, self._content, self._codec, pause=lambda: time.sleep(0), lost=self._lost)

    def _forget(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if isinstance(entry, DecisionEntry):
                self._decisions.pop(entry.routed.decision.decision_id, None)
            elif isinstance(entry, SettlementEntry):
                self._settlements.pop(entry.routed.decision.decision_id, None)

    def _commit(self, batch: Batch) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while batch.entries:
            started = time.monotonic()
            try:
                replaced = self._store.write(batch)
            except Exception as error:
                if record_at_fault(error):
                    self._commit_apart(batch, error)
                    return
                self._degrade(error)
                if time.monotonic() + pause > self._stop_by:
                    self._give_up(batch)
                    return
                if self._stopping.is_set():
                    time.sleep(pause)
                else:
                    self._stopping.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                self._committed(batch, replaced, time.monotonic() - started)
                return

    def _commit_apart(self, batch: Batch, error: Exception) -> None:
        """Keep every record of the batch but the one at fault."""
        self._tell(error)
        if len(batch.entries) == 1:
            self._lost(batch.entries[0], "refused")
            return
        for entry in batch.entries:
            self._commit(self._encode([entry]))

    def _clean(self) -> None:
        """One chunk at a time, so that records never wait for retention."""
        more = False
        try:
            more = self._sweep()
        except Exception as error:
            self._tell(error)
        self._sweep_at = time.monotonic() + (0.0 if more else _SWEEP_SECONDS)

    def _tell(self, error: Exception) -> None:
        """What a database says is a failure of the store; all else is a defect of our own, of which the place tells."""
        self._monitor.failed(error, told_by(error), self.waiting)
        if not isinstance(error, SQLAlchemyError | OSError):
            report_defect("ledger", error)

    def _committed(self, batch: Batch, replaced: Sequence[bool | None], seconds: float) -> None:
        if self._failing:
            self._failing = False
            self._monitor.recovered(self.waiting)
        self._monitor.committed(len(batch.entries), seconds)
        self._in_loop(lambda: settle(batch.entries, replaced))

    def _degrade(self, error: Exception) -> None:
        self._failing = True
        self._monitor.failed(error, told_by(error), self.waiting)
        self._in_loop(self._release_everybody)

    def _release_everybody(self) -> None:
        release((*self._in_hand, *tuple(self._queue)))
        self._room.set()

    def _give_up(self, batch: Batch) -> None:
        """The stop's time is over: what waits is lost, and counted."""
        self._monitor.dropped(len(batch.entries) + len(self._queue), "stopped")
        self._queue.clear()

    def _lost(self, entry: Entry, reason: DropReason) -> None:
        self._monitor.dropped(1, reason)
        if reason != "content":
            self._in_loop(lambda: release([entry]))

    def _in_loop(self, callback: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(callback)
