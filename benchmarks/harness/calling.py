"""One call at a time over a blocking socket: is the answer right, and how long until its first token?"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from frontdesk.v1 import router_service_pb2 as pb

from benchmarks.harness.answers import FIRST_TOKEN, TEXT
from benchmarks.harness.http2 import ConnectionFailed, Http2
from benchmarks.harness.queries import SERVICE, Asked

_SECONDS = 30.0
_READ_BYTES = 1 << 16


class WrongAnswer(AssertionError):
    """A server answered something else than what it was to answer."""


@dataclass(frozen=True, slots=True)
class Called:
    """One answer."""

    content: bytes
    """The body; of gRPC with its frames."""
    status: str
    """grpc-status, or HTTP's."""
    first_token_us: float | None
    """From the request to the moment its first token had come."""
    messages: tuple[bytes, ...] = ()
    """Of gRPC: the messages."""


class Caller(Protocol):
    """A connection that asks one thing after the other."""

    def __call__(self, asked: Asked) -> Called:
        """Ask and wait for the whole answer."""


@contextmanager
def calling(port: int, *, grpc: bool) -> Iterator[Caller]:
    """A connection to a server on the loopback interface."""
    with socket.create_connection(("127.0.0.1", port), _SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield _GrpcCaller(connection) if grpc else _HttpCaller(connection)


class _GrpcCaller:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._http2 = Http2("127.0.0.1")
        self._seen: float | None = None
        self._http2.on_data = self._look

    def _look(self, stream: int, payload: bytes) -> None:
        if self._seen is None and FIRST_TOKEN in payload:
            self._seen = time.perf_counter()

    def __call__(self, asked: Asked) -> Called:
        self._seen = None
        stream = self._http2.request(asked.path, asked.body)
        started = time.perf_counter()
        self._flush()
        while True:
            received = self._connection.recv(_READ_BYTES)
            if not received:
                raise ConnectionFailed("the server closed the connection")
            ended = self._http2.receive(received)
            self._flush()
            if stream in ended:
                break
        answer = self._http2.finished(stream)
        first_us = None if self._seen is None else (self._seen - started) * 1e6
        status = answer.headers.get("grpc-status", "missing")
        return Called(bytes(answer.data), status, first_us, tuple(answer.messages()))

    def _flush(self) -> None:
        if self._http2.outgoing:
            self._connection.sendall(self._http2.outgoing)
            self._http2.outgoing.clear()


class _HttpCaller:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def __call__(self, asked: Asked) -> Called:
        headers = {"host": "127.0.0.1", "content-length": str(len(asked.body)), **asked.headers}
        lines = [f"POST {asked.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        started = time.perf_counter()
        self._connection.sendall("\r\n".join(lines).encode() + asked.body)
        received, seen = b"", None
        while not _whole(received):
            more = self._connection.recv(_READ_BYTES)
            if not more:
                raise ConnectionFailed(f"the server closed the connection after {received[-200:]!r}")
            received += more
            if seen is None and FIRST_TOKEN in received:
                seen = time.perf_counter()
        head, _, content = received.partition(b"\r\n\r\n")
        first_us = None if seen is None else (seen - started) * 1e6
        return Called(content, head.split(b" ", 2)[1].decode(), first_us)


def _whole(received: bytes) -> bool:
    head, divided, content = received.partition(b"\r\n\r\n")
    if not divided:
        return False
    if b"transfer-encoding: chunked" in head.lower():
        return content.endswith(b"0\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
    return len(content) >= int(length)


def _text_of(asked: Asked, called: Called) -> str:
    """The answer's text, whatever carries it; of HTTP just whether each word is in it once and in order."""
    if not asked.grpc:
        places = [called.content.find(word.encode()) for word in TEXT.split()]
        return TEXT if places == sorted(places) and places[0] >= 0 else ""
    if asked.path == f"{SERVICE}/Complete":
        response = pb.CompleteResponse.FromString(called.messages[0])
        return "".join(part.text for part in response.message.parts)
    events = [pb.StreamCompleteResponse.FromString(message) for message in called.messages]
    if events[0].WhichOneof("event") != "started" or events[-1].WhichOneof("event") != "completed":
        raise WrongAnswer("a stream does not begin with started and end with completed")
    return "".join(event.text_delta.text for event in events if event.WhichOneof("event") == "text_delta")


def _check_decision(called: Called, asked: Asked) -> None:
    """A decision that chose a model, or the echo of the request."""
    if called.messages[0] == asked.body[5:]:
        return
    decision = pb.RouteResponse.FromString(called.messages[0]).decision
    if not decision.model or not decision.candidates:
        raise WrongAnswer(f"a decision without a model: {decision}")


def check(port: int, asked: Asked) -> Called:
    """Ask once on a connection of its own and look at the answer.

    Raises:
        WrongAnswer: the status is not OK, or text or decision are not what they must be.
    """
    with calling(port, grpc=asked.grpc) as call:
        called = call(asked)
    if called.status != ("0" if asked.grpc else "200"):
        raise WrongAnswer(f"{asked.path} ended with status {called.status}: {called.content[:500]!r}")
    if asked.path == f"{SERVICE}/Route":
        _check_decision(called, asked)
    elif (text := _text_of(asked, called)) != TEXT:
        raise WrongAnswer(f"{asked.path} answered {text!r}")
    return called


def first_tokens_us(port: int, asked: Asked, calls: int) -> list[float]:
    """Time to first token of so many calls, one after the other on one connection, the first left out."""
    with calling(port, grpc=asked.grpc) as call:
        times = [call(asked).first_token_us for _ in range(calls + 1)][1:]
    found = [time for time in times if time is not None]
    if len(found) != calls:
        raise WrongAnswer(f"{calls - len(found)} of {calls} streams had no token")
    return found
