"""What the one layer around every method does, seen without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
import pytest
from frontdesk.v1 import router_service_pb2 as pb
from frontdesk_server.desk.calls import FrontCall, RunningCalls, seconds_to_work
from frontdesk_server.domain.call import Caller, Peer
from frontdesk_server.domain.errors import Unauthenticated, UnknownRouter
from frontdesk_server.rpc.interceptor import Interceptor
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from tests.conftest import DefectLog
from tests.fakes import FakeClock
from tests.recorder import Recorder


class Aborted(Exception):
    """What gRPC raises after an abort."""


class FakeContext:
    """A servicer context that keeps its status."""

    def __init__(self, remaining: float | None = None, metadata: tuple[tuple[str, str | bytes], ...] = ()) -> None:
        self.remaining = remaining
        self.metadata = metadata
        self.code: grpc.StatusCode | None = None
        self.trailing: dict[str, Any] = {}
        self.written: list[Any] = []

    def time_remaining(self) -> float | None:
        return self.remaining

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self.metadata

    def cancelled(self) -> bool:
        return False

    async def write(self, response: Any) -> None:
        self.written.append(response)

    async def abort(self, code: grpc.StatusCode, message: str, trailing: Any) -> None:
        self.code, self.message, self.trailing = code, message, dict(trailing)
        raise Aborted

    def detail(self, kind: type[Any]) -> Any:
        for packed in Status.FromString(self.trailing["grpc-status-details-bin"]).details:
            if packed.Is(kind.DESCRIPTOR):
                return kind.FromString(packed.value)
        return None

    @property
    def reason(self) -> str:
        reason: str = self.detail(ErrorInfo).reason
        return reason


class Bench:
    """An interceptor around one method whose behaviour the test gives."""

    def __init__(self, serve: Any = None, *, identify: Any = lambda metadata, peer: Caller(), limit: int = 10) -> None:
        self.observer = Recorder()
        self.clock = FakeClock()
        self.calls: list[FrontCall] = []
        self.running = RunningCalls(
            observer=self.observer, clock=self.clock, identify=identify, max_concurrent_calls=limit
        )
        self.interceptor = Interceptor(self.running, 1000)

        async def route(request: pb.RouteRequest, call: FrontCall) -> pb.RouteResponse:
            self.calls.append(call)
            if serve is not None:
                await serve()
            return pb.RouteResponse()

        self.handler: Any = self.interceptor.unary("s/Route", pb.RouteRequest, pb.RouteResponse, route).unary_unary

    async def call(self, context: FakeContext, raw: bytes = b"") -> Any:
        return await self.handler(raw, context)

    async def refused(self, context: FakeContext, raw: bytes = b"") -> tuple[str, str]:
        with pytest.raises(Aborted):
            await self.call(context, raw)
        assert context.code is not None
        assert [code for code, _ in self.observer.over] == [context.code.name]
        return context.code.name, context.reason


async def test_a_good_call_is_served_and_observed() -> None:
    bench = Bench(identify=lambda metadata, peer: Caller(metadata["x-name"]))
    context = FakeContext(2.5, (("x-name", "alice"), ("x-bin", b"\x00")))
    assert await bench.call(context) == pb.RouteResponse()
    (call,) = bench.calls
    assert (call.caller.name, call.metadata) == ("alice", {"x-name": "alice"})
    assert call.deadline == 1000 + seconds_to_work(2.5)
    assert bench.observer.started == [("s/Route", {"x-name": "alice"})]
    assert bench.observer.over == [("OK", None)]


async def test_a_call_without_deadline_has_none() -> None:
    bench = Bench()
    await bench.call(FakeContext())
    assert bench.calls[0].deadline is None


async def test_bytes_that_are_no_message_are_the_callers_fault() -> None:
    assert await Bench().refused(FakeContext(), b"\xff\xff") == ("INVALID_ARGUMENT", "MALFORMED_REQUEST")


async def test_a_string_that_is_not_utf8_is_named() -> None:
    context = FakeContext()
    raw = b"\x0a\x05\x0a\x03\x1a\x01\xff"
    assert await Bench().refused(context, raw) == ("INVALID_ARGUMENT", "INVALID_UTF8")
    assert context.detail(BadRequest).field_violations[0].field == "query.messages[0].name"


async def test_a_message_over_the_limit_is_not_parsed() -> None:
    assert await Bench().refused(FakeContext(), b"x" * 1001) == ("RESOURCE_EXHAUSTED", "REQUEST_TOO_LARGE")


@pytest.mark.parametrize("remaining", [0.0, -1.0])
async def test_a_deadline_already_past_is_said(remaining: float) -> None:
    assert await Bench().refused(FakeContext(remaining)) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")


async def test_who_is_not_known_is_refused() -> None:
    def identify(metadata: Mapping[str, str], peer: Peer) -> Caller:
        raise Unauthenticated("who?")

    bench = Bench(identify=identify)
    assert await bench.refused(FakeContext()) == ("UNAUTHENTICATED", "UNAUTHENTICATED")
    assert bench.calls == []


async def test_a_call_past_the_limit_is_refused_at_once() -> None:
    release = asyncio.Event()
    bench = Bench(release.wait, limit=1)
    first = asyncio.ensure_future(bench.call(FakeContext()))
    while not bench.calls:
        await asyncio.sleep(0)
    assert await bench.refused(FakeContext()) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    release.set()
    await first
    await bench.call(FakeContext())


async def test_an_error_of_ours_reaches_the_observer() -> None:
    error = UnknownRouter("x", ["default"])

    async def serve() -> None:
        raise error

    bench = Bench(serve)
    assert await bench.refused(FakeContext()) == ("NOT_FOUND", "UNKNOWN_ROUTER")
    assert bench.observer.over == [("NOT_FOUND", error)]


async def test_an_unknown_error_is_logged_and_leaks_nothing(caught_defects: DefectLog) -> None:
    async def serve() -> None:
        raise RuntimeError("secret")

    context = FakeContext()
    assert await Bench(serve).refused(context) == ("INTERNAL", "INTERNAL")
    assert "secret" not in repr((context.message, context.trailing, caught_defects))
    assert [(line["part"], line["method"]) for line in caught_defects] == [("call", "s/Route")]
    caught_defects.clear()


@pytest.mark.parametrize(("remaining", "code"), [(None, "CANCELLED"), (5.0, "CANCELLED"), (0.0, "DEADLINE_EXCEEDED")])
async def test_cancellation_is_raised_again_and_told_from_a_deadline(remaining: float | None, code: str) -> None:
    context = FakeContext()
    bench = Bench(asyncio.Event().wait)
    task = asyncio.ensure_future(bench.call(context))
    while not bench.calls:
        await asyncio.sleep(0)
    context.remaining = remaining
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.observer.over == [(code, None)]
    assert context.code is None
    await asyncio.wait_for(bench.running.idle(), 1)


async def test_a_stream_is_closed_when_its_caller_goes_away() -> None:
    closed = asyncio.Event()
    reached = asyncio.Event()
    observer = Recorder()
    interceptor = Interceptor(RunningCalls(observer=observer, clock=FakeClock()), 1000)

    async def serve(request: pb.RouteRequest, call: FrontCall, write: Any) -> None:
        try:
            await write(pb.RouteResponse(), FakeClock().seconds + 60)
            reached.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    context = FakeContext()
    handler: Any = interceptor.stream("s/Route", pb.RouteRequest, pb.RouteResponse, serve).unary_stream
    task = asyncio.ensure_future(handler(b"", context))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed.is_set()
    assert context.written == [pb.RouteResponse()]
    assert observer.over == [("CANCELLED", None)]


async def test_a_shut_down_ends_running_calls_with_its_reason() -> None:
    began = asyncio.Event()

    async def for_ever() -> None:
        began.set()
        await asyncio.Event().wait()

    bench, context = Bench(for_ever), FakeContext()
    call = asyncio.create_task(bench.refused(context))
    await began.wait()
    bench.running.shut_down()
    assert await call == ("UNAVAILABLE", "SHUTTING_DOWN")
    await bench.running.idle()
