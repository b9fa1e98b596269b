"""Libraries' warnings are lines of the log like all others, without what they were about."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from frontdesk_server.config.service import TelemetryConfig
from frontdesk_server.telemetry.logging import configure_process

SECRET = "what the user asked"


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    """The process as it is served, which configures itself twice at its start."""
    before = list(logging.getLogger().handlers)
    for _ in range(2):
        configure_process(TelemetryConfig(log_format="json"))
    yield
    logging.getLogger().handlers[:] = before
    structlog.reset_defaults()


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in captured.readouterr().err.splitlines()]


def test_a_warning_is_one_line_without_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("some.library").info("not told")
    logging.getLogger("some.library").warning("cannot read %s", SECRET)
    (line,) = lines(capsys)
    assert (line["event"], line["level"]) == ("library.warned", "warning")
    assert (line["library"], line["message"]) == ("some.library", "cannot read %s")


def test_an_error_is_told_by_type_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("some.library").exception("it failed")
    captured = capsys.readouterr().err
    assert SECRET not in captured
    line = json.loads(captured)
    assert (line["level"], line["error_type"]) == ("error", "ValueError")
    assert "test_libraries.py" in line["frames"][0]
