"""Prints the interop table at the end of a run, also where a worker has filled it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.interop.table import read_cells, render

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

RESULTS = pytest.StashKey[Path]()
"""The file with the cells, once a suite has begun it."""
_OUTPUT = "interop results"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that prints where the cells are."""
    config = session.config
    if hasattr(config, "workeroutput") and RESULTS in config.stash:
        config.workeroutput[_OUTPUT] = str(config.stash[RESULTS])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    """A worker has ended."""
    told = getattr(node, "workeroutput", {}).get(_OUTPUT)
    if told is not None:
        node.config.stash[RESULTS] = Path(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, if any suite ran, and which toolchains are missing."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    missing = {reason.partition("Skipped: ")[2].rstrip("')") for reason in reasons if "toolchain" in reason}
    for toolchain in sorted(missing):
        terminalreporter.write_line(f"skipped: {toolchain}")
    results = config.stash.get(RESULTS, None)
    if results is not None and (cells := read_cells(results)):
        terminalreporter.section("clients: language x RPC x feature")
        for line in render(cells):
            terminalreporter.write_line(line)
