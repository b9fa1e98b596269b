"""Load over HTTP/1.1 at a constant rate: each request leaves when it is due, whatever the answers before it take.

A latency counts from the moment its request was due, so that a server which falls behind cannot hide it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass

import uvloop

from benchmarks.harness.queries import Asked

_CONNECTIONS = 100
_TIMEOUT_SECONDS = 60
_END = b"\r\n\r\n"


class PaceFailed(RuntimeError):
    """A request was not answered with 200, or not in time."""


@dataclass(frozen=True, slots=True)
class Pace:
    """So many requests a second for so many seconds."""

    a_second: int
    seconds: float


def latencies_ms(port: int, asked: Asked, pace: Pace, cores: frozenset[int]) -> Sequence[float]:
    """The latencies of all requests in order of size, seen from a process of its own on these cores.

    Raises:
        PaceFailed: a request was not answered with 200, or not in time.
    """
    with multiprocessing.get_context("spawn").Pool(1, os.sched_setaffinity, (0, cores)) as pool:
        return pool.apply(_run, (port, asked, pace))


def _run(port: int, asked: Asked, pace: Pace) -> Sequence[float]:
    return sorted(uvloop.run(_paced(port, _request(asked), pace)))


def _request(asked: Asked) -> bytes:
    headers = {"host": "127.0.0.1", "content-length": str(len(asked.body)), **asked.headers}
    lines = (f"POST {asked.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()))
    return "\r\n".join(lines).encode() + _END + asked.body


async def _paced(port: int, request: bytes, pace: Pace) -> list[float]:
    loop = asyncio.get_running_loop()
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(_CONNECTIONS)]
    taken: list[float] = []

    async def ask(due: float) -> None:
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        await _read_answer(reader)
        taken.append((loop.time() - due) * 1000)
        idle.append((reader, writer))

    start = loop.time()
    async with asyncio.timeout(pace.seconds + _TIMEOUT_SECONDS), asyncio.TaskGroup() as asking:
        for number in range(int(pace.a_second * pace.seconds)):
            due = start + number / pace.a_second
            await asyncio.sleep(max(0.0, due - loop.time()))
            asking.create_task(ask(due))
    for _, writer in idle:
        writer.close()
    return taken


async def _read_answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(_END)).lower()
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise PaceFailed(f"a request was answered with {head[:200]!r}")
    _, told, length = head.partition(b"content-length:")
    if told:
        await reader.readexactly(int(length.partition(b"\r\n")[0]))
    else:
        await reader.readuntil(b"0" + _END)
