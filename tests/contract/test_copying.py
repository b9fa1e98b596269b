"""COPY into a ledger in PostgreSQL that fails in between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from frontdesk_server.ledger.batch import Batch, DecisionEntry
from frontdesk_server.ledger.content import ContentPolicy
from frontdesk_server.ledger.copying import copy_rows
from frontdesk_server.ledger.engine import begin_writing, open_engine
from frontdesk_server.ledger.migrations import migrate
from frontdesk_server.ledger.redaction import PatternRedactor
from frontdesk_server.ledger.rows import Row
from frontdesk_server.ledger.schema import DECIDED, RECORDS, SETTLED
from frontdesk_server.rpc.record import ContractCodec
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, OperationalError

from tests.records import a_routed_query

COLUMNS = [column.name for column in (*DECIDED, *SETTLED)]


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = open_engine(postgres_url)
    migrate(engine)
    yield engine
    engine.dispose()


def rows(count: int) -> list[Row]:
    batch = Batch(ContractCodec())
    for _ in range(count):
        batch.add(DecisionEntry(a_routed_query(), 0.0), ContentPolicy(PatternRedactor(())))
    return list(batch.records.values())


def copy(engine: Engine, of: Iterator[Row]) -> None:
    with begin_writing(engine) as connection:
        copy_rows(connection, RECORDS, COLUMNS, of, "ON CONFLICT DO NOTHING")


def test_a_connection_that_is_terminated_is_told_as_a_failure_of_the_store(engine: Engine) -> None:
    def terminated(made: list[Row]) -> Iterator[Row]:
        yield made[0]
        with engine.begin() as other:
            mine = "FROM pg_stat_activity WHERE query LIKE 'COPY frontdesk%' AND pid <> pg_backend_pid()"
            other.execute(text(f"SELECT pg_terminate_backend(pid, 5000) {mine}"))
        yield from made[1:] * 1000

    with pytest.raises(OperationalError):
        copy(engine, terminated(rows(40)))
    copy(engine, iter(rows(1)))


def test_a_value_that_its_column_cannot_hold_is_told_as_the_fault_of_its_row(engine: Engine) -> None:
    (row,) = rows(1)
    with pytest.raises(DataError):
        copy(engine, iter([(row[0], row[1], "no\0text", *row[3:])]))
