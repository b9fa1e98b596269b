"""Server processes: started on their core, halted while another is measured, asked for their CPU and memory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.005
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ServerFailed(RuntimeError):
    """A server ended before it served, or never did."""


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Server:
    """A running server with all processes that it started."""

    name: str
    port: int
    pid: int
    helper: bool = False
    """Others need it to answer: it is never halted."""

    def tree(self) -> list[int]:
        """The process and its descendants."""
        found = [self.pid]
        for pid in found:  # grows while it is walked
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found.extend(map(int, children.read_text().split()))
        return found

    def cpu_seconds(self) -> float:
        """User and system time of all its processes, to the clock tick."""
        return sum(cpu_seconds(pid) for pid in self.tree())

    def memory_bytes(self) -> int:
        """What is resident of all its processes."""
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.tree()) * _PAGE_BYTES

    def halt(self) -> None:
        """Stop it from running, so that it takes nothing from others."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run again."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.tree():
            os.kill(pid, number)


def cpu_seconds(pid: int) -> float:
    """User and system time of one process, its ended children left out."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def serving(
    name: str,
    command: Sequence[object],
    port: int,
    *,
    cores: frozenset[int],
    log: Path,
    environment: Mapping[str, str] | None = None,
    helper: bool = False,
) -> Iterator[Server]:
    """A server for the duration of the block, from the moment its port takes connections.

    What it writes goes to the file `log`, as an operator would have it.

    Raises:
        ServerFailed: it did not come up; the end of its log is in the message.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "--cpu-list", ",".join(map(str, sorted(cores))), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
        )
        server = Server(name, port, process.pid, helper)
        try:
            if not listens(port, lambda: process.poll() is None):
                end = log.read_text(errors="replace")[-2000:]
                raise ServerFailed(f"{name} did not come up:\n{end}")
            yield server
        finally:
            if process.poll() is None:
                server.resume()
            _end(process)


def listens(port: int, alive: Callable[[], bool]) -> bool:
    """Wait until the port takes connections; False when `alive()` ends before or time runs out."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and alive():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(_POLL_SECONDS)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def module(name: str, *arguments: object) -> list[str]:
    """The command line of a module of this repository."""
    return [sys.executable, "-m", name, *map(str, arguments)]
