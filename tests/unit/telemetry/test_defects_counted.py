"""A defect is counted once, whoever reports it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import structlog
from frontdesk_server.config.service import TelemetryConfig
from frontdesk_server.domain.defects import DefectCounter, report_defect
from frontdesk_server.telemetry.logging import configure_process
from frontdesk_server.telemetry.metrics import Metrics

from tests.conftest import DefectLog

CONFIG = TelemetryConfig.model_validate({"log_format": "json"})


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    """What the process counts with."""
    metrics = Metrics()
    configure_process(CONFIG, metrics)
    yield metrics
    structlog.reset_defaults()


def counted(metrics: Metrics) -> float | None:
    labels = {"frontdesk_defect_part": "references", "error_type": "ZeroDivisionError"}
    return metrics.registry.get_sample_value("frontdesk_defects_total", labels)


@pytest.mark.parametrize("by_itself", [True, False])
def test_once(by_itself: bool, metrics: Metrics, caught_defects: DefectLog, capfd: pytest.CaptureFixture[str]) -> None:
    counter: DefectCounter | None = metrics if by_itself else None
    report_defect("references", ZeroDivisionError("what a caller said"), counter, file="a.txt")
    (line,) = map(json.loads, capfd.readouterr().err.splitlines())
    assert counted(metrics) == 1
    assert (line["event"], line["part"], line["file"]) == ("defect.caught", "references", "a.txt")
    assert "counted" not in line
    caught_defects.clear()


def test_a_process_without_metrics_logs_all_the_same(
    caught_defects: DefectLog, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_process(CONFIG)
    report_defect("references", ZeroDivisionError())
    assert "defect.caught" in capfd.readouterr().err
    structlog.reset_defaults()
    caught_defects.clear()
