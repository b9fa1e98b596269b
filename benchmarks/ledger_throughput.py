"""How many settled decisions a second go into a ledger, from one process and from several, and what bounds it.

Each process writes decisions as a server does: their bytes are there, since the caller has got them, the columns
beside them are made, and 500 (`--batch`) are committed at a time. An answer that takes no longer than a commit is one
row, written once; of another the decision is written first, and its row again when it is settled. Beside the rate,
which is as good as the machine is idle, stands what a decision costs of a processor: to make the rows, to commit them,
and in PostgreSQL, all of its processes together; and how many decisions that comes to if one core did all of it. Then
come the bytes of a decision: of PostgreSQL's log (WAL), and of what is kept with its indexes. PostgreSQL is a server of
this run's own, with `fsync` as it is by default.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.attempt import Settlement
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.domain.usage import Cost
from frontdesk_server.ledger.batch import Batch, DecisionEntry, Entry, SettlementEntry
from frontdesk_server.ledger.content import ContentPolicy
from frontdesk_server.ledger.engine import begin_writing, open_engine
from frontdesk_server.ledger.migrations import migrate
from frontdesk_server.ledger.partitions import Partitions
from frontdesk_server.ledger.redaction import PatternRedactor
from frontdesk_server.ledger.rows import Row
from frontdesk_server.ledger.statements import insert_records
from frontdesk_server.rpc.encode import encode_attempt, encode_decision
from frontdesk_server.rpc.record import ContractCodec
from sqlalchemy import Engine, text

from tests.postgres import find_postgres, running_postgres
from tests.records import a_routed_query, an_attempt

_PAGE_BYTES = 4096
"""Of SQLite's file, as by default."""
SECONDS = 5.0
CODEC = ContractCodec()
CONTENT = ContentPolicy(PatternRedactor(()))
SETTLEMENT = Settlement((an_attempt(),), Cost(1_234, 0, 7, 5_000), committed=True)
WAYS = ("once", "twice")
"""How often a decision's row is written."""


def commits(way: str, size: int) -> list[Sequence[Entry]]:
    """Completions of one attempt each, with a decision of two candidates, as they are committed one after the other."""
    now, routed = datetime.now(UTC), [a_routed_query() for _ in range(size)]
    for one in routed:
        encode_decision(one.decision)
    for attempt in SETTLEMENT.attempts:
        encode_attempt(attempt)
    settled = [SettlementEntry(one, SETTLEMENT, None, "", now, 0.0) for one in routed]
    return [settled] if way == "once" else [[DecisionEntry(one, 0.0) for one in routed], settled]


def encoded(batch: Sequence[Entry]) -> list[Row]:
    """As rows."""
    encoding = Batch(CODEC)
    for entry in batch:
        encoding.add(entry, CONTENT)
    return list(encoding.records.values())


def write(url: str, way: str, size: int, start: float) -> dict[str, float]:
    """Work for some seconds from this instant on: decisions a second, and seconds of processor for all of them."""
    engine = open_engine(url)
    time.sleep(max(0.0, start - time.time()))
    took = encoding = committing = 0.0
    decisions = 0
    while took < SECONDS:
        for batch in commits(way, size):  # made outside of what is measured: new ones, for none may conflict
            began, used = time.perf_counter(), time.process_time()
            ready = encoded(batch)
            between = time.process_time()
            with begin_writing(engine) as connection:
                insert_records(connection, ready)
            took += time.perf_counter() - began
            encoding += between - used
            committing += time.process_time() - between
        decisions += size
    engine.dispose()
    return {"rate": decisions / took, "decisions": decisions, "encode": encoding, "commit": committing}


def server_seconds(engine: Engine) -> float:
    """What all processes of PostgreSQL have used of the processor so far; SQLite has none."""
    if engine.dialect.name != "postgresql":
        return 0.0
    with engine.connect() as connection:
        folder = connection.execute(text("SHOW data_directory")).scalar_one()
    leader = Path(folder, "postmaster.pid").read_text().split()[0]
    children = Path(f"/proc/{leader}/task/{leader}/children").read_text().split()
    ticks = sum(sum(map(int, _stat(child)[11:13])) for child in children)
    return (ticks + sum(map(int, _stat(leader)[11:15]))) / os.sysconf("SC_CLK_TCK")  # those that have ended included


def logged_and_kept_bytes(engine: Engine) -> tuple[int, int]:
    """How long PostgreSQL's log is, and how large the tables of decisions with their indexes; of SQLite its file."""
    postgres = "SELECT pg_current_wal_lsn() - '0/0', sum(pg_total_relation_size(inhrelid)) FROM pg_inherits"
    asked = postgres if engine.dialect.name == "postgresql" else "SELECT 0, file.* FROM pragma_page_count() AS file"
    with engine.connect() as connection:
        logged, kept = connection.execute(text(asked)).one()
    return int(logged), int(kept or 0) * (1 if engine.dialect.name == "postgresql" else _PAGE_BYTES)


def _stat(process: str) -> list[str]:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def measure(url: str, processes: int, way: str, size: int) -> dict[str, float]:
    """So many processes at once: decisions a second, and microseconds of processor for each."""
    engine = open_engine(url)
    migrate(engine)
    if engine.dialect.name == "postgresql":
        partitions = Partitions(engine, LedgerConfig().partition_hours, SystemClock())
        partitions.start()
        partitions.make()
    before, (logged, kept) = server_seconds(engine), logged_and_kept_bytes(engine)
    start = time.time() + 4
    command = [sys.executable, "-m", "benchmarks.ledger_throughput", "--url", url, "--way", way]
    command += ["--batch", str(size), "--start", str(start)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    told = [json.loads(process.communicate(timeout=120)[0]) for process in running]
    total = {name: sum(one[name] for one in told) for name in told[0]}
    total["serve"] = server_seconds(engine) - before
    logged_then, kept_then = logged_and_kept_bytes(engine)
    engine.dispose()
    used = {name: 1e6 * total[name] / total["decisions"] for name in ("encode", "commit", "serve")}
    sizes = {"logged": (logged_then - logged) / total["decisions"], "kept": (kept_then - kept) / total["decisions"]}
    return {"rate": total["rate"], **used, "core": 1e6 / sum(used.values()), **sizes}


def main() -> None:
    """Measure SQLite and PostgreSQL, one process and two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--start", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=500, help="decisions committed at a time")
    arguments = parser.parse_args()
    if arguments.url:
        print(json.dumps(write(arguments.url, arguments.way, arguments.batch, arguments.start)))
        return
    binaries = find_postgres()
    heads = "decisions a second | µs: rows | commit | PostgreSQL | a core and second | bytes: WAL | kept |"
    print(f"| written | ledger | processes | {heads}")
    print("|" + "---|" * 10)
    with tempfile.TemporaryDirectory() as folder:
        for way, processes in product(WAYS, (1, 2)):
            rounds: dict[str, list[dict[str, float]]] = {"SQLite": [], "PostgreSQL": []}
            for index in range(arguments.rounds):  # in turn, so that both see the same machine
                rounds["SQLite"].append(
                    measure(f"sqlite:///{folder}/{way}-{processes}-{index}.db", processes, way, arguments.batch)
                )
                if binaries is not None:
                    with running_postgres(binaries, fsync=True) as url:
                        rounds["PostgreSQL"].append(measure(url, processes, way, arguments.batch))
            for name, found in rounds.items():
                if found:
                    typical = [statistics.median(one[what] for one in found) for what in found[0]]
                    print(f"| {way} | {name} | {processes} | " + " | ".join(f"{rate:,.0f}" for rate in typical) + " |")


if __name__ == "__main__":
    main()
