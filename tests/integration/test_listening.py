"""Who may listen where: one service at a place, and none kept away by what a dead one left."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import typer
import yaml
from frontdesk import Client
from frontdesk_server.assembly.supervisor import reserved_port
from frontdesk_server.cli.serve import serve
from frontdesk_server.config.loading import parse_config
from frontdesk_server.config.service import listening_address
from frontdesk_server.domain.errors import ConfigError

from tests.fake_desk import FakeDesk
from tests.integration.test_workers import Service
from tests.integration.test_workers import serving as serving_process
from tests.service import pool_config
from tests.serving import serving


async def refused(address: str) -> str:
    with pytest.raises(ConfigError) as refusal:
        async with serving(FakeDesk(), address=address):
            pass
    return str(refusal.value)


@pytest.mark.parametrize("scheme", ["unix:", "unix://"])
async def test_a_served_unix_socket_is_neither_taken_over_nor_removed(scheme: str, tmp_path: Path) -> None:
    path = tmp_path / "frontdesk.sock"
    async with serving(FakeDesk(), address=f"{scheme}{path}") as server:
        assert f"another process serves on {path}" in await refused(f"unix:{path}")
        async with Client(server.address) as client:
            assert (await client.route("Hello", timeout=5)).model
    async with serving(FakeDesk(), address=f"unix:{path}"):
        assert path.is_socket()


async def test_the_socket_of_another_program_is_not_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "other.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen(0)
        for _ in range(2):  # the second finds its queue full
            assert "another process serves" in await refused(f"unix:{path}")
        assert path.is_socket()


async def test_the_socket_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "frontdesk.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    async with serving(FakeDesk(), address=f"unix:{path}") as server, Client(server.address) as client:
        assert (await client.route("Hello", timeout=5)).model


async def test_of_several_that_start_at_once_on_a_unix_socket_one_serves(tmp_path: Path) -> None:
    path = tmp_path / "frontdesk.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with AsyncExitStack() as stack:
        servers = [stack.enter_async_context(serving(FakeDesk(), address=f"unix:{path}")) for _ in range(5)]
        started = await asyncio.gather(*servers, return_exceptions=True)
        assert sum(isinstance(one, ConfigError) for one in started) == 4


@pytest.mark.parametrize("what", ["a file", "no folder"])
async def test_a_path_that_can_be_no_socket_is_a_fault(what: str, tmp_path: Path) -> None:
    path = tmp_path / "frontdesk.sock"
    if what == "a file":
        path.write_text("precious")
    else:
        path = tmp_path / "missing" / "frontdesk.sock"
    assert "cannot listen there" in await refused(f"unix:{path}")
    assert what != "a file" or path.read_text() == "precious"


def lingering(options: tuple[int, ...]) -> int:
    """A port on which a server has ended first, so that its connection lingers in TIME_WAIT."""
    with socket.socket() as server:
        for option in (socket.SO_REUSEADDR, *options):
            server.setsockopt(socket.SOL_SOCKET, option, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port: int = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            assert client.recv(1) == b""
    return port


@pytest.mark.parametrize("options", [(), (socket.SO_REUSEPORT,)])
def test_workers_start_on_a_port_with_lingering_connections(options: tuple[int, ...]) -> None:
    port = lingering(options)
    with reserved_port(f"127.0.0.1:{port}") as address:
        assert address == f"127.0.0.1:{port}"


@pytest.mark.parametrize("options", [(), (socket.SO_REUSEPORT,)])
def test_workers_do_not_share_the_port_of_another_service(options: tuple[int, ...]) -> None:
    with socket.socket() as server:
        for option in (socket.SO_REUSEADDR, *options):
            server.setsockopt(socket.SOL_SOCKET, option, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        with pytest.raises(OSError, match="in use"), reserved_port(f"127.0.0.1:{server.getsockname()[1]}"):
            pass


@pytest.mark.parametrize(
    "address", ["127.0.0.1:99999", "foo", "localhost:xx", "", ":50051", "::1:50051", "unix:", "http://localhost:1"]
)
def test_an_address_that_cannot_be_listened_on_is_a_fault(address: str) -> None:
    """GRPC would listen on port 34463 in place of 99999."""
    config = pool_config("http://127.0.0.1:1", server={"address": address})
    with pytest.raises(ConfigError, match=r"f\.yaml:\d+:\d+: server\.address: is no address"):
        parse_config(yaml.safe_dump(config), "f.yaml", {})
    for workers in (1, 2):
        with pytest.raises(typer.BadParameter, match="is no address"):
            serve(address=address, workers=workers)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:0", "0.0.0.0:65535", "[::]:50051", "[::1]:1", "localhost:1", "a-b.example:1", "unix:/x.sock"],
)
def test_an_address_to_listen_on_is_no_fault(address: str) -> None:
    assert listening_address(address) == address


async def test_workers_start_after_a_crash_while_its_connections_linger(tmp_path: Path) -> None:
    async with serving_process(tmp_path) as crashed:
        await crashed.wait_for("server.listening")
        async with Client(crashed.address) as client:
            await client.route("Hello", timeout=10)
            crashed.process.kill()
            await crashed.finished()
    command = (sys.executable, "-m", "frontdesk_server", "serve", "-c", str(tmp_path / "frontdesk.yaml"))
    process = await asyncio.create_subprocess_exec(
        *(*command, "--address", crashed.address, "--workers", "2"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    service = Service(process, crashed.address)
    try:
        await service.wait_for("server.listening", times=2)
        second = await asyncio.create_subprocess_exec(
            *(*command, "--address", crashed.address, "--workers", "2"), stderr=asyncio.subprocess.PIPE, cwd=tmp_path
        )
        _, errors = await second.communicate()
        assert (second.returncode, "in use" in errors.decode()) == (2, True)
    finally:
        assert await service.stop() == 0
