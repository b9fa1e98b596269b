"""The service as processes: workers on one port, the dead replaced, an orderly end."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from frontdesk import Client, FrontdeskError
from frontdesk_server.assembly.supervisor import reserved_port
from frontdesk_server.config.loading import default_config_path

_START_SECONDS = 60


class Service:
    """A running `frontdesk serve`, its log lines collected."""

    def __init__(self, process: asyncio.subprocess.Process, address: str) -> None:
        self.process = process
        self.address = address
        self.lines: list[str] = []
        self._grown = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._grown:
                self.lines.append(line.decode())
                self._grown.notify_all()

    async def wait_for(self, pattern: str, times: int = 1) -> None:
        """Wait until so many lines hold the pattern."""
        async with asyncio.timeout(_START_SECONDS), self._grown:
            await self._grown.wait_for(lambda: sum(bool(re.search(pattern, line)) for line in self.lines) >= times)

    async def stop(self) -> int:
        self.process.terminate()
        return await self.finished()

    async def finished(self) -> int:
        async with asyncio.timeout(_START_SECONDS):
            code = await self.process.wait()
            await self._reading
        return code


@asynccontextmanager
async def serving(folder: Path, *options: str, text: str | None = None) -> AsyncIterator[Service]:
    """Serve this configuration, else the embedded pool with its ledger in the folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = folder / "frontdesk.yaml"
    embedded = default_config_path().read_text() + f"\nledger:\n  url: sqlite:///{folder}/ledger.db\n"
    config.write_text(embedded if text is None else text)
    command = [sys.executable, "-m", "frontdesk_server", "serve", "-c", str(config), "--address", address, *options]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder
    )
    service = Service(process, address)
    try:
        yield service
    finally:
        if process.returncode is None:
            await service.stop()


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def test_a_killed_worker_is_replaced_and_the_others_serve_on(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "2") as service:
        await service.wait_for("server.listening", times=2)
        victim = children_of(service.process.pid)[0]
        os.kill(victim, signal.SIGKILL)
        await service.wait_for('"worker":[01],"exit_code":-9,.*"event":"worker.ended"')
        async with Client(service.address) as client:
            assert (await client.route("What is 2 + 2?", timeout=10)).model == "small-llm"
        await service.wait_for("server.listening", times=3)
        assert victim not in children_of(service.process.pid)
        assert await service.stop() == 0


async def test_workers_end_with_their_supervisor_and_leave_the_port(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "2") as service:
        await service.wait_for("server.listening", times=2)
        service.process.kill()
        await service.finished()  # its output ends with the last worker
        await service.wait_for("server.stopping", times=2)
        with reserved_port(service.address):
            pass


async def test_sigterm_lets_a_running_stream_finish(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await service.wait_for("server.listening")
        async with Client(service.address) as client:
            stream = client.stream_complete("What is 2 + 2?", timeout=20)
            await stream.decision()
            service.process.terminate()
            completion = await stream.completion()
            assert completion.model == "small-llm"
        assert await service.finished() == 0


async def test_sighup_reads_the_configuration_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await service.wait_for("server.listening")
        config = tmp_path / "frontdesk.yaml"
        good = config.read_text()
        config.write_text("models: 3")
        service.process.send_signal(signal.SIGHUP)
        await service.wait_for("config.reload_failed")
        config.write_text(good + "server: {grace_seconds: 3}\n")
        service.process.send_signal(signal.SIGHUP)
        await service.wait_for("config.reloaded")
        async with Client(service.address) as client:
            assert (await client.route("What is 2 + 2?", timeout=10)).model == "small-llm"


async def test_a_pipe_in_the_place_of_the_configuration_keeps_nothing_waiting(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await service.wait_for("server.listening")
        (tmp_path / "frontdesk.yaml").unlink()
        os.mkfifo(tmp_path / "frontdesk.yaml")
        service.process.send_signal(signal.SIGHUP)
        await service.wait_for("is no file.*config.reload_failed")
        assert await service.stop() == 0


async def test_a_faulty_configuration_ends_at_once_with_every_fault(tmp_path: Path) -> None:
    config = tmp_path / "bad.yaml"
    config.write_text("models: {a: {backend: x, context_window: 0}}\nrouters: {}\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "frontdesk_server", "serve", "-c", str(config), stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(_START_SECONDS):
        _, errors = await process.communicate()
    assert process.returncode == 2
    text = errors.decode()
    assert "bad.yaml:1:" in text
    assert "context_window" in text
    assert "routers" in text
    assert "Traceback" not in text


async def test_a_port_in_use_is_said_plainly(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await service.wait_for("server.listening")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "frontdesk_server", "serve", "--address", service.address),
            stderr=asyncio.subprocess.PIPE,
            cwd=tmp_path,
        )
        async with asyncio.timeout(_START_SECONDS):
            _, errors = await process.communicate()
    assert process.returncode == 2
    assert "in use" in errors.decode()


async def test_a_caller_of_a_stopped_server_learns_that_it_is_unavailable(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await service.wait_for("server.listening")
    async with Client(service.address) as client:
        with pytest.raises(FrontdeskError) as failure:
            await client.route("Hello", timeout=2)
    assert failure.value.code.name in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}


async def page_at(port: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.0\r\nhost: localhost\r\n\r\n")
    page = await reader.read()
    writer.close()
    return page.decode()


def decisions_on(page: str) -> float:
    return sum(float(value) for value in re.findall(r"^frontdesk_decisions_total\{.*\} (\S+)$", page, re.M))


async def test_one_page_sums_up_what_workers_did(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = default_config_path().read_text() + f"\nledger: {{url: 'sqlite:///{tmp_path}/ledger.db'}}\n"
    text += f"telemetry: {{prometheus_address: '127.0.0.1:{port}'}}\n"
    async with serving(tmp_path, "--workers", "2", text=text) as service:
        await service.wait_for("server.listening", times=2)
        for _ in range(6):
            async with Client(service.address) as client:
                await client.route("What is 2 + 2?", timeout=10)
        pages = [await page_at(port + 1 + index) for index in range(2)]
        assert sum(map(decisions_on, pages)) == 6
        assert decisions_on(await page_at(port)) == 6
        assert await service.stop() == 0


async def test_as_many_workers_as_cores_have_a_core_each(tmp_path: Path) -> None:
    cores = os.sched_getaffinity(0)
    async with serving(tmp_path, "--workers", str(len(cores))) as service:
        await service.wait_for("server.listening", times=len(cores))
        held = [os.sched_getaffinity(worker) for worker in children_of(service.process.pid)]
        assert sorted(map(tuple, held)) == sorted((core,) for core in cores)
