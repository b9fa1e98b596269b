"""How the group writer behaves towards its callers and towards a store that fails."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import NoReturn

import pytest
from frontdesk_server.domain.errors import DecisionNotFound, LedgerUnavailable
from frontdesk_server.domain.ids import new_decision_id
from frontdesk_server.domain.record import Outcome
from frontdesk_server.ledger.batch import Batch, DecisionEntry, OutcomeEntry
from frontdesk_server.ledger.content import ContentPolicy
from frontdesk_server.ledger.redaction import PatternRedactor
from frontdesk_server.ledger.writer import GroupWriter, WriterLimits
from frontdesk_server.rpc.record import ContractCodec
from sqlalchemy.exc import IntegrityError, OperationalError

from tests.conftest import DefectLog
from tests.records import RecordingMonitor, a_routed_query, days_ago

CONTENT = ContentPolicy(PatternRedactor(()))
FULL = OperationalError("INSERT", None, Exception("database or disk is full"))


class FakeStore:
    """Commits to a list; `gate` closed makes it slow, `fault` makes it fail."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.gate = threading.Event()
        self.gate.set()
        self.fault: Callable[[Batch], BaseException | None] = lambda batch: None
        self.tries = 0

    def write(self, batch: Batch) -> list[bool | None]:
        self.tries += 1
        assert self.gate.wait(10)
        error = self.fault(batch)
        if error is not None:
            raise error
        self.batches.append(batch)
        return [None if row["source"] == "nobody" else False for row in batch.outcomes]

    @property
    def ids(self) -> list[str]:
        return [decision_id for batch in self.batches for decision_id in batch.records]


@asynccontextmanager
async def writing(
    store: FakeStore, monitor: RecordingMonitor | None = None, **limits: float
) -> AsyncIterator[GroupWriter]:
    settings = {"flush_seconds": 0.001, "drain_seconds": 0.2, **limits}
    limits_ = WriterLimits(**settings)  # type: ignore[arg-type]
    writer = GroupWriter(store, CONTENT, ContractCodec(), limits_, monitor or RecordingMonitor())
    writer.start()
    try:
        yield writer
    finally:
        store.gate.set()
        await writer.stop()


def an_entry(*, waited: bool = False) -> DecisionEntry:
    waiter = asyncio.get_running_loop().create_future() if waited else None
    return DecisionEntry(a_routed_query(), time.monotonic(), waiter)


def an_outcome(source: str = "user") -> OutcomeEntry:
    waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    return OutcomeEntry(Outcome(new_decision_id(), 1.0, source, days_ago(0)), time.monotonic(), waiter)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_records_leave_in_batches_and_in_order() -> None:
    store = FakeStore()
    async with writing(store, flush_seconds=60, max_batch=10) as writer:
        entries = [an_entry() for _ in range(25)]
        for entry in entries:
            await writer.submit(entry)
    assert store.ids == [entry.routed.decision.decision_id for entry in entries]
    assert max(len(batch.entries) for batch in store.batches) == 10


async def test_a_waiter_does_not_wait_for_the_flush_interval() -> None:
    async with writing(FakeStore(), flush_seconds=60) as writer:
        entry = an_entry(waited=True)
        await writer.submit(entry)
        assert entry.waiter is not None
        assert await asyncio.wait_for(entry.waiter, 5)


async def test_submitting_does_not_wait_for_the_store() -> None:
    store = FakeStore()
    store.gate.clear()
    async with writing(store) as writer:
        async with asyncio.timeout(5):
            for _ in range(100):
                await writer.submit(an_entry())
        assert writer.waiting == 100
        assert writer.lag_seconds > 0
    assert len(store.ids) == 100
    assert (writer.waiting, writer.lag_seconds) == (0, 0.0)


