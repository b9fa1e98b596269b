"""Rows of the ledger: what a ledger of years costs a call, a look-up, the console, and the commands that read it."""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

from frontdesk.v1 import router_service_pb2 as pb

from benchmarks.harness import contenders, queries
from benchmarks.harness.calling import calling, check
from benchmarks.harness.config import Yaml
from benchmarks.harness.curve import Curve, cpu_of
from benchmarks.harness.http2 import grpc_frame
from benchmarks.harness.machine import Cores
from benchmarks.harness.pairing import Bench, Contender
from benchmarks.harness.processes import Server, free_port

_IN_FLIGHT = 16
_LOOK_UPS = 200
_PAGES = 11
_ROUNDS = 3
_ID = "decision_id"


def measure(bench: Bench, upstream_url: str, most_rows: int) -> Curve:
    """Ledgers of one completion up to so many rows; a completion has as many rows as the tables that hold it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="frontdesk-ledger-")))
        seed, decision_id = _seed(bench.cores, upstream_url, folder)
        tables = _tables(seed)
        sizes = tuple(
            sorted({len(tables) * max(1, most_rows // len(tables) // part) for part in (most_rows, 100, 10, 1)})
        )
        files, servers, pages = [], [], []
        for size in sizes:
            file = folder / f"{size}.db"
            shutil.copy(seed, file)
            _multiply(file, tables, size // len(tables) - 1)
            files.append(file)
            pages.append(free_port())
            change = partial(_with_ledger_and_console, file, pages[-1])
            server = contenders.frontdesk(bench.cores.server, upstream_url, name=f"{size} rows", change=change)
            servers.append(stack.enter_context(server))
        curve = Curve("Ledger (SQLite)", "rows", sizes)
        measured = [Contender(server.name, server, queries.complete()) for server in servers]
        row = bench.compare("ledger", measured, _IN_FLIGHT)
        curve.costs["Complete: CPU µs a call"] = cpu_of(row, [one.name for one in measured])
        curve.costs["GetDecision µs"] = [_look_up_us(server, decision_id) for server in servers]
        for page in ("decisions", "spending"):
            curve.costs[f"console, {page} ms"] = [_page_ms(port, page) for port in pages]
        for command in ("log", "stats"):
            curve.costs[f"frontdesk {command} s"] = [_command_seconds(command, file) for file in files]
    return curve


def _with_ledger_and_console(file: Path, port: int, config: Yaml) -> None:
    config["ledger"] = {"url": f"sqlite:///{file}"}
    config["server"] = {"http": {"address": f"127.0.0.1:{port}", "console": {}}}


def _seed(cores: Cores, upstream_url: str, folder: Path) -> tuple[Path, str]:
    """A ledger with one completion, and its decision's id."""
    file = folder / "seed.db"

    def change(config: Yaml) -> None:
        config["ledger"] = {"url": f"sqlite:///{file}"}

    with contenders.frontdesk(cores.server, upstream_url, change=change) as server:
        called = check(server.port, queries.complete())
    return file, pb.CompleteResponse.FromString(called.messages[0]).decision.decision_id


def _tables(file: Path) -> dict[str, list[str]]:
    """The tables that hold the completion, with their columns."""
    with closing(sqlite3.connect(file)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {name: [row[1] for row in database.execute(f"PRAGMA table_info({name})")] for name in names}
        return {
            name: its
            for name, its in columns.items()
            if _ID in its and database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608 - own tables
        }


def _multiply(file: Path, tables: dict[str, list[str]], copies: int) -> None:
    """So many copies of the completion, of other ids, all before it."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA synchronous = OFF")
        for name, columns in tables.items():
            others = ", ".join(column for column in columns if column != _ID)
            database.execute(
                f"WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)"  # noqa: S608
                f" INSERT INTO {name} ({_ID}, {others})"
                f" SELECT printf('00%024d', n), {others} FROM number JOIN {name} WHERE ? > 0",
                (copies, copies),
            )
        database.commit()


def _look_up_us(server: Server, decision_id: str) -> float:
    request = grpc_frame(pb.GetDecisionRequest(decision_id=decision_id).SerializeToString())
    asked = queries.Asked(f"{queries.SERVICE}/GetDecision", request)
    taken = []
    with calling(server.port, grpc=True) as call:
        for _ in range(_LOOK_UPS):
            started = time.perf_counter()
            called = call(asked)
            taken.append((time.perf_counter() - started) * 1e6)
            assert called.status == "0", called
    return statistics.median(taken)


def _page_ms(port: int, page: str) -> float:
    """Wall time of a page of the console, whose list of decisions a browser that watches asks for every two seconds."""
    taken = []
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        for _ in range(_PAGES):
            started = time.perf_counter()
            connection.request("GET", f"/console/{page}")
            response = connection.getresponse()
            response.read()
            taken.append((time.perf_counter() - started) * 1e3)
            assert response.status == 200, response.status
    return statistics.median(taken)


def _command_seconds(command: str, file: Path) -> float:
    """Wall time of a command that reads the ledger, start-up included."""
    taken = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        arguments = [sys.executable, "-m", "frontdesk_server", command, "--json", "--ledger", f"sqlite:///{file}"]
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)
