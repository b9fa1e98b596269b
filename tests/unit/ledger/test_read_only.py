"""Whoever only reads changes nothing: neither a ledger, nor a file that is none, nor the folder around it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from frontdesk_server.assembly.ledger import open_ledger, open_reader
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.ledger.reader import Filters
from frontdesk_server.ledger.usable import check_ledger
from sqlalchemy.exc import OperationalError

from tests.records import a_routed_query

BOUND_BY_PERMISSIONS = """
import os
import sqlalchemy.dialects.sqlite.pysqlite  # which nobody may not be able to load
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
"""
COUNT = """
import sys
from frontdesk_server.assembly.ledger import open_reader
from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.ledger.reader import Filters
BOUND
try:
    with open_reader(sys.argv[1]) as reader:
        print(reader.count(Filters()), reader.count(Filters()))
except FrontdeskError as error:
    print(error)
"""
OPEN = """
import asyncio, sys
from frontdesk_server.assembly.ledger import open_ledger
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.errors import FrontdeskError
async def opened():
    async with open_ledger(LedgerConfig.model_validate({"url": sys.argv[1]})):
        pass
BOUND
try:
    asyncio.run(opened())
except FrontdeskError as error:
    print(error)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that other users may look into."""
    found = Path(tempfile.mkdtemp())
    found.chmod(0o755)
    yield found
    found.chmod(0o755)
    shutil.rmtree(found)


def as_another_user(program: str, url: str) -> str:
    """What the program prints when somebody runs it whom permissions bind."""
    done = subprocess.run(
        [sys.executable, "-c", program.replace("BOUND", BOUND_BY_PERMISSIONS), url],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def fill(file: Path, decisions: int = 1) -> None:
    async def filled() -> None:
        async with open_ledger(LedgerConfig.model_validate({"url": f"sqlite:///{file}"})) as ledger:
            for _ in range(decisions):
                await ledger.record_decision(a_routed_query())

    asyncio.run(filled())


def contents(folder: Path) -> dict[str, bytes]:
    return {found.name: found.read_bytes() for found in folder.iterdir()}


def a_foreign_database(file: Path, journal: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute("CREATE TABLE orders (id INTEGER)")


@pytest.mark.parametrize("kind", ["delete", "wal", "empty", "text"])
def test_a_file_that_is_no_ledger_stays_as_it_is(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "other.db"
    if kind in {"empty", "text"}:
        file.write_text("" if kind == "empty" else "orders: many\n" * 100)
    else:
        a_foreign_database(file, kind)
    before = contents(tmp_path)
    with pytest.raises(ConfigError) as caught, open_reader(f"sqlite:///{file}"):
        pass
    assert "other.db is no ledger of Frontdesk's" in "".join(caught.value.lines())
    assert contents(tmp_path) == before


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_looking_whether_a_file_can_be_a_ledger_leaves_nothing_beside_it(tmp_path: Path, journal: str) -> None:
    a_foreign_database(tmp_path / "other.db", journal)
    before = contents(tmp_path)
    check_ledger(f"sqlite:///{tmp_path}/other.db")
    assert contents(tmp_path) == before


def test_a_ledger_is_read_without_a_change_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    fill(file)
    before = file.read_bytes()
    with open_reader(f"sqlite:///{file}") as reader:
        assert reader.count(Filters()) == 1
        with reader.engine.connect() as connection, pytest.raises(OperationalError, match="readonly"):
            connection.exec_driver_sql("DELETE FROM records")
    assert file.read_bytes() == before


def test_a_reader_sees_what_is_written_meanwhile(tmp_path: Path) -> None:
    fill(tmp_path / "ledger.db")
    with open_reader(f"sqlite:///{tmp_path}/ledger.db") as reader:
        fill(tmp_path / "ledger.db", 2)
        assert reader.count(Filters()) == 3


def test_an_older_ledger_says_who_upgrades_it_and_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    fill(file)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE schema_version SET version = version - 1")
    before = file.read_bytes()
    with pytest.raises(ConfigError, match=r"schema version .*upgrades it: start"), open_reader(f"sqlite:///{file}"):
        pass
    assert file.read_bytes() == before


@pytest.mark.parametrize("mode", [0o555, 0o755])
def test_a_ledger_that_one_may_only_read_is_read(folder: Path, mode: int) -> None:
    file = folder / "ledger.db"
    fill(file, 3)
    file.chmod(0o444)
    folder.chmod(mode)
    before = contents(folder)
    assert as_another_user(COUNT, f"sqlite:///{file}") == "3 3"
    if os.getuid() == 0 or mode == 0o555:
        assert contents(folder) == before


def test_a_ledger_in_a_folder_that_one_may_only_read_is_read_along_with_its_writer(folder: Path) -> None:
    file = folder / "ledger.db"
    fill(file)
    file.chmod(0o644)
    with closing(sqlite3.connect(file)) as writer:
        with writer:
            writer.execute("INSERT INTO records SELECT 'later', " + columns(writer) + " FROM records")
        folder.chmod(0o555)
        assert as_another_user(COUNT, f"sqlite:///{file}") == "2 2"


def columns(connection: sqlite3.Connection) -> str:
    """Those of table records but its first."""
    return ", ".join(row[1] for row in connection.execute("PRAGMA table_info(records)").fetchall()[1:])


def test_records_that_only_the_log_holds_are_not_left_out_in_silence(folder: Path) -> None:
    file = folder / "ledger.db"
    fill(file)
    file.chmod(0o644)
    (folder / "ledger.db-wal").write_bytes(b"x" * 32)
    (folder / "ledger.db-wal").chmod(0o644)
    folder.chmod(0o555)
    said = as_another_user(COUNT, f"sqlite:///{file}")
    assert "ledger.db-wal" in said
    assert "copy both" in said


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_that_cannot_be_written_is_named_by_who_would_write(folder: Path, exists: bool) -> None:
    if exists:
        fill(folder / "ledger.db")
        (folder / "ledger.db").chmod(0o644)
    folder.chmod(0o555)
    said = as_another_user(OPEN, f"sqlite:///{folder}/ledger.db")
    assert f"the folder {folder} cannot be written" in said
