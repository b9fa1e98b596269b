"""What the ledger survives: a killed process, a full disk, a locked database."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from frontdesk_server.assembly.ledger import open_ledger, open_reader
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.ledger.reader import Filters
from sqlalchemy import Pool, event

from tests.records import RecordingMonitor, a_routed_query

ROOT = Path(__file__).parents[2]
WINDOW_SECONDS = 0.05 + 0.25
"""flush_ms and max_lag_ms as they are by default."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def load_and_kill(file: Path, durability: str, seconds: float) -> tuple[dict[str, float], float]:
    """Put a process under load and kill it; what it said it had recorded, and when it died."""
    command = [sys.executable, "-m", "tests.chaos.ledger_load", f"sqlite:///{file}", durability]
    path = os.pathsep.join(filter(None, [str(ROOT), *sys.path]))
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline()]  # it is under way
        reader = threading.Thread(target=lambda: lines.extend(child.stdout or ()))
        reader.start()
        threading.Event().wait(seconds)
        child.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        reader.join()
        assert child.wait() == -signal.SIGKILL
    said = (line.split() for line in lines if line.endswith(b"\n"))
    return {decision_id.decode(): float(instant) for decision_id, instant in said}, killed


def kept(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with open_reader(f"sqlite:///{file}") as reader:
        return {each.decision_id for each in reader.newest(Filters(status="completed"), 1_000_000)}


def test_a_kill_loses_at_most_the_window_and_corrupts_nothing(file: Path) -> None:
    said, killed = load_and_kill(file, "group", 1.0)
    survived = kept(file)
    lost = [instant for decision_id, instant in said.items() if decision_id not in survived]
    assert len(said) > 100
    assert not lost or killed - min(lost) < 2 * WINDOW_SECONDS  # twice: a machine under test may pause


def test_a_kill_loses_nothing_that_was_recorded_in_sync(file: Path) -> None:
    said, _ = load_and_kill(file, "sync", 1.0)
    assert len(said) > 20
    assert said.keys() <= kept(file)


def test_a_killed_ledger_goes_on(file: Path) -> None:
    """The next process finds the file in order, twice in a row."""
    first, _ = load_and_kill(file, "sync", 0.3)
    second, _ = load_and_kill(file, "sync", 0.3)
    assert first.keys() | second.keys() <= kept(file)


class Pragmas:
    """Sets pragmas on every connection that is about to be used."""

    def __init__(self) -> None:
        self.now: dict[str, int] = {}

    def __call__(self, connection: Any, *_: object) -> None:
        for name, value in self.now.items():
            connection.execute(f"PRAGMA {name} = {value}").fetchall()


@pytest.fixture
def pragmas() -> Iterator[Pragmas]:
    pragmas = Pragmas()
    event.listen(Pool, "checkout", pragmas)
    yield pragmas
    event.remove(Pool, "checkout", pragmas)


async def record_through(
    file: Path, monitor: RecordingMonitor, fail: Callable[[], None], heal: Callable[[], None]
) -> int:
    """Record before, during and after a fault; requests must go on all the while."""
    count = 0
    async with open_ledger(
        LedgerConfig.model_validate({"url": f"sqlite:///{file}", "flush_ms": 2}), monitor=monitor
    ) as ledger:

        async def record_until(condition: Callable[[], object]) -> None:
            nonlocal count
            async with asyncio.timeout(20):
                while not condition():
                    started = time.monotonic()
                    routed = a_routed_query(text="x" * 2000)
                    await ledger.record_decision(routed)
                    assert time.monotonic() - started < 1.0
                    count += 1
                    await asyncio.sleep(0.002)

        await record_until(lambda: monitor.records)
        fail()
        await record_until(lambda: len(monitor.failures) >= 2)
        one_more = await _one_more(ledger)
        assert (await ledger.decision(one_more, "billing")).decision.decision_id == one_more
        count += 1
        heal()
        await record_until(lambda: monitor.recoveries)
    return count


async def _one_more(ledger: Any) -> str:
    routed = a_routed_query()
    await ledger.record_decision(routed)
    return routed.decision.decision_id


async def test_a_full_disk_delays_records_and_loses_none(file: Path, pragmas: Pragmas) -> None:
    monitor = RecordingMonitor()
    count = await record_through(
        file,
        monitor,
        fail=lambda: pragmas.now.update(max_page_count=1),  # SQLite takes the present size: no page more
        heal=lambda: pragmas.now.update(max_page_count=1_000_000),
    )
    assert set(monitor.failures) == {"database or disk is full"}
    assert (monitor.records, monitor.losses) == (count, {})


async def test_a_locked_database_delays_records_and_loses_none(file: Path, pragmas: Pragmas) -> None:
    pragmas.now["busy_timeout"] = 20
    monitor, locks = RecordingMonitor(), []

    def lock() -> None:
        connection = sqlite3.connect(file, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        locks.append(connection)

    count = await record_through(file, monitor, fail=lock, heal=lambda: locks.pop().close())
    assert set(monitor.failures) == {"database is locked"}
    assert (monitor.records, monitor.losses) == (count, {})
