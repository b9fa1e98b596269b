"""Servers and results that the suites of all languages share; prints the interop table at the end."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.interop.servers import real_server, scripted_server
from tests.interop.span_collector import SpanCollector, span_collector
from tests.interop.table import Cell, append_cell, read_cells, render

_RESULTS = pytest.StashKey[Path]()


@pytest.fixture(scope="session")
def collector() -> Iterator[SpanCollector]:
    """Where the real server sends its spans."""
    with span_collector() as collector:
        yield collector


@pytest.fixture(scope="session")
def environment(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config, collector: SpanCollector
) -> Iterator[dict[str, str]]:
    """The variables by which a client's test suite finds the servers and the files for its results."""
    folder = tmp_path_factory.mktemp("interop")
    results = pytestconfig.stash[_RESULTS] = folder / "results.jsonl"
    files = {"FRONTDESK_INTEROP_RESULTS": str(results), "FRONTDESK_INTEROP_SPANS": str(folder / "spans.jsonl")}
    with scripted_server(folder) as scripted, real_server(folder, collector.address) as real:
        yield scripted | real | files


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record the cells of the Python client, whose tests are tests of this session."""
    report = yield
    cell = getattr(item, "cell", None) or getattr(getattr(item, "function", None), "cell", None)
    results = item.config.stash.get(_RESULTS, None)
    if call.when == "call" and cell is not None and results is not None:
        rpc, feature = cell
        append_cell(results, Cell("Python", rpc, feature, passed=report.passed))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, if any suite ran, and which toolchains are missing."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    missing = {reason.partition("Skipped: ")[2].rstrip("')") for reason in reasons if "toolchain" in reason}
    for toolchain in sorted(missing):
        terminalreporter.write_line(f"skipped: {toolchain}")
    results = config.stash.get(_RESULTS, None)
    if results is not None and (cells := read_cells(results)):
        terminalreporter.section("clients: language x RPC x feature")
        for line in render(cells):
            terminalreporter.write_line(line)
