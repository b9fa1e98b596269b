"""An OpenTelemetry collector's OTLP gRPC services in process: keeps what it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(trace_service_pb2_grpc.TraceServiceServicer, metrics_service_pb2_grpc.MetricsServiceServicer):
    """Everything received, in order."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.traces: list[trace_service_pb2.ExportTraceServiceRequest] = []
        self.pushed: list[metrics_service_pb2.ExportMetricsServiceRequest] = []

    def Export(self, request: object, context: grpc.ServicerContext) -> object:  # noqa: N802
        if isinstance(request, trace_service_pb2.ExportTraceServiceRequest):
            self.traces.append(request)
            return trace_service_pb2.ExportTraceServiceResponse()
        assert isinstance(request, metrics_service_pb2.ExportMetricsServiceRequest)
        self.pushed.append(request)
        return metrics_service_pb2.ExportMetricsServiceResponse()

    @property
    def spans(self) -> list[Span]:
        return [s for request in self.traces for r in request.resource_spans for c in r.scope_spans for s in c.spans]

    @property
    def metrics(self) -> dict[str, Metric]:
        """The latest state of every metric."""
        pushed = [
            m for request in self.pushed for r in request.resource_metrics for c in r.scope_metrics for m in c.metrics
        ]
        return {metric.name: metric for metric in pushed}

    @property
    def resource(self) -> dict[str, object]:
        return values(self.traces[0].resource_spans[0].resource.attributes)


def values(attributes: Iterable[KeyValue]) -> dict[str, object]:
    """Attributes as plain values."""
    return {pair.key: _plain(pair.value) for pair in attributes}


def _plain(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None


@contextmanager
def running_collector() -> Iterator[Collector]:
    """Serve on a free loopback port."""
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
    # OpenTelemetry generates its services without types.
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None).wait()
