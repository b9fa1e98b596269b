"""How loaded this process is, as ORCA tells load balancers: in the trailers of answers, by which they weigh endpoints.

Source: gRFC A51 (custom backend metrics) and A58 (weighted round robin).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import process_time
from typing import Any, Literal, TypeAlias

import grpc

from frontdesk_server.domain.clock import Clock
from frontdesk_server.rpc.ext_proc.gateway_pb2 import OrcaLoadReport

TRAILER = "endpoint-load-metrics-bin"
ASKED_BY = "endpoint-load-metrics-format"
"""Metadata with which a caller asks for reports."""

_WINDOW_SECONDS = 0.5
_FRESH_SECONDS = 0.05
_SMOOTHING = 0.3
_OUR_FAULT = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN})

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class LoadMeter:
    """Counts calls and failures, and says what that is a second, smoothed over a few seconds.

    What endpoints are told apart by is the share of the calls that may run which runs.
    """

    def __init__(self, when: Literal["asked", "always"], most_calls: int, clock: Clock) -> None:
        self._always = when == "always"
        self._most_calls = most_calls
        self._clock = clock
        self._running = self._calls = self._failures = 0
        self._began, self._began_cpu = clock.monotonic(), process_time()
        self._rates = (0.0, 0.0, 0.0)
        self._report = b""
        self._fresh_until = self._began

    @contextmanager
    def running(self, context: grpc.aio.ServicerContext[Any, Any]) -> Iterator[None]:
        """While a call runs; at its end the trailer is set that its caller may want."""
        self._running += 1
        self._calls += 1
        try:
            yield
            if self._always or any(key == ASKED_BY for key, _ in context.invocation_metadata() or ()):
                context.set_trailing_metadata(((TRAILER, self.report()),))
        except BaseException:
            self._failures += context.code() in _OUR_FAULT
            raise
        finally:
            self._running -= 1

    def report(self) -> bytes:
        """An `OrcaLoadReport` of this moment, or of one just before."""
        now = self._clock.monotonic()
        if now >= self._fresh_until:
            self._fresh_until = now + _FRESH_SECONDS
            self._measure(now)
            calls, failures, cpu = self._rates
            self._report = OrcaLoadReport(
                cpu_utilization=cpu,
                rps_fractional=calls,
                eps=failures,
                application_utilization=self._running / self._most_calls,
            ).SerializeToString()
        return self._report

    def _measure(self, now: float) -> None:
        seconds = now - self._began
        if seconds < _WINDOW_SECONDS:
            return
        cpu = process_time()
        latest = (self._calls / seconds, self._failures / seconds, (cpu - self._began_cpu) / seconds)
        calls, failures, busy = (old + _SMOOTHING * (new - old) for old, new in zip(self._rates, latest, strict=True))
        self._rates = (calls, failures, busy)
        self._calls = self._failures = 0
        self._began, self._began_cpu = now, cpu


def reporting(handlers: Mapping[str, Handler], meter: LoadMeter) -> dict[str, Handler]:
    """The handlers of methods with one request, which tell the load beside their answers."""
    return {name: _reporting(handler, meter) for name, handler in handlers.items()}


def _reporting(handler: Handler, meter: LoadMeter) -> Handler:
    serve: Any = handler.unary_stream if handler.response_streaming else handler.unary_unary

    async def handle(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        with meter.running(context):
            return await serve(request, context)

    make: Any = (
        grpc.unary_stream_rpc_method_handler if handler.response_streaming else (grpc.unary_unary_rpc_method_handler)
    )
    made: Handler = make(handle, handler.request_deserializer, handler.response_serializer)
    return made
