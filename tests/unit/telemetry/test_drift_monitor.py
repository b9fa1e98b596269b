"""Drift in metrics and log lines."""

from __future__ import annotations

import io
import json

from frontdesk_server.artefacts.quality.drift import DriftVerdict
from frontdesk_server.config.service import TelemetryConfig
from frontdesk_server.telemetry.drift_monitor import TelemetryDriftMonitor
from frontdesk_server.telemetry.logging import EventLog, build_logger
from frontdesk_server.telemetry.metrics import Metrics

USUAL = DriftVerdict(False, 0.03, 0.8, "live scores look like those of training")
SHIFTED = DriftVerdict(True, 1.2345, 0.0, "live scores are higher than in training")
LABELS = {"frontdesk_strategy_path": "default/classifier", "frontdesk_model": "small"}


class Bench:
    """A monitor with what it writes in view."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()
        text = io.TextIOWrapper(self.bytes, "utf-8", write_through=True)
        config = TelemetryConfig.model_validate({"log_format": "json"})
        self.metrics = Metrics()
        self.monitor = TelemetryDriftMonitor(self.metrics, EventLog(build_logger(config, text), config))
        self.text = text

    def judged(self, *verdicts: DriftVerdict) -> None:
        for verdict in verdicts:
            self.monitor.judged("default/classifier", "small", verdict)

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.bytes.getvalue().splitlines()]

    @property
    def shift(self) -> float | None:
        return self.metrics.registry.get_sample_value("frontdesk_scores_shift", LABELS)


def test_a_drift_is_logged_when_it_begins_and_measured_all_along() -> None:
    bench = Bench()
    bench.judged(USUAL)
    assert bench.shift == USUAL.stability_index
    assert bench.lines == []
    bench.judged(SHIFTED, SHIFTED)
    assert bench.shift == SHIFTED.stability_index
    (line,) = bench.lines
    del line["timestamp"]
    assert line == {
        "event": "scores.drifted",
        "level": "warning",
        "classifier": "default/classifier",
        "model": "small",
        "stability_index": 1.234,
        "reason": SHIFTED.reason,
    }
    bench.judged(USUAL, SHIFTED)
    assert len(bench.lines) == 2


def test_a_replaced_configuration_leaves_nothing_behind() -> None:
    bench = Bench()
    bench.judged(SHIFTED)
    bench.monitor.restart()
    assert bench.shift is None
    bench.judged(SHIFTED)
    assert len(bench.lines) == 2
