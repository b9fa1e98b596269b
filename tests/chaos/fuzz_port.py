"""Random bytes and random HTTP/2 frames to the port: the service serves the next caller and leaks nothing."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from random import Random

from frontdesk import FrontdeskError
from frontdesk.v1.router_service_pb2 import RouteRequest
from hpack import Encoder

from tests.chaos.fuzzing import Budget, Report, mutated
from tests.chaos.resources import Resources
from tests.service import pool_config, service

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS, _DATA, _END_HEADERS, _END_STREAM = 1, 0, 4, 1
_ASK_EVERY = 25


async def fuzz(budget: Budget) -> Report:
    """Open a connection an input, send it, and hang up; ask the service itself again and again."""
    report = Report("connections")
    with tempfile.TemporaryDirectory() as folder:
        async with service(pool_config("http://127.0.0.1:9/v1"), Path(folder)) as (client, _):
            await client.route("warm up")
            host, _, port = client._target.rpartition(":")
            before = Resources.now()
            for random in budget.rounds():
                await _send(host, int(port), _input(random))
                report.inputs += 1
                if report.inputs % _ASK_EVERY == 0:
                    try:
                        await client.route("Are you there?", timeout=10)
                    except FrontdeskError as error:
                        report.findings.append(f"after input {report.inputs} of seed {budget.seed}: {error}")
            report.findings.extend(f"leaked {what}" for what in (await _rested(before)).leaks(before))
    return report


async def _rested(before: Resources) -> Resources:
    """The process once gRPC has closed the connections; as it is after five seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            while Resources.now().leaks(before):
                await asyncio.sleep(0.05)
    return Resources.now()


async def _send(host: str, port: int, data: bytes) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.suppress(OSError, TimeoutError):
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(0.01):
            await reader.read()
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _input(random: Random) -> bytes:
    match random.randrange(4):
        case 0:
            return random.randbytes(random.randint(0, 500))
        case 1:
            return _PREFACE + b"".join(_random_frame(random) for _ in range(random.randint(1, 12)))
        case 2:
            return _call(random) + b"".join(_random_frame(random) for _ in range(random.randint(0, 6)))
        case _:
            return mutated(_call(random), random)


def _call(random: Random) -> bytes:
    """A call that is well formed but for its message, and perhaps left open."""
    headers = Encoder().encode(
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", f"/frontdesk.v1.RouterService/{random.choice(('Route', 'StreamComplete', 'Nothing'))}"),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ]
    )
    message = mutated(RouteRequest(labels={"k": "v"}).SerializeToString(), random)
    length = len(message) if random.random() < 0.7 else random.getrandbits(32)
    body = bytes([random.choice((0, 0, 0, 1, 255))]) + length.to_bytes(4, "big") + message
    frames = _frame(_HEADERS, _END_HEADERS, 1, headers) + _frame(_DATA, random.choice((0, _END_STREAM)), 1, body)
    return _PREFACE + _frame(4, 0, 0, b"") + frames


def _random_frame(random: Random) -> bytes:
    payload = random.randbytes(random.choice((0, 4, 5, 8, random.randint(0, 60))))
    stream = random.choice((0, 1, 2, 3, random.getrandbits(31)))
    length = len(payload) if random.random() < 0.9 else random.getrandbits(24)
    return _frame(random.randrange(12), random.getrandbits(8), stream, payload, length)


def _frame(kind: int, flags: int, stream: int, payload: bytes, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    return size.to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
