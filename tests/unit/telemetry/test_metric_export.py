"""Metrics' way out by OTLP survives what goes wrong on it."""

from __future__ import annotations

import threading
from typing import Any

from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.metric_export import MetricPusher
from frontdesk_server.telemetry.metrics import Metrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from tests.conftest import DefectLog


class Exporter:
    """Breaks at the first export."""

    def __init__(self) -> None:
        self.exports = 0
        self.twice = threading.Event()

    def export(self, data: Any) -> None:
        self.exports += 1
        if self.exports == 1:
            raise KeyError("a label")
        self.twice.set()

    def shutdown(self) -> None:
        pass


def test_an_export_that_breaks_is_reported_and_the_next_one_is_made(caught_defects: DefectLog) -> None:
    metrics, exporter = Metrics(), Exporter()
    scope = InstrumentationScope(names.SCOPE)
    pusher = MetricPusher(metrics.registry, exporter, Resource({}), scope, 0.001, metrics)  # type: ignore[arg-type]
    pusher.start()
    assert exporter.twice.wait(10)
    pusher.stop()

    assert [(line["part"], line["error_type"]) for line in caught_defects] == [("metrics", "KeyError")]
    labels = {"frontdesk_defect_part": "metrics", "error_type": "KeyError"}
    assert metrics.registry.get_sample_value("frontdesk_defects_total", labels) == 1
    caught_defects.clear()
