"""The load that a process reports beside its answers."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from frontdesk_server.rpc.ext_proc.gateway_pb2 import OrcaLoadReport
from frontdesk_server.rpc.load_report import ASKED_BY, TRAILER, LoadMeter, reporting

from tests.fakes import FakeClock


class FakeContext:
    """A servicer context that keeps its trailer."""

    def __init__(self, *metadata: tuple[str, str], code: grpc.StatusCode | None = None) -> None:
        self.metadata = metadata
        self.status = code
        self.trailer: dict[str, bytes] = {}

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self.metadata

    def set_trailing_metadata(self, trailer: Any) -> None:
        self.trailer = dict(trailer)

    def code(self) -> grpc.StatusCode | None:
        return self.status


def report_of(meter: LoadMeter) -> OrcaLoadReport:
    return OrcaLoadReport.FromString(meter.report())


def test_rates_are_those_of_the_last_seconds_and_utilisation_that_of_the_moment() -> None:
    clock = FakeClock()
    meter = LoadMeter("always", 10, clock)
    other: Any = FakeContext()
    with meter.running(other), meter.running(other):
        for _ in range(30):
            for _ in range(100):
                with meter.running(other):
                    pass
            failing: Any = FakeContext(code=grpc.StatusCode.INTERNAL)
            for _ in range(10):
                with pytest.raises(ValueError, match="x"), meter.running(failing):
                    raise ValueError("x")
            clock.seconds += 1
            report = report_of(meter)
        assert report.rps_fractional == pytest.approx(110, rel=0.01)
        assert report.eps == pytest.approx(10, rel=0.01)
        assert report.application_utilization == pytest.approx(0.2)
    clock.seconds += 1
    assert report_of(meter).application_utilization == 0
    assert report_of(meter).cpu_utilization >= 0


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    ("when", "metadata", "told"),
    [("asked", (), False), ("asked", ((ASKED_BY, "BIN"),), True), ("always", (), True)],
)
async def test_it_is_told_to_those_who_ask_or_to_all(when: Any, metadata: Any, told: bool, streams: bool) -> None:
    async def serve(request: bytes, context: Any) -> bytes:
        return request

    make: Any = grpc.unary_stream_rpc_method_handler if streams else grpc.unary_unary_rpc_method_handler
    (made,) = reporting({"Route": make(serve)}, LoadMeter(when, 10, FakeClock())).values()
    method: Any = made.unary_stream if streams else made.unary_unary
    context = FakeContext(*metadata)
    assert await method(b"x", context) == b"x"
    assert (TRAILER in context.trailer) == told
