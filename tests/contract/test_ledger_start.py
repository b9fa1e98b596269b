"""Workers that start together open a ledger that does not exist yet, and none of them fails."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from frontdesk_server.ledger.engine import open_engine
from frontdesk_server.ledger.migrations import STEPS, migrate

TOGETHER = 4
TRIALS = 25


def test_workers_that_start_together_share_a_fresh_file(tmp_path: Path) -> None:
    """The switch to the write-ahead log collides in about every fifth trial where it is not repeated."""
    failures: list[Exception] = []
    for trial in range(TRIALS):
        url, barrier = f"sqlite:///{tmp_path}/ledger-{trial}.db", threading.Barrier(TOGETHER)

        def start(url: str = url, barrier: threading.Barrier = barrier) -> None:
            engine = open_engine(url)
            barrier.wait()
            try:
                assert migrate(engine) == len(STEPS)
            except Exception as error:
                failures.append(error)
            finally:
                engine.dispose()

        threads = [threading.Thread(target=start) for _ in range(TOGETHER)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures
    with closing(sqlite3.connect(tmp_path / "ledger-0.db")) as connection:
        mode = connection.execute("PRAGMA journal_mode").fetchone()
    assert mode == ("wal",)
