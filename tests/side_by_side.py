"""Runs the suites side by side, a file at a time, and says of each what came of it: `make test`.

One `pytest` alone runs everything in its order, as ever.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling
    from xdist.workermanage import WorkerController

_FIRST = ("interop", "alerts", "integration", "chaos", "contract")
"""Suites with the longest files, which must not be left for the end; the others follow."""
_SHARE_SERVERS = ("interop",)
"""Suites whose files share servers, and run one after the other."""


def suite_of(nodeid: str) -> str:
    """The folder of `tests/` that a test belongs to."""
    return nodeid.split("/")[1]


def together(nodeid: str) -> str:
    """What one worker runs as a whole: the tests of a file, or of a suite."""
    suite = suite_of(nodeid)
    return suite if suite in _SHARE_SERVERS else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Hand out what belongs together."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    return Together(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Report suites, where there are workers that run them."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        config.option.loadscopereorder = False  # the order is ours
        config.pluginmanager.register(_Suites(config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _FIRST.index(suite) if (suite := suite_of(item.nodeid)) in _FIRST else len(_FIRST))


class _Suites:
    """Counts the tests of each suite down, and writes a line when it is through."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._left: Counter[str] = Counter()
        self._outcomes: dict[str, Counter[str]] = {}
        self._seconds: Counter[str] = Counter()
        self._began = time.monotonic()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: WorkerController, ids: Sequence[str]) -> None:
        """Every worker collects the same."""
        if not self._left and not self._outcomes:
            self._left.update(map(suite_of, ids))
            told = ", ".join(f"{count} of {suite}" for suite, count in sorted(self._left.items()))
            self._write(f"{len(ids)} tests: {told}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test has ended."""
        suite = suite_of(report.nodeid)
        self._seconds[suite] += report.duration  # type: ignore[assignment]  # counters take fractions too
        outcomes = self._outcomes.setdefault(suite, Counter())
        if report.when == "call" or report.outcome != "passed":
            outcomes[report.outcome] += 1
        if report.when == "teardown":
            self._left[suite] -= 1
            if not self._left[suite]:
                told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
                work = self._seconds[suite]
                self._write(f"{suite}: {told}; {work:.0f} s of work, after {time.monotonic() - self._began:.0f} s")

    def _write(self, line: str) -> None:
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        reporter.write_line(f"\n{line}")
