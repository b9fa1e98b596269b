"""Where a client works: in several event loops, and beside a proxy that the environment names."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from frontdesk import Client, FrontdeskError, sync
from frontdesk.channel import channel_options, is_local
from frontdesk.v1.router_service_pb2 import ListModelsRequest, ListModelsResponse, Model


def list_models(request: ListModelsRequest, context: grpc.ServicerContext) -> ListModelsResponse:
    return ListModelsResponse(models=[Model(name="small")])


@pytest.fixture
def address() -> Iterator[str]:
    """A server that needs no event loop."""
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    handler = grpc.unary_unary_rpc_method_handler(
        list_models, ListModelsRequest.FromString, ListModelsResponse.SerializeToString
    )
    server.add_registered_method_handlers("frontdesk.v1.RouterService", {"ListModels": handler})
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(0).wait()


async def names(client: Client) -> list[str]:
    return [model.name for model in await client.list_models(timeout=10)]


def test_a_client_serves_one_event_loop_after_another(address: str) -> None:
    client = Client(address)
    for _ in range(3):
        assert asyncio.run(names(client)) == ["small"]
    assert len(client._connections) == 1, "those of ended loops are gone"
    asyncio.run(client.close())


def test_a_client_serves_event_loops_of_several_threads_at_once_and_closes_them_all(address: str) -> None:
    client = Client(address)
    loops = [asyncio.new_event_loop() for _ in range(3)]
    threads = [threading.Thread(target=loop.run_forever) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            calls = [asyncio.run_coroutine_threadsafe(names(client), loop) for loop in loops]
            assert [call.result(10) for call in calls] == [["small"]] * 3
        channels = [connection.channel for connection in client._connections.values()]
        asyncio.run_coroutine_threadsafe(client.close(), loops[0]).result(10)
        assert [channel.get_state() for channel in channels] == [grpc.ChannelConnectivity.SHUTDOWN] * 3
    finally:
        for loop, thread in zip(loops, threads, strict=True):
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def test_a_call_in_a_loop_that_a_failed_one_went_before_is_answered(address: str) -> None:
    client = Client(address, options={"grpc.service_config": None})

    async def late() -> None:
        with pytest.raises(FrontdeskError):
            await client.list_models(timeout=-1)

    asyncio.run(late())
    assert asyncio.run(names(client)) == ["small"]
    asyncio.run(client.close())


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A proxy that the environment names and that nobody should ask."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        for name in ("grpc_proxy", "https_proxy", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{listener.getsockname()[1]}")
        for name in ("no_grpc_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield listener


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_never_asked_of_a_proxy(host: str, address: str, proxy: socket.socket) -> None:
    target = address.replace("127.0.0.1", host)
    assert asyncio.run(names(Client(target))) == ["small"]
    with sync.Client(target) as client:
        assert [model.name for model in client.list_models(timeout=10)] == ["small"]
    with pytest.raises(BlockingIOError):
        proxy.accept()


LOCAL = [
    *("localhost:50051", "LOCALHOST", "127.0.0.1:50051", "127.8.0.1:1", "[::1]:50051", "[::1]", "::1"),
    *("dns:localhost:1", "dns:///127.0.0.1:1", "ipv4:127.0.0.1:1,127.0.0.2:1", "ipv6:[::1]:1"),
    *("unix:/run/x.sock", "unix-abstract:x"),
]
REMOTE = [
    *("frontdesk:50051", "127.0.0.1.example.org:1", "localhost.example.org:1", "dns:///frontdesk:1"),
    *("dns://10.0.0.1/localhost:1", "ipv4:127.0.0.1:1,10.0.0.1:1", "[2001:db8::1]:1", "10.0.0.1:1", ""),
]


@pytest.mark.parametrize("target", LOCAL)
def test_a_target_on_this_machine_turns_the_proxy_off_unless_the_caller_wants_it(target: str) -> None:
    assert is_local(target)
    assert dict(channel_options(target=target))["grpc.enable_http_proxy"] == 0
    assert dict(channel_options({"grpc.enable_http_proxy": 1}, target=target))["grpc.enable_http_proxy"] == 1


@pytest.mark.parametrize("target", REMOTE)
def test_another_machine_is_asked_as_the_environment_says(target: str) -> None:
    assert not is_local(target)
    assert "grpc.enable_http_proxy" not in dict(channel_options(target=target))