async def test_callers_wait_for_room_while_the_store_is_slow() -> None:
    store = FakeStore()
    store.gate.clear()
    async with writing(store, max_queue=5, max_batch=5) as writer:
        for _ in range(5):
            await writer.submit(an_entry())
        await until(lambda: store.tries)  # these five are in hand
        for _ in range(5):
            await writer.submit(an_entry())
        late = asyncio.create_task(writer.submit(an_entry()))
        done, _ = await asyncio.wait([late], timeout=0.02)
        assert not done
        store.gate.set()
        await asyncio.wait_for(late, 5)
    assert len(store.ids) == 11


async def test_callers_that_wait_for_every_commit_are_all_served() -> None:
    """Nobody sleeps through the commit that made room, however the two threads interleave."""
    store = FakeStore()
    async with writing(store, max_lag_seconds=0.0, max_batch=1) as writer, asyncio.timeout(20):
        for _ in range(500):
            await writer.submit(an_entry())
    assert len(store.ids) == 500


async def test_a_caller_cancelled_while_it_waits_for_room_leaves_its_record() -> None:
    store = FakeStore()
    store.gate.clear()
    async with writing(store, max_queue=1, max_batch=1) as writer:
        await writer.submit(an_entry())
        await until(lambda: store.tries)
        await writer.submit(an_entry())
        entry = an_entry()
        late = asyncio.create_task(writer.submit(entry))
        await asyncio.sleep(0)
        late.cancel()
        with suppress(asyncio.CancelledError):
            await late
        assert late.cancelled()
    assert entry.routed.decision.decision_id in store.ids


async def test_a_failing_store_is_tried_again_until_it_recovers() -> None:
    store, monitor = FakeStore(), RecordingMonitor()
    store.fault = lambda batch: FULL if store.tries < 3 else None
    async with writing(store, monitor) as writer:
        entry = an_entry()
        await writer.submit(entry)
        await until(lambda: monitor.recoveries)
        assert not writer.failing
    assert store.ids == [entry.routed.decision.decision_id]
    assert monitor.failures == ["database or disk is full"] * 2
    assert (monitor.records, monitor.recoveries, monitor.losses) == (1, 1, {})


async def test_requests_go_on_while_the_store_fails() -> None:
    """A waiter of `sync` is let go undurable, a report of an outcome is refused; memory stays bounded, losses count."""
    store, monitor = FakeStore(), RecordingMonitor()
    broken = True
    store.fault = lambda batch: FULL if broken else None
    async with writing(store, monitor, max_queue=3) as writer:
        first = an_entry(waited=True)
        await writer.submit(first)
        assert first.waiter is not None
        assert await asyncio.wait_for(first.waiter, 5) is False
        report = an_outcome()
        await writer.submit(report)
        assert report.waiter is not None
        with pytest.raises(LedgerUnavailable):
            await report.waiter
        async with asyncio.timeout(5):
            for _ in range(5):
                await writer.submit(an_entry(waited=True))
        assert writer.uncommitted(first.routed.decision.decision_id)[0] == first.routed
        assert monitor.losses == {"queue_full": 3}
        broken = False
        await until(lambda: not writer.waiting)
    assert len(store.ids) == 3
    assert monitor.records == 4


async def test_a_record_the_store_refuses_costs_only_itself() -> None:
    store, monitor = FakeStore(), RecordingMonitor()
    bad = an_entry()
    bad_id = bad.routed.decision.decision_id

    def fault(batch: Batch) -> BaseException | None:
        return IntegrityError("INSERT", None, Exception("no")) if bad_id in batch.records else None

    store.fault = fault
    async with writing(store, monitor, flush_seconds=60) as writer:
        for entry in (an_entry(), bad, an_entry()):
            await writer.submit(entry)
    assert len(store.ids) == 2
    assert bad_id not in store.ids
    assert monitor.losses == {"refused": 1}


