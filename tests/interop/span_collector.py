"""An OpenTelemetry collector for tests: remembers the parent of every span that is exported to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class SpanCollector(TraceServiceServicer):
    """Spans by trace id, in hexadecimal."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._spans: dict[str, list[Span]] = {}
        self._arrived = threading.Condition()

    def Export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:  # noqa: N802
        """Take one batch."""
        with self._arrived:
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        self._spans.setdefault(span.trace_id.hex(), []).append(span)
            self._arrived.notify_all()
        return ExportTraceServiceResponse()

    def server_span(self, trace_id: str, seconds: float) -> Span | None:
        """The server span of a trace; waits so long for it to arrive."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._find(trace_id) is not None, seconds)
            return self._find(trace_id)

    def _find(self, trace_id: str) -> Span | None:
        servers = (span for span in self._spans.get(trace_id, []) if span.kind == Span.SPAN_KIND_SERVER)
        return next(servers, None)


@contextmanager
def span_collector() -> Iterator[SpanCollector]:
    """Collect on a free port."""
    server = grpc.server(ThreadPoolExecutor(max_workers=2))
    port = server.add_insecure_port("127.0.0.1:0")
    collector = SpanCollector(f"127.0.0.1:{port}")
    add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    server.start()
    try:
        yield collector
    finally:
        server.stop(None).wait()
