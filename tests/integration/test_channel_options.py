"""The options of gRPC channels: gRPC ignores a name that it does not know, so names and effects are both looked at."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import grpc
import pytest
from frontdesk import Query, user
from frontdesk.channel import channel_options
from frontdesk.v1.router_service_pb2 import RouteRequest, RouteResponse
from frontdesk.v1.router_service_pb2_grpc import RouterServiceStub
from frontdesk_server.rpc import server as rpc_server

from tests.fake_desk import FakeDesk
from tests.serving import serving

ROOT = Path(__file__).parents[2]
OPTION = re.compile(r"grpc\.[a-z0-9_]+(?:\.[a-z0-9_]+)*")


def names_in_python() -> Iterator[tuple[str, Path]]:
    """Every text of our Python code that can be nothing but the name of a channel option."""
    for folder in ("server", "clients/python", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and OPTION.fullmatch(node.value):
                    yield node.value, path


def names_in_typescript() -> Iterator[tuple[str, Path]]:
    for path in (ROOT / "clients/typescript/src").glob("*.ts"):
        yield from ((name, path) for name in re.findall(rf'"({OPTION.pattern})"', path.read_text()))


def known_to_grpc(name: str) -> bool:
    """Whether the name stands in gRPC's own library, which has no other list of them."""
    return name.encode() + b"\0" in _library()


@cache
def _library() -> bytes:
    return Path(str(import_module("grpc._cython.cygrpc").__file__)).read_bytes()


def test_grpc_knows_every_option_that_we_name() -> None:
    used = [*names_in_python(), *names_in_typescript()]
    assert {"grpc.keepalive_time_ms", "grpc.http2.min_ping_interval_without_data_ms"} <= {name for name, _ in used}
    unknown = {name for name in {name for name, _ in used} if not known_to_grpc(name)}
    assert not [(name, str(path)) for name, path in used if name in unknown]
    assert not known_to_grpc("grpc." + "http2.min_recv_ping_interval_without_data_ms")


@pytest.mark.parametrize(
    ("source", "pattern", "unit_ms"),
    [
        ("clients/python/frontdesk/channel.py", r'"grpc.keepalive_time_ms": ([\d_]+)', 1),
        ("clients/typescript/src/options.ts", r'"grpc.keepalive_time_ms": ([\d_]+)', 1),
        ("clients/go/options.go", r"KeepaliveTime = (\d+) \* time.Second", 1000),
        ("clients/java/src/main/java/dev/frontdesk/ChannelDefaults.java", r"KEEPALIVE_SECONDS = (\d+);", 1000),
    ],
)
def test_every_client_pings_more_seldom_than_the_server_permits(source: str, pattern: str, unit_ms: int) -> None:
    (interval,) = re.findall(pattern, (ROOT / source).read_text())
    assert int(interval) * unit_ms >= 2 * rpc_server.MIN_PING_INTERVAL_MS


@pytest.mark.parametrize("permitted_ms", [100, 10_000])
async def test_a_silent_call_outlives_the_pings_that_the_server_permits_and_no_others(
    permitted_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pings come every quarter of a second; a server that permits fewer ends the call with the fourth."""
    monkeypatch.setattr(rpc_server, "MIN_PING_INTERVAL_MS", permitted_ms)
    desk = FakeDesk(hang=True)
    options = [*channel_options({"grpc.keepalive_time_ms": 250, "grpc.service_config": None})]
    async with serving(desk) as server, grpc.aio.insecure_channel(server.address, options) as channel:
        call = RouterServiceStub(channel).Route(RouteRequest(query=Query(messages=[user("hi")])), timeout=100)
        if permitted_ms > 250:
            with pytest.raises(grpc.aio.AioRpcError, match="Too many pings"):
                await call
            return
        done, _ = await asyncio.wait([asyncio.ensure_future(call)], timeout=3)
        assert not done
        desk.released.set()
        assert isinstance(await call, RouteResponse)
