"""A small HTTP/2 client without I/O, for gRPC calls whose bytes are prepared: frames in, frames out.

It exists because a client's own time would hide what a server adds: a frame costs it a few microseconds, where a
grpc.aio client takes some hundred for a call. Frames are RFC 9113's; header blocks are decoded by hpack, at the end.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hpack import Decoder, Encoder

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE, _CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
_END_STREAM, _ACK, _END_HEADERS, _PADDED, _PRIORITY = 1, 1, 4, 8, 32
_WINDOW = 2**30
"""Bytes that may come on a stream, and on a connection in all: more than a run brings, so no window is ever updated."""
_INITIAL_WINDOW_SIZE = 4
_FRAME_HEAD = 9
_MAX_FRAME = 2**14
_FIRST_WINDOW = 2**16 - 1


class ConnectionFailed(RuntimeError):
    """The server ended the connection or a stream of it."""


@dataclass(slots=True)
class Answer:
    """What came back on one stream."""

    data: bytearray = field(default_factory=bytearray)
    blocks: list[bytes] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    """Headers and trailers, once the stream has ended."""
    ended: bool = False

    def messages(self) -> Iterator[bytes]:
        """The gRPC messages."""
        place = 0
        while place < len(self.data):
            compressed, length = struct.unpack_from("!BI", self.data, place)
            assert not compressed
            yield bytes(self.data[place + 5 : place + 5 + length])
            place += 5 + length


def grpc_frame(message: bytes) -> bytes:
    """A message as it lies in the body of a gRPC call."""
    return struct.pack("!BI", 0, len(message)) + message


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


class Http2:
    """One connection: `outgoing` holds what is to be sent, `receive` takes what has come."""

    def __init__(self, authority: str) -> None:
        settings = struct.pack("!HI", _INITIAL_WINDOW_SIZE, _WINDOW)
        self.outgoing = bytearray(_PREFACE)
        self.outgoing += _frame(_SETTINGS, 0, 0, settings) + _frame(_WINDOW_UPDATE, 0, 0, struct.pack("!I", _WINDOW))
        self.answers: dict[int, Answer] = {}
        self.on_data: Callable[[int, bytes], None] = lambda stream, payload: None
        """Told of every payload the moment it is seen."""
        self._authority = authority
        self._encoder = Encoder()
        self._decoder = Decoder()
        self._undecoded: list[tuple[Answer, bytes]] = []
        self._next_stream = 1
        self._received = bytearray()

    def request(self, path: str, body: bytes) -> int:
        """Ask a gRPC method; returns the stream's number. The body must fit the window that every server opens."""
        assert len(body) <= _FIRST_WINDOW
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", self._authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        ]
        self.answers[stream] = Answer()
        self.outgoing += _frame(_HEADERS, _END_HEADERS, stream, self._encoder.encode(headers))
        for place in range(0, len(body), _MAX_FRAME):
            last = place + _MAX_FRAME >= len(body)
            self.outgoing += _frame(_DATA, _END_STREAM if last else 0, stream, body[place : place + _MAX_FRAME])
        return stream

    def receive(self, received: bytes) -> list[int]:
        """Take bytes; returns the streams that ended with them.

        Raises:
            ConnectionFailed: the server ended the connection or reset a stream.
        """
        self._received += received
        ended: list[int] = []
        place = 0
        while len(self._received) - place >= _FRAME_HEAD:
            length = int.from_bytes(self._received[place : place + 3], "big")
            kind, flags, stream = struct.unpack_from("!BBI", self._received, place + 3)
            after = place + _FRAME_HEAD + length
            if len(self._received) < after:
                break
            self._take(kind, flags, stream & 0x7FFFFFFF, bytes(self._received[place + _FRAME_HEAD : after]), ended)
            place = after
        del self._received[:place]
        return ended

    def finished(self, stream: int) -> Answer:
        """The answer of a stream that has ended, forgotten here."""
        for answer, block in self._undecoded:  # in their order: the blocks of a connection build on each other
            answer.headers |= {str(name): str(value) for name, value in self._decoder.decode(block)}
        self._undecoded.clear()
        return self.answers.pop(stream)

    def _take(self, kind: int, flags: int, stream: int, payload: bytes, ended: list[int]) -> None:
        if kind == _SETTINGS and not flags & _ACK:
            self.outgoing += _frame(_SETTINGS, _ACK, 0, b"")
        elif kind == _PING and not flags & _ACK:
            self.outgoing += _frame(_PING, _ACK, 0, payload)
        elif kind == _RST_STREAM and (stream not in self.answers or self.answers[stream].ended):
            pass  # it had ended: a server that answers before it has read the request says so once more
        elif kind in (_GOAWAY, _RST_STREAM):
            raise ConnectionFailed(f"frame {kind} on stream {stream}, code {payload[-4:].hex()}")
        elif kind in (_DATA, _HEADERS, _CONTINUATION):
            self._take_content(kind, flags, stream, payload, ended)

    def _take_content(self, kind: int, flags: int, stream: int, payload: bytes, ended: list[int]) -> None:
        assert not flags & (_PADDED | _PRIORITY) or kind == _CONTINUATION
        answer = self.answers[stream]
        if kind == _DATA:
            answer.data += payload
            self.on_data(stream, payload)
        else:
            answer.blocks.append(payload)
            if flags & _END_HEADERS:
                self._undecoded.append((answer, b"".join(answer.blocks)))
                answer.blocks.clear()
        if kind != _CONTINUATION and flags & _END_STREAM:
            answer.ended = True
            ended.append(stream)
