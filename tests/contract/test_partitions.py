"""A PostgreSQL ledger in parts by time: made ahead, dropped whole, and unseen by whoever writes and reads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from frontdesk_server.assembly.ledger import open_ledger, open_reader
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.record import Outcome
from frontdesk_server.ledger.batch import Batch, DecisionEntry
from frontdesk_server.ledger.content import ContentPolicy
from frontdesk_server.ledger.engine import open_engine
from frontdesk_server.ledger.migrations import migrate
from frontdesk_server.ledger.partitions import Partitions
from frontdesk_server.ledger.reader import Filters
from frontdesk_server.ledger.redaction import PatternRedactor
from frontdesk_server.ledger.statements import insert_records
from frontdesk_server.rpc.record import ContractCodec
from sqlalchemy import Connection, Engine, create_engine, text

from tests.fakes import FakeClock
from tests.records import RecordingMonitor, a_cascade, a_routed_query, days_ago

pytestmark = pytest.mark.parametrize("ledger_url", ["postgresql"], indirect=True)
DAY = timedelta(days=1)


class At(FakeClock):
    """A clock at an instant."""

    def __init__(self, instant: datetime) -> None:
        super().__init__()
        self.instant = instant

    def now(self) -> datetime:
        return self.instant


def config(url: str, **settings: object) -> LedgerConfig:
    return LedgerConfig.model_validate({"url": url, "flush_ms": 5, **settings})


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    yield engine
    engine.dispose()


def parts(engine: Engine, table: str = "records") -> list[str]:
    listed = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(:table)"
    with engine.connect() as connection:
        return sorted(connection.execute(text(listed), {"table": table}).scalars())


def rows(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


async def write(url: str, *instants: datetime, clock: FakeClock | None = None) -> list[str]:
    written = []
    async with open_ledger(config(url), clock) as ledger:
        for instant in instants:
            routed = a_routed_query(at=instant)
            written.append(routed.decision.decision_id)
            await ledger.record_decision(routed)
            await ledger.record_settlement(routed, a_cascade(), answer=None, error_reason="")
            await ledger.record_outcome(Outcome(written[-1], 1.0, "user", instant))
    return written


def noon(day: int) -> datetime:
    return datetime(2026, 5, day, 12, tzinfo=UTC)


async def test_parts_are_made_ahead_and_dropped_whole_once_all_of_them_is_too_old(ledger_url: str) -> None:
    with engine_of(ledger_url) as engine:
        migrate(engine)
        clock = At(noon(1))
        partitions = Partitions(engine, 24, clock)
        partitions.start()
        for day in (1, 2, 3):
            clock.instant = noon(day)
            partitions.make()
            partitions.make()
        spans = [f"records_202605{day:02}00_202605{day + 1:02}00" for day in range(1, 6)]
        assert parts(engine) == [*spans, "records_other"]
        await write(ledger_url, noon(1), noon(2), noon(2), noon(30), clock=clock)
        assert [rows(engine, name) for name in parts(engine)] == [1, 2, 0, 0, 0, 1]
        assert partitions.drop_before(a_routed_query(at=noon(2)).decision.decision_id) == 1
        assert partitions.drop_before(a_routed_query(at=noon(3)).decision.decision_id) == 2
        assert parts(engine) == [*spans[2:], "records_other"]
        assert parts(engine, "outcomes") == [name.replace("records", "outcomes") for name in parts(engine)]
        assert rows(engine, "outcomes") == 1


async def test_other_lengths_join_where_the_parts_before_end_and_what_came_early_moves(ledger_url: str) -> None:
    with engine_of(ledger_url) as engine:
        migrate(engine)
        clock = At(noon(1))
        Partitions(engine, 24, clock).start()
        Partitions(engine, 24, clock).make()
        (early,) = await write(ledger_url, noon(4) + timedelta(hours=1), clock=clock)
        clock.instant = noon(3)
        shorter = Partitions(engine, 6, clock)
        shorter.make()
        assert parts(engine)[2:] == [
            "records_2026050300_2026050400",
            "records_2026050400_2026050406",
            "records_other",
        ]
        assert rows(engine, "records_other") == 1
        clock.instant = noon(4)
        shorter.make()
        assert rows(engine, "records_2026050412_2026050418") == 1
        assert rows(engine, "records_other") == 0
    with open_reader(ledger_url) as reader:
        assert reader.record(early) is not None


async def test_a_ledger_without_parts_gets_them_while_others_write_and_loses_nothing(ledger_url: str) -> None:
    with engine_of(ledger_url) as engine:
        migrate(engine)  # as an older version leaves it
        stop, written, failures = threading.Event(), [], []

        def older_replica() -> None:
            own = create_engine(ledger_url)
            while not stop.is_set():
                routed = a_routed_query()
                try:
                    with own.begin() as connection:
                        _write_as_before(connection, routed.decision.decision_id)
                    written.append(routed.decision.decision_id)
                except Exception as error:
                    failures.append(error)
            own.dispose()

        writers = [threading.Thread(target=older_replica) for _ in range(3)]
        for writer in writers:
            writer.start()
        try:
            async with asyncio.timeout(30):
                while len(written) < 50:
                    await asyncio.sleep(0.01)
                before = len(written)
                starting = [asyncio.create_task(write(ledger_url, datetime.now(UTC))) for _ in range(3)]
                own = [decision_id for ids in await asyncio.gather(*starting) for decision_id in ids]
                while len(written) < before + 50:
                    await asyncio.sleep(0.01)
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        assert not failures
        assert parts(engine)[0].startswith("records_1970010100_")
        assert rows(engine, "records") == len(written) + len(own)


def _write_as_before(connection: Connection, decision_id: str) -> None:
    routed = a_routed_query()
    routed = replace(routed, decision=replace(routed.decision, decision_id=decision_id))
    batch = Batch(ContractCodec())
    batch.add(DecisionEntry(routed, 0.0), ContentPolicy(PatternRedactor(())))
    insert_records(connection, tuple(batch.records.values()))


async def test_what_was_there_before_parts_goes_row_by_row_and_then_whole(ledger_url: str) -> None:
    with engine_of(ledger_url) as engine:
        migrate(engine)
        with engine.begin() as connection:
            for days in (31, 31, 1):
                _write_as_before(connection, a_routed_query(at=days_ago(days)).decision.decision_id)
        monitor = RecordingMonitor()
        async with open_ledger(config(ledger_url, retention_days=30), monitor=monitor):
            async with asyncio.timeout(10):
                while monitor.deletions < 2:
                    await asyncio.sleep(0.01)
        assert rows(engine, "records") == 1


async def test_a_crowd_of_rows_is_copied_and_what_was_there_keeps_how_it_ended(ledger_url: str) -> None:
    queries = [a_routed_query() for _ in range(100)]
    async with open_ledger(config(ledger_url, flush_ms=50)) as ledger:
        await asyncio.gather(*(ledger.record_decision(routed) for routed in queries))
    async with open_ledger(config(ledger_url, flush_ms=50)) as ledger:
        for routed in queries:
            await ledger.record_settlement(routed, a_cascade(), answer=None, error_reason="")
    async with open_ledger(config(ledger_url, flush_ms=50)) as ledger:
        await asyncio.gather(*(ledger.record_decision(routed) for routed in queries))
    with open_reader(ledger_url) as reader:
        assert reader.count(Filters()) == reader.count(Filters(status="completed")) == 100


async def test_a_ledger_that_is_up_to_date_is_opened_while_a_long_report_reads_it(ledger_url: str) -> None:
    await write(ledger_url, datetime.now(UTC))
    with engine_of(ledger_url) as engine, engine.connect() as report:
        report.execute(text("LOCK TABLE records IN ACCESS SHARE MODE"))
        async with asyncio.timeout(5):
            await write(ledger_url, datetime.now(UTC))
