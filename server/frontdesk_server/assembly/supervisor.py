"""Runs several worker processes on one port (SO_REUSEPORT): starts them, replaces the dead, drains them on SIGTERM.

The supervisor itself makes no gRPC object: each worker is a fresh process, since grpc.aio does not survive a fork.
Its standard input is a pipe that the supervisor holds open and never writes to: the kernel closes it with the
supervisor, however that ended, and a worker whose pipe has ended stops, or it would hold the port for nobody.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress

from structlog.typing import FilteringBoundLogger

_BACKOFF_SECONDS = 0.2
_MAX_BACKOFF_SECONDS = 5.0
_STEADY_SECONDS = 10.0
_CONFIG_EXIT_CODE = 2

Command = Callable[[int], Sequence[str]]
"""The command line of the worker with this index."""


class Supervisor:
    """Keeps `workers` processes running until it is told to stop."""

    def __init__(self, command: Command, workers: int, grace_seconds: float, log: FilteringBoundLogger) -> None:
        self._command = command
        self._workers = workers
        self._grace_seconds = grace_seconds
        self._log = log
        self._cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()
        self._exit_code = 0

    async def run(self) -> int:
        """Supervise until SIGTERM or SIGINT; SIGHUP goes on to the workers. Returns the exit code.

        A worker that ends with exit code 2 cannot use the configuration: then all stop.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._signal_all, signal.SIGHUP)
        async with asyncio.TaskGroup() as keepers:
            for index in range(self._workers):
                keepers.create_task(self._keep(index))
            await self._stopping.wait()
            await self._drain()
        return self._exit_code

    async def _keep(self, index: int) -> None:
        """Keep one worker running; one that dies young is replaced ever more slowly."""
        backoff = _BACKOFF_SECONDS
        while not self._stopping.is_set():
            started = asyncio.get_running_loop().time()
            process = await asyncio.create_subprocess_exec(*self._command(index), stdin=asyncio.subprocess.PIPE)
            self._pin(process.pid, index)
            self._processes[index] = process
            code = await process.wait()
            del self._processes[index]
            if self._stopping.is_set():
                return
            if code == _CONFIG_EXIT_CODE:
                self._exit_code = code
                self._stopping.set()
                return
            if asyncio.get_running_loop().time() - started > _STEADY_SECONDS:
                backoff = _BACKOFF_SECONDS
            self._log.error("worker.ended", worker=index, exit_code=code, replaced_in_seconds=backoff)
            await self._pause(backoff)
            backoff = min(backoff * 2, _MAX_BACKOFF_SECONDS)

    def _pin(self, pid: int, index: int) -> None:
        """Give each worker a core of its own where there are as many: it keeps its caches, and off the others'."""
        if self._workers == len(self._cores):
            with suppress(ProcessLookupError):
                os.sched_setaffinity(pid, {self._cores[index]})

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    async def _drain(self) -> None:
        """Let workers finish within the grace period, then end those that have not."""
        self._signal_all(signal.SIGTERM)
        running = [process.wait() for process in self._processes.values()]
        try:
            async with asyncio.timeout(self._grace_seconds):
                await asyncio.gather(*running)
        except TimeoutError:
            self._signal_all(signal.SIGKILL)

    def _signal_all(self, number: signal.Signals) -> None:
        for process in self._processes.values():
            if process.returncode is None:
                process.send_signal(number)


def on_supervisor_gone(stop: Callable[[], None]) -> None:
    """Call `stop` once the supervisor of this worker has ended, also where it has already."""
    loop, lifeline = asyncio.get_running_loop(), sys.stdin.fileno()

    def look() -> None:
        if not os.read(lifeline, 1):
            loop.remove_reader(lifeline)
            stop()

    loop.add_reader(lifeline, look)


@contextmanager
def reserved_port(address: str) -> Iterator[str]:
    """Hold the port of host:port for workers that share it; yields the address with the port that was found for 0.

    Raises:
        OSError: the port is in use, or the address is none of this machine.
    """
    host, _, port = address.rpartition(":")
    family, kind, protocol, _, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]

    def bound(*options: int) -> socket.socket:
        holder = socket.socket(family, kind, protocol)
        for option in (socket.SO_REUSEADDR, *options):  # connections that linger after a crash are no hindrance
            holder.setsockopt(socket.SOL_SOCKET, option, 1)
        try:
            holder.bind(place)
        except OSError:
            holder.close()
            raise
        return holder

    bound().close()  # a port that is shared already may be shared once more, but these workers are to have it alone
    with closing(bound(socket.SO_REUSEPORT)) as holder:
        yield f"{host}:{holder.getsockname()[1]}"
