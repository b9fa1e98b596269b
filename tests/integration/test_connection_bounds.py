"""What one peer may take of the server: metadata, calls of a connection, connections, idle ones."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from frontdesk import Query, user
from frontdesk.v1.router_service_pb2 import ListModelsRequest, RouteRequest
from frontdesk.v1.router_service_pb2_grpc import RouterServiceStub
from frontdesk_server.rpc.server import LONGEST_PENDING_SECONDS, RpcServer

from tests.fake_desk import FakeDesk
from tests.serving import serving

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""What opens an HTTP/2 connection: the magic text and empty settings."""

RST_STREAM = 3

QUERY = RouteRequest(query=Query(messages=[user("hi")]))


@asynccontextmanager
async def connected(server: RpcServer) -> AsyncIterator[Any]:
    """A stub with a connection of its own."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(server.address, options) as channel:
        yield RouterServiceStub(channel)


async def answer_to_metadata(server: RpcServer, *lengths: int) -> str:
    metadata = [(f"x-{index}", "y" * length) for index, length in enumerate(lengths)]
    async with connected(server) as stub:
        try:
            await stub.ListModels(ListModelsRequest(), metadata=metadata, timeout=10)
        except grpc.aio.AioRpcError as error:
            return error.code().name
    return "OK"


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ((4_000,), "OK"),
        ((15_000,), "OK"),
        ((1_000,) * 14, "OK"),
        ((17_000,), "RESOURCE_EXHAUSTED"),
        ((100_000,), "RESOURCE_EXHAUSTED"),
        ((1_000,) * 100, "RESOURCE_EXHAUSTED"),
        ((10,) * 1_000, "RESOURCE_EXHAUSTED"),
    ],
)
async def test_metadata_is_taken_up_to_its_bound_and_never_beyond(lengths: tuple[int, ...], expected: str) -> None:
    """Not by chance: gRPC itself refuses between a soft and a hard bound at random."""
    async with serving(FakeDesk()) as server:
        assert {await answer_to_metadata(server, *lengths) for _ in range(12)} == {expected}


async def test_calls_beyond_the_streams_of_a_connection_wait_and_all_are_answered() -> None:
    desk = FakeDesk(hang=True)
    async with serving(desk, max_concurrent_streams=8) as server, connected(server) as stub:
        calls = [asyncio.ensure_future(stub.Route(QUERY, timeout=30)) for _ in range(100)]
        await asyncio.wait(calls, timeout=0.5)
        running = len(desk.asked)
        desk.released.set()
        answers = await asyncio.gather(*calls)
    assert (running, len(answers), len(desk.asked)) == (8, 100, 100)


async def test_calls_that_come_and_go_are_never_refused_by_the_bound_on_streams() -> None:
    async with serving(FakeDesk(), max_concurrent_streams=8) as server, connected(server) as stub:

        async def one(index: int) -> str:
            call = asyncio.ensure_future(stub.Route(QUERY, timeout=30))
            if index % 3 == 0:
                await asyncio.sleep(0)
                call.cancel()
            await asyncio.wait([call])
            return "cancelled" if call.cancelled() else "failed" if call.exception() else "answered"

        ended = Counter(await asyncio.gather(*map(one, range(600))))
    assert ended["failed"] == 0
    assert ended["answered"] >= 400


async def test_a_burst_of_calls_waits_for_its_handlers() -> None:
    """By itself gRPC refuses calls as cancelled while more than 1,000 of them wait."""
    async with serving(FakeDesk(), max_concurrent_streams=4096) as server, connected(server) as stub:
        calls = [stub.Route(QUERY, timeout=60) for _ in range(3000)]
        time.sleep(1)  # noqa: ASYNC251 - the loop is busy while they come in
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert Counter(type(answer).__name__ for answer in answers) == {"RouteResponse": 3000}


async def test_calls_wait_for_their_handlers_while_the_server_is_busy() -> None:
    """By itself gRPC cancels after 30 s what a busy loop has not begun; the bound that is set is far longer."""
    async with serving(FakeDesk(), max_concurrent_streams=4096) as server, connected(server) as stub:
        calls = [stub.Route(QUERY, timeout=60) for _ in range(1000)]
        time.sleep(2.5)  # noqa: ASYNC251 - the loop is busy while they wait
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert not [answer for answer in answers if isinstance(answer, BaseException)]
    assert LONGEST_PENDING_SECONDS >= 600


async def frames(reader: asyncio.StreamReader) -> AsyncIterator[tuple[int, bytes]]:
    """Type and payload of every HTTP/2 frame until the server closes."""
    while True:
        try:
            head = await reader.readexactly(9)
            yield head[3], await reader.readexactly(int.from_bytes(head[:3]))
        except (asyncio.IncompleteReadError, ConnectionError):
            return


async def test_streams_of_a_client_that_ignores_the_bound_are_refused() -> None:
    desk = FakeDesk(hang=True)
    body = QUERY.SerializeToString()
    message = b"\0" + len(body).to_bytes(4) + body
    path = b"/frontdesk.v1.RouterService/Route"
    headers = (  # HPACK: indexed POST and http, literals without indexing
        b"\x83\x86"
        + b"\x04" + bytes([len(path)]) + path
        + b"\x01\x01x"
        + b"\x0f\x10\x10application/grpc"
        + b"\x00\x02te\x08trailers"
    )  # fmt: skip
    async with serving(desk, max_concurrent_streams=8) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(PREFACE)
        for stream in range(1, 2 * 3_000, 2):
            for kind, flags, payload in ((1, 4, headers), (0, 1, message)):
                writer.write(len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload)
        refused = 0
        async with asyncio.timeout(20):
            async for kind, _ in frames(reader):
                refused += kind == RST_STREAM
                if refused == 3_000 - 8:
                    break
            while len(desk.asked) < 8:
                await asyncio.sleep(0.01)
        writer.close()
        assert len(desk.asked) == 8
        assert await answer_to_metadata(server, 10) == "OK"


async def idle_connections(server: RpcServer, count: int) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    opened = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(count)]
    for _, writer in opened:
        writer.write(PREFACE)
    return opened


async def closed_within(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            async for _ in frames(connection[0]):
                pass
    except TimeoutError:
        return False
    finally:
        connection[1].close()
    return True


async def test_idle_connections_end_and_a_call_is_no_idleness() -> None:
    desk = FakeDesk(hang=True)
    async with serving(desk, max_connection_idle_seconds=0.5) as server, connected(server) as stub:
        call = asyncio.ensure_future(stub.Route(QUERY, timeout=30))
        opened = await idle_connections(server, 40)
        assert all(await asyncio.gather(*(closed_within(one, 10) for one in opened)))
        assert not call.done()
        desk.released.set()
        await call
        await asyncio.sleep(0.8)
        await stub.Route(QUERY, timeout=10)


async def test_connections_beyond_their_bound_are_closed_at_once() -> None:
    async with serving(FakeDesk(), max_connections=10) as server:
        opened = await idle_connections(server, 30)
        closed = await asyncio.gather(*(closed_within(one, 1) for one in opened))
        assert 15 <= sum(closed) <= 21, "gRPC counts those that are still being opened"
        async with asyncio.timeout(10):
            while await answer_to_metadata(server, 10) != "OK":
                pass
