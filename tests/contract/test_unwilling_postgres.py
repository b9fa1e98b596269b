"""A PostgreSQL that takes nothing for a while: no call waits for it long, and no record is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from frontdesk_server.assembly.ledger import open_ledger
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.record import Ledger
from sqlalchemy import Connection, Engine, create_engine, text

from tests.records import RecordingMonitor, a_cascade, a_routed_query

_LONGEST_SECONDS = 4.0
"""What a call may wait: two seconds for a store that says nothing, and for its turn on a busy machine."""


@pytest.fixture
def admin(postgres_url: str) -> Iterator[Engine]:
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


def cut(connection: Connection) -> None:
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'frontdesk'"
    connection.execute(text(others))


@contextmanager
def read_only(connection: Connection) -> Iterator[None]:
    connection.execute(text("ALTER ROLE frontdesk SET default_transaction_read_only = on"))
    cut(connection)
    yield
    connection.execute(text("SET default_transaction_read_only = off"))
    connection.execute(text("ALTER ROLE frontdesk RESET default_transaction_read_only"))
    cut(connection)


@contextmanager
def terminated(connection: Connection) -> Iterator[None]:
    cut(connection)
    yield
    cut(connection)


@contextmanager
def locked(connection: Connection) -> Iterator[None]:
    """Somebody's transaction holds the table, and says nothing."""
    connection.execute(text("BEGIN"))
    connection.execute(text("LOCK TABLE records IN ACCESS EXCLUSIVE MODE"))
    yield
    connection.execute(text("COMMIT"))


@contextmanager
def renamed(connection: Connection) -> Iterator[None]:
    connection.execute(text("ALTER TABLE records RENAME TO records_elsewhere"))
    yield
    connection.execute(text("ALTER TABLE records_elsewhere RENAME TO records"))


@pytest.mark.parametrize("fault", [read_only, terminated, locked, renamed], ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("durability", ["group", "sync"])
async def test_no_call_waits_long_and_no_record_is_lost(
    fault: Callable[[Connection], AbstractContextManager[None]], durability: str, postgres_url: str, admin: Engine
) -> None:
    config = LedgerConfig.model_validate({"url": postgres_url, "flush_ms": 5, "durability": durability})
    monitor, given, waited = RecordingMonitor(), set[str](), [0.0]
    async with open_ledger(config, monitor=monitor) as ledger:
        given |= await calls(ledger, waited)
        with admin.connect() as connection, fault(connection):
            given |= await calls(ledger, waited)
            await asyncio.sleep(0.2)
            given |= await calls(ledger, waited)
        given |= await calls(ledger, waited)
        async with asyncio.timeout(30):
            while monitor.waiting():
                await asyncio.sleep(0.05)
    with admin.connect() as connection:
        settled = text("SELECT decision_id FROM records WHERE status IS NOT NULL")
        kept = set(connection.execute(settled).scalars())
    assert given <= kept
    assert monitor.losses == {}
    assert max(waited) < _LONGEST_SECONDS


async def calls(ledger: Ledger, waited: list[float]) -> set[str]:
    """Forty at once, each with what it waited for the ledger."""

    async def call() -> str:
        routed, began = a_routed_query(), time.monotonic()
        await ledger.record_decision(routed)
        await ledger.record_settlement(routed, a_cascade(), answer=None, error_reason="")
        waited.append(time.monotonic() - began)
        return routed.decision.decision_id

    return set(await asyncio.gather(*(call() for _ in range(40))))
