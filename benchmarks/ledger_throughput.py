"""How many settled decisions a second go into a ledger, from one process and from several, and what bounds it.

Each process encodes decisions as a server does and commits them in batches of 500. Beside the rate, which is as good as
the machine is idle, stands what a decision costs of a processor: to encode, to commit, and in the process of PostgreSQL
that serves the connection; and how many decisions that comes to if one core did all of it. PostgreSQL is a server of
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
from datetime import UTC, datetime
from pathlib import Path

from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.attempt import Settlement
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.domain.usage import Cost
from frontdesk_server.ledger.batch import Batch, SettlementEntry
from frontdesk_server.ledger.content import ContentPolicy
from frontdesk_server.ledger.engine import begin_writing, open_engine
from frontdesk_server.ledger.migrations import migrate
from frontdesk_server.ledger.partitions import Partitions
from frontdesk_server.ledger.redaction import PatternRedactor
from frontdesk_server.ledger.rows import Row
from frontdesk_server.ledger.statements import insert_records
from frontdesk_server.rpc.record import ContractCodec
from sqlalchemy import Connection, text

from tests.postgres import find_postgres, running_postgres
from tests.records import a_routed_query, an_attempt

BATCH = 500
SECONDS = 5.0
CODEC = ContractCodec()
CONTENT = ContentPolicy(PatternRedactor(()))
SETTLEMENT = Settlement((an_attempt(),), Cost(1_234, 0, 7, 5_000), committed=True)


def entries(count: int) -> list[SettlementEntry]:
    """Settled completions of one attempt each, with a decision of two candidates."""
    now = datetime.now(UTC)
    return [SettlementEntry(a_routed_query(), SETTLEMENT, None, "", now, 0.0) for _ in range(count)]


def encoded(batch: list[SettlementEntry]) -> list[Row]:
    """As rows."""
    encoding = Batch(CODEC)
    for entry in batch:
        encoding.add(entry, CONTENT)
    return list(encoding.records.values())


def write(url: str, start: float) -> dict[str, float]:
    """Work for some seconds from this instant on: decisions a second, and microseconds of processor for each."""
    engine = open_engine(url)
    time.sleep(max(0.0, start - time.time()))
    took = encoding = committing = serving = 0.0
    rows = 0
    while took < SECONDS:
        batch = entries(BATCH)  # made outside of what is measured: new ones, for none may conflict
        began, used = time.perf_counter(), time.process_time()
        ready = encoded(batch)
        between = time.process_time()
        with begin_writing(engine) as connection:
            backend = server_process(connection)
            before = processor_seconds(backend)
            insert_records(connection, ready)
        took += time.perf_counter() - began
        encoding += between - used
        committing += time.process_time() - between
        serving += processor_seconds(backend) - before
        rows += len(ready)
    engine.dispose()
    each = {"encode": encoding, "commit": committing, "serve": serving}
    return {"rate": rows / took, **{name: 1e6 * seconds / rows for name, seconds in each.items()}}


def server_process(connection: Connection) -> int | None:
    """The process of PostgreSQL that serves this connection; SQLite has none."""
    if connection.dialect.name != "postgresql":
        return None
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def processor_seconds(process: int | None) -> float:
    """What a process has used so far."""
    if process is None:
        return 0.0
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(url: str, processes: int) -> dict[str, float]:
    """So many processes at once."""
    engine = open_engine(url)
    migrate(engine)
    if engine.dialect.name == "postgresql":
        partitions = Partitions(engine, LedgerConfig().partition_hours, SystemClock())
        partitions.start()
        partitions.make()
    engine.dispose()
    start = time.time() + 4
    command = [sys.executable, "-m", "benchmarks.ledger_throughput", "--url", url, "--start", str(start)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    told = [json.loads(process.communicate(timeout=120)[0]) for process in running]
    used = {name: statistics.mean(one[name] for one in told) for name in ("encode", "commit", "serve")}
    return {"rate": sum(one["rate"] for one in told), **used, "core": 1e6 / sum(used.values())}


def main() -> None:
    """Measure SQLite and PostgreSQL, one process and two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--start", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.url:
        print(json.dumps(write(arguments.url, arguments.start)))
        return
    binaries = find_postgres()
    print("| ledger | processes | decisions a second | µs: encode | commit | PostgreSQL | a core and second |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for processes in (1, 2):
            rounds: dict[str, list[dict[str, float]]] = {"SQLite": [], "PostgreSQL": []}
            for index in range(arguments.rounds):  # in turn, so that both see the same machine
                rounds["SQLite"].append(measure(f"sqlite:///{Path(folder)}/{processes}-{index}.db", processes))
                if binaries is not None:
                    with running_postgres(binaries, fsync=True) as url:
                        rounds["PostgreSQL"].append(measure(url, processes))
            for name, found in rounds.items():
                if found:
                    typical = [statistics.median(one[what] for one in found) for what in found[0]]
                    print(f"| {name} | {processes} | " + " | ".join(f"{rate:,.0f}" for rate in typical) + " |")


if __name__ == "__main__":
    main()
