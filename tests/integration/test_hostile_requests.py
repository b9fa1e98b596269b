"""Whatever arrives, the server answers it with a documented reason and stays up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from frontdesk.v1 import router_service_pb2 as pb
from frontdesk_server.rpc.reasons import reason_rows
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.arbitrary import anything, valid_policies, valid_queries
from tests.fake_desk import FakeDesk
from tests.serving import serving

Send = Callable[[str, bytes], str]
CODE_OF_REASON = {row.reason: row.code for row in reason_rows() if row.reason != "INTERNAL"}
REQUESTS: dict[str, type[Message]] = {
    "Route": pb.RouteRequest,
    "RouteBatch": pb.RouteBatchRequest,
    "Complete": pb.CompleteRequest,
    "StreamComplete": pb.StreamCompleteRequest,
    "ReportOutcome": pb.ReportOutcomeRequest,
    "GetDecision": pb.GetDecisionRequest,
    "ListModels": pb.ListModelsRequest,
}
examples = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def send() -> Iterator[Send]:
    """Sends bytes to a method of a real server; returns OK or the reason, which must be a documented one."""
    with asyncio.Runner() as runner:
        running = serving(FakeDesk())
        server = runner.run(running.__aenter__())
        channel = runner.run(_channel(server.address))

        def send(method: str, raw: bytes) -> str:
            return runner.run(_answer(channel, method, raw))

        yield send
        assert send("Route", b"").endswith("EMPTY")
        runner.run(channel.close())
        runner.run(running.__aexit__(None, None, None))


async def _channel(address: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(address)


async def _answer(channel: grpc.aio.Channel, method: str, raw: bytes) -> str:
    path = f"/frontdesk.v1.RouterService/{method}"
    stream: Any = channel.unary_stream(path)
    unary: Any = channel.unary_unary(path)
    try:
        if method == "StreamComplete":
            async for _ in stream(raw, timeout=20):
                pass
        else:
            await unary(raw, timeout=20)
    except grpc.aio.AioRpcError as error:
        return _documented_reason(error)
    return "OK"


def _documented_reason(error: Any) -> str:
    trailing = dict(error.trailing_metadata())
    info = ErrorInfo()
    assert Status.FromString(trailing["grpc-status-details-bin"]).details[0].Unpack(info)
    assert CODE_OF_REASON.get(info.reason) == error.code().name, error
    return str(info.reason)


@pytest.mark.parametrize("method", REQUESTS)
def test_arbitrary_messages(send: Send, method: str) -> None:
    @examples
    @given(anything(REQUESTS[method]))
    def check(message: Message) -> None:
        send(method, message.SerializeToString())

    check()


@pytest.mark.parametrize("method", ["Route", "Complete", "StreamComplete"])
def test_valid_messages_are_served(send: Send, method: str) -> None:
    @examples
    @given(valid_queries(), valid_policies())
    def check(query: Any, policy: Any) -> None:
        assert send(method, REQUESTS[method](query=query, policy=policy).SerializeToString()) == "OK"

    check()


def test_mutated_bytes(send: Send) -> None:
    @examples
    @given(valid_queries(), st.data())
    def check(query: Any, data: st.DataObject) -> None:
        raw = bytearray(pb.RouteRequest(query=query, labels={"k": "v"}).SerializeToString())
        for _ in range(data.draw(st.integers(1, 4))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        send("Route", bytes(raw))

    check()


@pytest.mark.parametrize("method", REQUESTS)
def test_arbitrary_bytes(send: Send, method: str) -> None:
    @examples
    @given(st.binary(max_size=100))
    def check(raw: bytes) -> None:
        send(method, raw)

    check()