@pytest.mark.parametrize("sweeping", [True, False])
async def test_a_bug_in_the_store_is_told_by_its_place(sweeping: bool, caught_defects: DefectLog) -> None:
    store, monitor = FakeStore(), RecordingMonitor()

    def stumble(*_: object) -> NoReturn:
        raise KeyError("what a caller said")

    if not sweeping:
        store.fault = stumble
    sweep = stumble if sweeping else lambda: False
    writer = GroupWriter(store, CONTENT, ContractCodec(), WriterLimits(flush_seconds=0.001), monitor, sweep=sweep)
    writer.start()
    await writer.submit(an_entry())
    await until(lambda: caught_defects)
    await writer.stop()
    assert {(defect["part"], defect["error_type"]) for defect in caught_defects} == {("ledger", "KeyError")}
    assert "test_writer.py" in str(caught_defects[0]["frames"])
    assert "what a caller said" not in str(caught_defects)
    assert monitor.losses == ({} if sweeping else {"refused": 1})
    caught_defects.clear()


async def test_what_a_stop_cannot_write_in_time_is_counted() -> None:
    store, monitor = FakeStore(), RecordingMonitor()
    store.fault = lambda batch: FULL
    async with writing(store, monitor, drain_seconds=0.05, max_batch=2) as writer:
        for _ in range(7):
            await writer.submit(an_entry())
    assert monitor.losses == {"stopped": 7}


async def test_outcomes_of_unknown_decisions_are_told_so() -> None:
    async with writing(FakeStore()) as writer:
        known, unknown = an_outcome(), an_outcome("nobody")
        for entry in (known, unknown):
            await writer.submit(entry)
        assert known.waiter is not None
        assert unknown.waiter is not None
        assert await known.waiter is False
        with pytest.raises(DecisionNotFound):
            await unknown.waiter


async def test_what_nobody_foresaw_loses_the_records_in_hand_and_the_thread_goes_on(
    monkeypatch: pytest.MonkeyPatch, caught_defects: DefectLog
) -> None:
    store, monitor = FakeStore(), RecordingMonitor()
    async with writing(store, monitor) as writer:
        with monkeypatch.context() as patched:
            patched.setattr("frontdesk_server.ledger.writer.encode", lambda *args, **more: 1 / 0)
            lost = an_entry(waited=True)
            await writer.submit(lost)
            assert lost.waiter is not None
            assert not await asyncio.wait_for(lost.waiter, 5)
        kept = an_entry(waited=True)
        await writer.submit(kept)
        assert kept.waiter is not None
        assert await asyncio.wait_for(kept.waiter, 5)
        assert writer.uncommitted(lost.routed.decision.decision_id) == (None, None)
    assert store.ids == [kept.routed.decision.decision_id]
    assert monitor.losses == {"defect": 1}
    assert [defect["error_type"] for defect in caught_defects] == ["ZeroDivisionError"]
    caught_defects.clear()


async def test_nobody_waits_for_a_store_that_says_nothing_and_what_it_was_given_is_kept() -> None:
    store, monitor = FakeStore(), RecordingMonitor()
    async with writing(store, monitor, max_queue=10, stall_seconds=0.05) as writer:
        store.gate.clear()
        durable, report = an_entry(waited=True), an_outcome()
        for entry in (durable, report):
            await writer.submit(entry)
        assert durable.waiter is not None
        assert report.waiter is not None
        async with asyncio.timeout(5):
            assert not await durable.waiter
            with pytest.raises(LedgerUnavailable):
                await report.waiter
            for _ in range(12):
                await writer.submit(an_entry())
        assert len(monitor.failures) == 1
        assert monitor.losses["queue_full"] > 0
        store.gate.set()
        await until(lambda: not writer.failing)
    assert durable.routed.decision.decision_id in store.ids


async def test_a_stop_does_not_wait_for_a_store_that_says_nothing() -> None:
    store, monitor = FakeStore(), RecordingMonitor()
    async with writing(store, monitor, drain_seconds=0.05) as writer:
        store.gate.clear()
        await writer.submit(an_entry())
        await until(lambda: store.tries)
        async with asyncio.timeout(5):
            await writer.stop()
        assert monitor.losses == {"stopped": 1}
