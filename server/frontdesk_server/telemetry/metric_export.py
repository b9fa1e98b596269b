"""The metrics' way out by OTLP: the Prometheus registry, read once per interval and sent as OpenTelemetry metrics.

The SDK's own instruments cost about ten times as much per recording as cached Prometheus children, and the SDK has no
instrument that could read histograms from elsewhere.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from opentelemetry.sdk.metrics import export
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from frontdesk_server.domain.defects import DefectCounter, report_defect
from frontdesk_server.telemetry import names

_CUMULATIVE = export.AggregationTemporality.CUMULATIVE
_BY_PROMETHEUS_NAME = {metric.prometheus_name: metric for metric in names.METRICS}


class MetricPusher:
    """Sends the registry's state every `interval_seconds`, and once more at the end."""

    def __init__(
        self,
        registry: CollectorRegistry,
        exporter: export.MetricExporter,
        resource: Resource,
        scope: InstrumentationScope,
        interval_seconds: float,
        defects: DefectCounter | None = None,
    ) -> None:
        self._registry = registry
        self._exporter = exporter
        self._resource = resource
        self._scope = scope
        self._interval_seconds = interval_seconds
        self._defects = defects
        self._started_ns = time.time_ns()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="frontdesk-metrics", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Send what there is and close the exporter; blocks."""
        self._stopping.set()
        self._thread.join()
        self._exporter.shutdown()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_seconds):
            self._push()
        self._push()

    def _push(self) -> None:
        """Send once. What goes wrong must not end the thread: the next time may go well."""
        try:
            data = as_otlp(self._registry, self._resource, self._scope, self._started_ns, time.time_ns())
            self._exporter.export(data)
        except Exception as error:
            report_defect("metrics", error, self._defects)


def as_otlp(
    registry: CollectorRegistry, resource: Resource, scope: InstrumentationScope, started_ns: int, now_ns: int
) -> export.MetricsData:
    """Everything the registry holds of Frontdesk's metrics, under their OpenTelemetry names, cumulative."""
    metrics = []
    for family in registry.collect():
        definition = _BY_PROMETHEUS_NAME.get(family.name)
        if definition is not None and family.samples:
            data = _data(definition, family.samples, started_ns, now_ns)
            metrics.append(export.Metric(definition.name, definition.help, definition.unit, data))
    scoped = export.ScopeMetrics(scope, metrics, names.SCHEMA_URL)
    return export.MetricsData([export.ResourceMetrics(resource, [scoped], names.SCHEMA_URL)])


def _data(
    definition: names.Metric, samples: Iterable[Sample], started_ns: int, now_ns: int
) -> export.Sum | export.Gauge | export.Histogram:
    if definition.kind == "histogram":
        return export.Histogram(_histograms(definition, samples, started_ns, now_ns), _CUMULATIVE)
    points = [
        export.NumberDataPoint(_attributes(definition, sample), started_ns, now_ns, sample.value)
        for sample in samples
        if not sample.name.endswith("_created")
    ]
    if definition.kind == "counter":
        return export.Sum(points, _CUMULATIVE, is_monotonic=True)
    return export.Gauge(points)


def _histograms(
    definition: names.Metric, samples: Iterable[Sample], started_ns: int, now_ns: int
) -> list[export.HistogramDataPoint]:
    """One point per set of labels; Prometheus' buckets are cumulative, OTLP's are not."""
    collected: dict[tuple[str, ...], dict[str, Any]] = defaultdict(lambda: {"bounds": [], "counts": [], "sum": 0.0})
    attributes = {}
    for sample in samples:
        key = tuple(sample.labels[label] for label in definition.labels)
        point = collected[key]
        attributes[key] = _attributes(definition, sample)
        if sample.name.endswith("_bucket"):
            point["bounds"].append(float(sample.labels["le"]))
            point["counts"].append(int(sample.value))
        elif sample.name.endswith("_sum"):
            point["sum"] = sample.value
    unknown: Any = None
    return [
        export.HistogramDataPoint(
            attributes=attributes[key],
            start_time_unix_nano=started_ns,
            time_unix_nano=now_ns,
            count=point["counts"][-1],
            sum=point["sum"],
            bucket_counts=[count - below for count, below in zip(point["counts"], [0, *point["counts"]], strict=False)],
            explicit_bounds=point["bounds"][:-1],
            min=unknown,
            max=unknown,
        )
        for key, point in collected.items()
    ]


def _attributes(definition: names.Metric, sample: Sample) -> dict[str, str]:
    """Labels under their OpenTelemetry names; an empty label is an absent attribute."""
    pairs = zip(definition.attributes, definition.labels, strict=True)
    return {attribute: value for attribute, label in pairs if (value := sample.labels[label])}
