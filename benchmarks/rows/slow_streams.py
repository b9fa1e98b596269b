"""Many slow streams on one worker: are all of them whole, and how much memory does each take?"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from frontdesk.v1 import router_service_pb2 as pb

from benchmarks.harness import contenders, queries
from benchmarks.harness.answers import TEXT
from benchmarks.harness.config import SLOW_MS, Yaml
from benchmarks.harness.http2 import Answer, Http2
from benchmarks.harness.machine import Cores
from benchmarks.harness.processes import Server
from benchmarks.harness.results import Result

STREAMS = 2000
_CONNECTIONS = 20
_WARM_UP = 20
_TIMEOUT_SECONDS = 180.0
_SAMPLE_SECONDS = 0.1
_READ_BYTES = 1 << 16


@dataclass(slots=True)
class Held:
    """What so many streams at once did to a server."""

    streams: int
    whole: int = 0
    """Streams with every chunk, `completed` and status OK."""
    at_once: int = 0
    """Most that had begun and not ended at one moment."""
    memory_before: int = 0
    memory_most: int = 0
    cpu_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def memory_a_stream(self) -> float:
        """Bytes that were resident for each stream at the peak."""
        return (self.memory_most - self.memory_before) / max(1, self.at_once)


def admitting(streams: int) -> Callable[[Yaml], None]:
    """The change of the configuration that lets so many completions run."""

    def change(config: Yaml) -> None:
        places = {"max_running": streams, "max_running_per_caller": streams}
        config["server"] = {"max_concurrent_calls": 2 * streams}
        config["execution"] = {"admission": places}

    return change


def measure(cores: Cores, upstream_url: str) -> Result:
    """2,000 streams whose chunks come slowly, so that all of them are open for seconds."""
    change = admitting(STREAMS)
    with contenders.frontdesk(cores.server, upstream_url, name="slow streams", change=change) as server:
        hold(server, _WARM_UP)
        held = hold(server, STREAMS)
    lost = f"{held.streams - held.whole}"
    line = (
        "frontdesk",
        lost,
        f"{held.memory_a_stream / 1024:.0f}",
        f"{held.at_once:,}",
        f"{held.memory_most / 2**20:.0f}",
        f"{held.cpu_seconds / held.streams * 1000:.2f}",
    )
    header = ("", "lost", "KiB a stream", "most at once", "MiB resident", "CPU ms a stream")
    title = f"{STREAMS:,} slow streams on one worker, a chunk every {SLOW_MS} ms"
    return Result(title, header, (line,), data={"slow_streams": asdict(held)})


def hold(server: Server, streams: int) -> Held:
    """Open so many streams at once, over a few connections, and read them to their end."""
    asked = queries.stream("slow")
    held = Held(streams, memory_before=server.memory_bytes())
    cpu, started = server.cpu_seconds(), time.monotonic()
    begun: set[tuple[int, int]] = set()
    ended = 0
    with selectors.DefaultSelector() as selector:
        for place in range(min(_CONNECTIONS, streams)):
            connection = socket.create_connection(("127.0.0.1", server.port))
            http2 = Http2("127.0.0.1")
            http2.on_data = partial(_begin, begun, place)
            for _ in range(place, streams, min(_CONNECTIONS, streams)):
                http2.request(asked.path, asked.body)
            connection.sendall(http2.outgoing)
            http2.outgoing.clear()
            selector.register(connection, selectors.EVENT_READ, http2)
        sampled = 0.0
        while ended < streams and time.monotonic() - started < _TIMEOUT_SECONDS:
            for answer in _turn(selector):
                ended += 1
                held.whole += _is_whole(answer)
            if time.monotonic() - sampled > _SAMPLE_SECONDS:
                sampled = time.monotonic()
                held.memory_most = max(held.memory_most, server.memory_bytes())
            held.at_once = max(held.at_once, len(begun) - ended)
        for key in list(selector.get_map().values()):
            selector.unregister(key.fileobj)
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
    held.cpu_seconds = server.cpu_seconds() - cpu
    held.seconds = time.monotonic() - started
    return held


def _begin(begun: set[tuple[int, int]], connection: int, stream: int, payload: bytes) -> None:
    begun.add((connection, stream))


def _turn(selector: selectors.BaseSelector) -> Sequence[Answer]:
    """Read what has come on any connection; the answers that ended with it."""
    answers = []
    for key, _ in selector.select(timeout=_SAMPLE_SECONDS):
        connection, http2 = key.fileobj, key.data
        assert isinstance(connection, socket.socket)
        assert isinstance(http2, Http2)
        answers += [http2.finished(stream) for stream in http2.receive(connection.recv(_READ_BYTES))]
        if http2.outgoing:
            connection.sendall(http2.outgoing)
            http2.outgoing.clear()
    return answers


def _is_whole(answer: Answer) -> bool:
    events = [pb.StreamCompleteResponse.FromString(message) for message in answer.messages()]
    kinds = [event.WhichOneof("event") for event in events]
    text = "".join(event.text_delta.text for event in events)
    return answer.headers.get("grpc-status") == "0" and kinds[-1:] == ["completed"] and text == TEXT
