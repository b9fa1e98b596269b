"""Responses that an upstream breaks off: what came before the end of the connection is read, and then judged."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import orjson
import pytest
import uvloop
from frontdesk_server.backends.json_reading import Json
from frontdesk_server.backends.openai import OpenAIBackend
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamCut, UpstreamError, UpstreamOverloaded
from frontdesk_server.domain.events import Finished, TextDelta
from frontdesk_server.domain.query import text_query
from frontdesk_server.domain.usage import FinishReason

from tests.certificates import Authority
from tests.sink import each

TIMES = 15
WORDS = [f"word{number} " for number in range(300)]
USAGE = {"prompt_tokens": 9, "completion_tokens": 300}
TEXT = "".join(WORDS)

Loop = Callable[[], asyncio.AbstractEventLoop]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def event(document: Json | str) -> bytes:
    return b"data: " + (document.encode() if isinstance(document, str) else orjson.dumps(document)) + b"\n\n"


CONTENT = [event({"choices": [{"index": 0, "delta": {"content": word}}]}) for word in WORDS]
FINISH = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
END = [FINISH, event({"choices": [], "usage": USAGE}), event("[DONE]")]
ERROR = [event({"error": {"message": "busy", "code": 429}})]
DOCUMENT = orjson.dumps(
    {"choices": [{"index": 0, "message": {"content": TEXT}, "finish_reason": "stop"}], "usage": USAGE}
)


def chunked(pieces: list[bytes], ending: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + ending


def head(content_type: str, framing: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n{framing}\r\n\r\n".encode()


STREAM = head("text/event-stream", "transfer-encoding: chunked")
JSON = head("application/json", "transfer-encoding: chunked")


def http1(*bursts: bytes) -> Serve:
    """Answers in bursts, each after the one before has been read, and closes the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(request.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        for burst in bursts:
            writer.write(burst)
            if burst is not bursts[-1]:
                await asyncio.sleep(0.02)
        writer.close()

    return serve


def http2_server(content_type: str, pieces: list[bytes]) -> Serve:
    """The same over HTTP/2, which knows no close of a stream but its own."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            events = connection.receive_data(data)
            writer.write(connection.data_to_send())
            for ended in events:
                if isinstance(ended, h2.events.StreamEnded):
                    stream = ended.stream_id
                    connection.send_headers(stream, [(":status", "200"), ("content-type", content_type)])
                    for piece in pieces:
                        connection.send_data(stream, piece)
                    writer.write(connection.data_to_send())
                    writer.close()
                    return

    return serve


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the key, the certificate and the authority that signed it."""
    authority = Authority()
    issued = authority.issue("upstream")
    path = tmp_path_factory.mktemp("tls") / "upstream.pem"
    path.write_bytes(issued.key + issued.certificate + authority.pem)
    return path


@asynccontextmanager
async def served(serve: Serve, certificate: Path | None, *, http2: bool) -> AsyncIterator[OpenAIBackend]:
    tls = None
    config: dict[str, Any] = {"kind": "openai", "http2": http2}
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
        tls.set_alpn_protocols(["h2"] if http2 else ["http/1.1"])
        config["ca_file"] = str(certificate)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    config["base_url"] = f"http{'s' if tls else ''}://127.0.0.1:{port}/v1"
    backend = OpenAIBackend("b", OpenAIBackendConfig.model_validate(config))
    try:
        yield backend
    finally:
        await backend.aclose()
        server.close()


async def ask(backend: OpenAIBackend, *, stream: bool) -> tuple[str, object]:
    """The text, and how it ended."""
    text = ""
    async with aclosing(each(backend.stream(BackendCall("m", text_query("hi"), stream=stream)))) as events:
        try:
            async for event in events:
                if isinstance(event, TextDelta):
                    if not text:
                        await asyncio.sleep(0.02)  # as if it was written to a caller: meanwhile the connection closes
                    text += event.text
                if isinstance(event, Finished):
                    return text, event.finish_reason
        except UpstreamError as error:
            return text, type(error)
    raise AssertionError("no end")


LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])


