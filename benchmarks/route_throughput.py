"""Throughput of `Route` beside a bare echo service of the same stack (grpc.aio, uvloop, protobuf), in one run.

The two servers run in processes of their own and are measured in turn, so that the machine's moods hit both alike.
Read the ratios: the absolute figures say more about the machine. Server CPU per call is the steadier of the two.

Usage: python benchmarks/route_throughput.py [--rounds 5] [--seconds 2] [--config FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import uvloop
from frontdesk import Query, user
from frontdesk.v1.router_service_pb2 import RouteRequest
from frontdesk.v1.router_service_pb2_grpc import RouterServiceStub

QUERY = "What would be the best way to cache the results of this function in Python 3?"
IN_FLIGHT = 64
_START_SECONDS = 30
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Measured:
    """Calls per second and server CPU per call in microseconds, one of each a round."""

    rate: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


async def serve_echo(port: int) -> None:
    """The baseline: takes a RouteRequest apart and puts it together again."""

    async def echo(
        request: RouteRequest, context: grpc.aio.ServicerContext[RouteRequest, RouteRequest]
    ) -> RouteRequest:
        return request

    handler = grpc.unary_unary_rpc_method_handler(echo, RouteRequest.FromString, RouteRequest.SerializeToString)
    server = grpc.aio.server()
    server.add_registered_method_handlers("frontdesk.v1.RouterService", {"Route": handler})
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


@contextmanager
def process(*command: str) -> Iterator[int]:
    """Run a server for the duration of the block; yields its process id."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield server.pid
    finally:
        server.terminate()
        server.wait(_START_SECONDS)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def measure(call: Callable[[], Awaitable[object]], pid: int, seconds: float, into: Measured) -> None:
    """Keep so many calls in flight for so long."""
    end = time.perf_counter() + seconds
    done = 0

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await call()
            done += 1

    cpu, started = cpu_seconds(pid), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    into.rate.append(done / (time.perf_counter() - started))
    into.cpu_us.append((cpu_seconds(pid) - cpu) / done * 1e6)


async def compare(ports: dict[str, tuple[int, int]], rounds: int, seconds: float) -> dict[str, Measured]:
    """Measure every server in turn, `rounds` times; ports maps a name to its port and process id."""
    results = {name: Measured() for name in ports}
    request = RouteRequest(query=Query(messages=[user(QUERY)]))
    async with asyncio.timeout(_START_SECONDS + rounds * len(ports) * (seconds + 5)):
        channels = {name: grpc.aio.insecure_channel(f"127.0.0.1:{port}") for name, (port, _) in ports.items()}
        for channel in channels.values():
            await channel.channel_ready()
        for index in range(rounds + 1):
            for name, channel in channels.items():
                stub = RouterServiceStub(channel)
                into = results[name] if index else Measured()  # the first round warms up
                await measure(lambda stub=stub: stub.Route(request), ports[name][1], seconds, into)
        for channel in channels.values():
            await channel.close()
    return results


def report(results: dict[str, Measured]) -> None:
    """Print the medians and the paired ratios to the echo service."""
    echo = results["echo"]
    print(f"{'service':<28}{'calls/s':>9}{'of echo':>9}{'server CPU µs/call':>20}{'of echo':>9}")
    for name, measured in results.items():
        rate = statistics.median(a / b for a, b in zip(measured.rate, echo.rate, strict=True))
        cpu = statistics.median(a / b for a, b in zip(measured.cpu_us, echo.cpu_us, strict=True))
        print(
            f"{name:<28}{statistics.median(measured.rate):>9.0f}{rate:>9.0%}"
            f"{statistics.median(measured.cpu_us):>20.0f}{cpu:>9.2f}"
        )


def main() -> None:
    """Start both servers, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--config", help="configuration of Frontdesk; default: the embedded pool")
    parser.add_argument("--echo-port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.echo_port:
        uvloop.run(serve_echo(options.echo_port))
        return
    config = ["--config", options.config] if options.config else []
    frontdesk = str(Path(sys.executable).with_name("frontdesk"))
    with ExitStack() as stack:
        echo = stack.enter_context(process(sys.executable, __file__, "--echo-port", "50151"))
        served = stack.enter_context(process(frontdesk, "serve", "--address", "127.0.0.1:50152", *config))
        ports = {"echo": (50151, echo), "frontdesk Route": (50152, served)}
        report(uvloop.run(compare(ports, options.rounds, options.seconds)))


if __name__ == "__main__":
    main()
