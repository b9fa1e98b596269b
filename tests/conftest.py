"""What holds for every test.

An exception that nobody foresaw, and the service went on without, fails it; the time that an example takes does not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import structlog
from frontdesk_server.domain import defects
from hypothesis import HealthCheck, settings
from structlog._config import BoundLoggerLazyProxy
from structlog.testing import capture_logs
from structlog.typing import EventDict

pytest_plugins = ("tests.side_by_side", "tests.interop.shown_table")

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


class DefectLog(list[dict[str, object]]):
    """The lines of the defects that were caught in this process. A test that expects some takes them out."""

    def __init__(self, logger: Any) -> None:
        super().__init__()
        self._logger = logger

    def error(self, event: str, **values: object) -> None:
        """Keep a line, and write it."""
        self.append({"event": event, **values})
        self._logger.error(event, **values)


@pytest.fixture
def log_lines() -> Iterator[Sequence[EventDict]]:
    """What modules' own loggers write, whatever an earlier test has configured for the process."""
    structlog.reset_defaults()
    for name, module in list(sys.modules.items()):
        if name.startswith("frontdesk_server"):
            for logger in vars(module).values():
                if isinstance(logger, BoundLoggerLazyProxy):
                    vars(logger).pop("bind", None)  # with which it keeps to what was configured when it was first used
    with capture_logs() as lines:
        yield lines


@pytest.fixture(autouse=True)
def caught_defects(monkeypatch: pytest.MonkeyPatch) -> Iterator[DefectLog]:
    """The defects that were caught; what is left of them when the test ends fails it."""
    caught = DefectLog(defects.log)
    monkeypatch.setattr(defects, "log", caught)
    yield caught
    assert not caught, f"exceptions that nobody foresaw were caught: {caught}"