def endings(
    loop: Loop, serve: Serve, certificate: Path | None = None, *, stream: bool, http2: bool
) -> set[tuple[str, object]]:
    """The text and the finish reason or error of many calls."""

    async def collect() -> set[tuple[str, object]]:
        async with served(serve, certificate, http2=http2) as backend:
            return {await ask(backend, stream=stream) for _ in range(TIMES)}

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(collect())


WHOLE = (TEXT, FinishReason.STOP)


@pytest.mark.parametrize(
    ("response", "stream", "expected"),
    [
        pytest.param(STREAM + chunked(CONTENT + END), True, WHOLE, id="no last chunk"),
        pytest.param(STREAM + chunked([*CONTENT, FINISH]), True, WHOLE, id="no last chunk, no usage"),
        pytest.param(STREAM + chunked(CONTENT + END, b"0\r\n\r\n"), True, WHOLE, id="the last chunk"),
        pytest.param(STREAM + chunked(CONTENT), True, (TEXT, UpstreamCut), id="no end of the answer"),
        pytest.param(STREAM + chunked(CONTENT + ERROR), True, (TEXT, UpstreamOverloaded), id="an error"),
        pytest.param(STREAM + chunked(CONTENT * 12), True, (TEXT * 12, UpstreamCut), id="more than one buffer holds"),
        pytest.param(JSON + chunked([DOCUMENT]), False, WHOLE, id="unary, no last chunk"),
        pytest.param(JSON + chunked([DOCUMENT], b"0\r\n\r\n"), False, WHOLE, id="unary, the last chunk"),
        pytest.param(JSON + chunked([DOCUMENT[:-1]]), False, ("", UpstreamCut), id="unary, no last brace"),
        pytest.param(
            head("application/json", "content-length: 99999") + DOCUMENT, False, WHOLE, id="unary, more was promised"
        ),
        pytest.param(
            head("text/event-stream", "content-length: 999999") + b"".join(CONTENT + END),
            True,
            WHOLE,
            id="more was promised",
        ),
    ],
)
@LOOPS
@pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
def test_what_came_before_the_connection_closed_is_read_and_judged(
    loop: Loop, response: bytes, stream: bool, expected: tuple[str, object], http2: bool
) -> None:
    assert endings(loop, http1(response), stream=stream, http2=http2) == {expected}


@LOOPS
@pytest.mark.parametrize(
    ("content_type", "pieces", "expected"),
    [
        pytest.param("text/event-stream", CONTENT + END, WHOLE, id="a stream"),
        pytest.param("text/event-stream", CONTENT + ERROR, (TEXT, UpstreamOverloaded), id="an error"),
        pytest.param("application/json", [DOCUMENT], WHOLE, id="unary"),
    ],
)
def test_so_it_is_over_http2(
    loop: Loop, certificate: Path, content_type: str, pieces: list[bytes], expected: tuple[str, object]
) -> None:
    serve = http2_server(content_type, pieces)
    assert endings(loop, serve, certificate, stream=content_type != "application/json", http2=True) == {expected}


@LOOPS
@pytest.mark.parametrize("stream", [True, False])
def test_so_it_is_over_tls(loop: Loop, certificate: Path, stream: bool) -> None:
    serve = http1(STREAM + chunked(CONTENT + END) if stream else JSON + chunked([DOCUMENT]))
    assert endings(loop, serve, certificate, stream=stream, http2=False) == {WHOLE}


@LOOPS
@pytest.mark.parametrize(
    ("bursts", "expected"),
    [
        pytest.param([chunked(CONTENT + END, b"zz\r\n")], WHOLE, id="at the end"),
        pytest.param([chunked(CONTENT, b"zz\r\n")], (TEXT, UpstreamCut), id="in the middle"),
        pytest.param([chunked(CONTENT), b"zz\r\n"], (TEXT, UpstreamCut), id="while the next chunk is waited for"),
    ],
)
def test_a_broken_transfer_encoding_is_a_break_at_once(
    loop: Loop, bursts: list[bytes], expected: tuple[str, object]
) -> None:
    assert endings(loop, http1(STREAM, *bursts), stream=True, http2=False) == {expected}
