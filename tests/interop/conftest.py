"""Servers and results that the suites of all languages share."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.interop.servers import real_server, scripted_server
from tests.interop.shown_table import RESULTS
from tests.interop.span_collector import SpanCollector, span_collector
from tests.interop.table import Cell, append_cell


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
    results = pytestconfig.stash[RESULTS] = folder / "results.jsonl"
    files = {"FRONTDESK_INTEROP_RESULTS": str(results), "FRONTDESK_INTEROP_SPANS": str(folder / "spans.jsonl")}
    with scripted_server(folder) as scripted, real_server(folder, collector.address) as real:
        yield scripted | real | files | {"FRONTDESK_TOKEN": "of-the-environment"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record the cells of the Python client, whose tests are tests of this session."""
    report = yield
    cell = getattr(item, "cell", None) or getattr(getattr(item, "function", None), "cell", None)
    results = item.config.stash.get(RESULTS, None)
    if call.when == "call" and cell is not None and results is not None:
        rpc, feature = cell
        append_cell(results, Cell("Python", rpc, feature, passed=report.passed))
    return report
