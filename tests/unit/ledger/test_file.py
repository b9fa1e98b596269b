"""The file of an SQLite ledger: its owner's alone, and missed when it is gone."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from frontdesk_server.assembly.ledger import open_ledger
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.decision import RoutedQuery
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.domain.record import Ledger
from frontdesk_server.ledger.engine import open_engine
from frontdesk_server.ledger.file import LedgerFile, LedgerFileReplaced
from frontdesk_server.ledger.migrations import migrate

from tests.records import RecordingMonitor, a_cascade, a_routed_query


def config(path: Path, **settings: object) -> LedgerConfig:
    return LedgerConfig.model_validate({"url": f"sqlite:///{path}", "flush_ms": 1, **settings})


def decisions(path: Path) -> set[str]:
    try:
        with closing(sqlite3.connect(path)) as connection:
            return {decision_id for (decision_id,) in connection.execute("SELECT decision_id FROM records")}
    except sqlite3.DatabaseError:
        return set()


async def record(ledger: Ledger) -> RoutedQuery:
    routed = a_routed_query()
    await ledger.record_decision(routed)
    await ledger.record_settlement(routed, a_cascade(), answer=None, error_reason="")
    return routed


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def delete(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def put_another(path: Path) -> None:
    """What a backup's restoration does."""
    other = path.with_name("other.db")
    engine = open_engine(f"sqlite:///{other}")
    migrate(engine)
    engine.dispose()
    delete(path)
    other.rename(path)


@pytest.mark.parametrize("lose", [delete, put_another, Path.unlink], ids=["deleted", "replaced", "journals stay"])
@pytest.mark.parametrize("durability", ["group", "sync"])
async def test_records_go_where_they_are_found_after_the_file_was_lost(
    tmp_path: Path, lose: Callable[[Path], None], durability: str
) -> None:
    path, monitor = tmp_path / "ledger.db", RecordingMonitor()
    async with open_ledger(config(path, durability=durability), monitor=monitor) as ledger:
        before = await record(ledger)
        await until(lambda: monitor.records == 2)
        lose(path)
        after = await record(ledger)
        await until(lambda: monitor.records == 4)
        assert (await ledger.decision(after.decision.decision_id, "billing")).settlement == a_cascade()
    assert decisions(path) == {after.decision.decision_id}
    assert before.decision.decision_id not in decisions(path)
    assert monitor.recoveries == 1
    assert any("deleted or replaced" in failure for failure in monitor.failures)
    assert monitor.losses == {}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 or lose is put_another


async def test_two_processes_meet_in_the_new_file(tmp_path: Path) -> None:
    path, monitors = tmp_path / "ledger.db", (RecordingMonitor(), RecordingMonitor())
    async with (
        open_ledger(config(path), monitor=monitors[0]) as here,
        open_ledger(config(path), monitor=monitors[1]) as there,
    ):
        delete(path)
        recorded = {routed.decision.decision_id for routed in (await record(here), await record(there))}
        await until(lambda: [monitor.records for monitor in monitors] == [2, 2])
    assert decisions(path) == recorded


async def test_a_file_of_no_use_in_its_place_is_a_store_that_fails_until_it_is_gone(tmp_path: Path) -> None:
    path, monitor = tmp_path / "ledger.db", RecordingMonitor()
    async with open_ledger(config(path), monitor=monitor) as ledger:
        delete(path)
        path.write_bytes(b"no database " * 1000)
        routed = await record(ledger)
        await until(lambda: monitor.failures)
        assert monitor.records == 0
        delete(path)
        await until(lambda: monitor.records == 2)
    assert decisions(path) == {routed.decision.decision_id}


def test_a_newer_ledger_in_its_place_takes_no_records(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    file = LedgerFile(engine)
    file.check()
    put_another(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE schema_version SET version = version + 1")
        connection.commit()
    for _ in range(2):
        with pytest.raises(LedgerFileReplaced) as failure:
            file.check()
        assert isinstance(failure.value.__cause__, ConfigError)
    engine.dispose()


async def test_the_file_and_its_journals_are_their_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        async with open_ledger(config(tmp_path / "ledger.db", durability="sync")) as ledger:
            await record(ledger)
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}


async def test_the_permissions_of_a_file_that_exists_are_its_owners_choice(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch(0o640)
    path.chmod(0o640)
    async with open_ledger(config(path)) as ledger:
        await record(ledger)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
