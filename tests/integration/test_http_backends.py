"""The HTTP backends against a real upstream on loopback, healthy and faulty."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from frontdesk_server.backends.anthropic import AnthropicBackend
from frontdesk_server.backends.openai import OpenAIBackend
from frontdesk_server.config.pool import AnthropicBackendConfig, OpenAIBackendConfig
from frontdesk_server.domain.backend import Backend, BackendCall
from frontdesk_server.domain.errors import (
    UpstreamCredentialsRefused,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamProtocolError,
    UpstreamResponseTooLong,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from frontdesk_server.domain.events import (
    BackendEvent,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from frontdesk_server.domain.model import Timeouts
from frontdesk_server.domain.query import GenerationConfig, text_query
from frontdesk_server.domain.usage import FinishReason

from tests.sink import each
from tests.upstream import Fault, FaultyUpstream, Script

DIALECTS = ("openai", "anthropic")
QUERY = text_query("What is 2 + 2?")
SHORT = Timeouts(connect_seconds=1, first_token_seconds=0.1, idle_seconds=0.1, total_seconds=0.1)
PATIENT = Timeouts()


@asynccontextmanager
async def backend_of(upstream: FaultyUpstream, dialect: str = "openai", **settings: Any) -> AsyncIterator[Backend]:
    shared = {"api_key": "key", "headers": {"X-Team": "a"}, **settings}
    backend: Backend
    if dialect == "openai":
        backend = OpenAIBackend(
            "b", OpenAIBackendConfig.model_validate({"kind": "openai", "base_url": upstream.openai_url, **shared})
        )
    else:
        backend = AnthropicBackend(
            "b",
            AnthropicBackendConfig.model_validate({"kind": "anthropic", "base_url": upstream.anthropic_url, **shared}),
        )
    try:
        yield backend
    finally:
        await backend.aclose()


def call(
    *, stream: bool = True, timeouts: Timeouts = PATIENT, generation: GenerationConfig | None = None
) -> BackendCall:
    query = QUERY if generation is None else text_query("What is 2 + 2?", generation)
    return BackendCall("m", query, stream, timeouts, {"traceparent": "00-1-2-01"})


async def events_of(backend: Backend, backend_call: BackendCall) -> list[BackendEvent]:
    async with aclosing(each(backend.stream(backend_call))) as events:
        return [event async for event in events]


async def collect(events: AsyncGenerator[BackendEvent], collected: list[BackendEvent]) -> None:
    """Collect events one by one, so that those before a failure are kept."""
    async with aclosing(events):
        async for event in events:
            collected.append(event)  # noqa: PERF401


def text_of(events: list[BackendEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def finished(events: list[BackendEvent]) -> Finished:
    assert [event for event in events if isinstance(event, Finished)] == events[-1:]
    last = events[-1]
    assert isinstance(last, Finished)
    return last


@pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", [Fault.NONE, Fault.DUPLICATE_DONE, Fault.GZIP])
async def test_an_answer_comes_whole_with_usage(dialect: str, stream: bool, fault: Fault, http2: bool) -> None:
    script = Script(fault=fault, reasoning="Hm.", cached_tokens=4)
    async with FaultyUpstream(script) as upstream, backend_of(upstream, dialect, http2=http2) as backend:
        events = await events_of(backend, call(stream=stream))
    end = finished(events)
    assert text_of(events) == script.text
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "Hm."
    assert end.finish_reason is FinishReason.STOP
    assert end.upstream_model == "m"
    assert (end.usage.input_tokens, end.usage.cache_read_tokens, end.usage.output_tokens) == (11, 4, 5)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_tool_call_comes_with_its_name_once_and_its_arguments_whole(dialect: str, stream: bool) -> None:
    script = Script(tool_name="add", tokens=('{"a"', ": 2, ", '"b": 2}'), interval_seconds=0.002)
    async with FaultyUpstream(script) as upstream, backend_of(upstream, dialect) as backend:
        events = await events_of(backend, call(stream=stream))
    deltas = [event for event in events if isinstance(event, ToolCallDelta)]
    assert [delta.name for delta in deltas] == ["add"] + [""] * (len(deltas) - 1)
    assert "".join(delta.arguments_json for delta in deltas).replace(" ", "") == '{"a":2,"b":2}'
    assert finished(events).finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
async def test_logprobs_come_with_their_tokens(stream: bool) -> None:
    generation = GenerationConfig(logprobs=True, top_logprobs=2)
    async with FaultyUpstream() as upstream, backend_of(upstream) as backend:
        events = await events_of(backend, call(stream=stream, generation=generation))
    logprobs = [logprob for event in events if isinstance(event, TextDelta) for logprob in event.logprobs]
    assert [logprob.token for logprob in logprobs] == list(Script().tokens)
    assert all(logprob.logprob == -0.1 and len(logprob.top) == 2 for logprob in logprobs)


async def test_the_request_carries_credentials_headers_and_trace_context() -> None:
    async with FaultyUpstream() as upstream:
        for dialect in DIALECTS:
            async with backend_of(upstream, dialect) as backend:
                await events_of(backend, call())
        openai, anthropic = (request.headers for request in upstream.requests)
    assert openai["authorization"] == "Bearer key"
    assert (anthropic["x-api-key"], anthropic["anthropic-version"]) == ("key", "2023-06-01")
    for headers in (openai, anthropic):
        assert headers["x-team"] == "a"
        assert headers["traceparent"] == "00-1-2-01"
        assert headers["accept"] == "text/event-stream"


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_upstream_is_told_the_models_own_limit_of_tokens(dialect: str) -> None:
    async with FaultyUpstream() as upstream, backend_of(upstream, dialect) as backend:
        await events_of(backend, replace(call(), max_output_tokens=777))
    assert upstream.requests[0].body["max_tokens"] == 777


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("{root}", "/v1/chat/completions"),
        ("{root}/", "/v1/chat/completions"),
        ("{root}?api-version=2024-10-21", "/v1/chat/completions?api-version=2024-10-21"),
        ("{root}/?api-version=2024-10-21", "/v1/chat/completions?api-version=2024-10-21"),
    ],
)
async def test_the_query_of_an_address_stays_behind_the_path(address: str, target: str) -> None:
    async with FaultyUpstream() as upstream:
        root = upstream.openai_url
        async with backend_of(upstream, base_url=address.format(root=root)) as backend:
            with suppress(UpstreamError):  # the upstream of these tests knows no queries
                await events_of(backend, call())
    assert upstream.requests[0].path == target


UNUSABLE: list[tuple[Script, type[UpstreamError], type[UpstreamError]]] = [
    (Script(fault=Fault.RESET), UpstreamUnreachable, UpstreamUnreachable),
    (Script(fault=Fault.CLOSE), UpstreamUnreachable, UpstreamUnreachable),
    (Script(fault=Fault.STATUS, status=500), UpstreamFailed, UpstreamFailed),
    (Script(fault=Fault.STATUS, status=503), UpstreamFailed, UpstreamFailed),
    (Script(fault=Fault.STATUS, status=429), UpstreamOverloaded, UpstreamOverloaded),
    (Script(fault=Fault.STATUS, status=401), UpstreamCredentialsRefused, UpstreamCredentialsRefused),
    (Script(fault=Fault.STATUS, status=302), UpstreamProtocolError, UpstreamProtocolError),
    (Script(fault=Fault.HANG_BEFORE_HEADERS), UpstreamTimedOut, UpstreamTimedOut),
    (Script(fault=Fault.HANG), UpstreamTimedOut, UpstreamTimedOut),
    (Script(fault=Fault.CUT), UpstreamCut, UpstreamCut),
    (Script(fault=Fault.RESET_AFTER), UpstreamCut, UpstreamCut),
    (Script(fault=Fault.CUT_CLEANLY), UpstreamCut, UpstreamProtocolError),
    (Script(fault=Fault.MALFORMED_CHUNK), UpstreamProtocolError, UpstreamProtocolError),
    (Script(fault=Fault.MALFORMED_ENCODING), UpstreamProtocolError, UpstreamProtocolError),
    (Script(fault=Fault.WRONG_CONTENT_TYPE), UpstreamProtocolError, UpstreamProtocolError),
    (Script(fault=Fault.INVALID_UTF8), UpstreamProtocolError, UpstreamProtocolError),
    (Script(fault=Fault.ENORMOUS_LINE), UpstreamResponseTooLong, UpstreamResponseTooLong),
    (Script(fault=Fault.ERROR_OBJECT), UpstreamFailed, UpstreamFailed),
    (Script(fault=Fault.ERROR_BODY, error_type="overloaded_error"), UpstreamOverloaded, UpstreamOverloaded),
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
@pytest.mark.parametrize(
    ("script", "streamed", "unary"),
    UNUSABLE,
    ids=lambda v: f"{v.fault.value}{v.status}" if isinstance(v, Script) else "",
)
async def test_a_fault_becomes_its_error_and_never_an_end(
    script: Script, streamed: type[UpstreamError], unary: type[UpstreamError], stream: bool, dialect: str
) -> None:
    events: list[BackendEvent] = []
    async with FaultyUpstream(script) as upstream, backend_of(upstream, dialect, max_response_bytes=1 << 23) as backend:
        with pytest.raises(streamed if stream else unary) as caught:
            await collect(each(backend.stream(call(stream=stream, timeouts=SHORT))), events)
    assert type(caught.value) is (streamed if stream else unary)
    assert not any(isinstance(event, Finished) for event in events)
    assert script.text.startswith(text_of(events))


@pytest.mark.parametrize("fault", [Fault.MALFORMED_CHUNK, Fault.INVALID_UTF8, Fault.ERROR_OBJECT, Fault.CUT_CLEANLY])
async def test_what_came_before_a_failure_is_not_lost(fault: Fault) -> None:
    events: list[BackendEvent] = []
    async with FaultyUpstream(Script(fault=fault)) as upstream, backend_of(upstream) as backend:
        with pytest.raises(UpstreamError):
            await collect(each(backend.stream(call())), events)
    assert text_of(events) == "The answer "


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_missing_usage_is_unknown_and_not_zero(dialect: str) -> None:
    async with FaultyUpstream(Script(fault=Fault.NO_USAGE)) as upstream, backend_of(upstream, dialect) as backend:
        usage = finished(await events_of(backend, call())).usage
    assert (usage.input_tokens, usage.output_tokens) == (None, None)


async def test_early_usage_is_reported_at_once_and_counts_at_the_end() -> None:
    script = Script(fault=Fault.EARLY_USAGE, interval_seconds=0.005)
    async with FaultyUpstream(script) as upstream, backend_of(upstream) as backend:
        events = await events_of(backend, call())
    reports = [event.usage for event in events if isinstance(event, UsageReport)]
    assert [finished(events).usage] == reports
    assert reports[0].output_tokens == 5


async def test_an_early_output_count_of_anthropic_is_no_final_count() -> None:
    script = Script(fault=Fault.EARLY_USAGE)
    async with FaultyUpstream(script) as upstream, backend_of(upstream, "anthropic") as backend:
        usage = finished(await events_of(backend, call())).usage
    assert (usage.input_tokens, usage.output_tokens) == (11, None)


@pytest.mark.parametrize(
    ("value", "low", "high"), [("7", 7, 7), ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400, 86_400), ("soon", None, None)]
)
async def test_retry_after_is_passed_on(value: str, low: float | None, high: float | None) -> None:
    script = Script(fault=Fault.STATUS, status=429, headers={"retry-after": value})
    async with FaultyUpstream(script) as upstream, backend_of(upstream) as backend:
        with pytest.raises(UpstreamOverloaded) as caught:
            await events_of(backend, call())
    seconds = caught.value.retry_after_seconds
    assert seconds == low if low is None or high is None or seconds is None else low <= seconds <= high


async def test_a_refused_connection_is_unreachable_and_a_returned_upstream_is_reached_again() -> None:
    async with FaultyUpstream() as upstream, backend_of(upstream) as backend:
        await events_of(backend, call())
        await upstream.refuse()
        with pytest.raises(UpstreamUnreachable):
            await events_of(backend, call())
        await upstream.listen()
        assert text_of(await events_of(backend, call())) == Script().text


@pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
async def test_connections_are_kept_alive_and_reused(stream: bool, http2: bool) -> None:
    async with FaultyUpstream() as upstream, backend_of(upstream, http2=http2) as backend:
        for _ in range(5):
            await events_of(backend, call(stream=stream))
        assert (len(upstream.requests), upstream.connections_opened) == (5, 1)


@pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
async def test_a_kept_alive_connection_that_died_is_replaced_once(http2: bool) -> None:
    async with FaultyUpstream(Script(close_when_reused=True)) as upstream, backend_of(upstream, http2=http2) as backend:
        for _ in range(3):
            assert text_of(await events_of(backend, call())) == Script().text
        assert upstream.requests_dropped >= 1
        assert len(upstream.requests) == 3


async def test_a_fresh_connection_that_is_lost_is_not_retried() -> None:
    async with FaultyUpstream(Script(fault=Fault.CLOSE)) as upstream, backend_of(upstream) as backend:
        with pytest.raises(UpstreamUnreachable):
            await events_of(backend, call())
        assert len(upstream.requests) == 1


async def test_no_more_connections_than_configured_are_opened() -> None:
    script = Script(first_token_seconds=0.01)
    async with FaultyUpstream(script) as upstream, backend_of(upstream, max_connections=2) as backend:
        await asyncio.gather(*(events_of(backend, call()) for _ in range(6)))
        assert upstream.connections_opened <= 2


async def test_waiting_for_a_free_connection_is_bounded_by_the_connect_timer() -> None:
    script = Script(fault=Fault.HANG)
    timeouts = Timeouts(connect_seconds=0.05)
    async with FaultyUpstream(script) as upstream, backend_of(upstream, max_connections=1) as backend:
        events = backend.stream(call())
        await anext(events)
        with pytest.raises(UpstreamTimedOut) as caught:
            await events_of(backend, call(timeouts=timeouts))
        await events.aclose()
    assert caught.value.timer == "connect"
    assert caught.value.cut_by, "it tells nothing of the upstream, whose breaker it must not open"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1 with its key, in one file."""
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    command = "openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
async def test_over_tls_it_answers_and_aborts_at_once(certificate: Path, http2: bool) -> None:
    upstream = FaultyUpstream(tls=server_tls(certificate))
    upstream.enqueue(Script(), Script(fault=Fault.HANG))
    async with upstream, backend_of(upstream, http2=http2, ca_file=certificate) as backend:
        assert text_of(await events_of(backend, call())) == Script().text
        events = backend.stream(call())
        await anext(events)
        closed_at = time.perf_counter()
        await events.aclose()
        request = upstream.requests[1]
        await asyncio.wait_for(request.aborted.wait(), 1)
        assert request.aborted_at is not None
        assert request.aborted_at - closed_at < 0.1


@pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
async def test_a_certificate_that_is_not_trusted_is_refused(certificate: Path, http2: bool) -> None:
    upstream = FaultyUpstream(tls=server_tls(certificate))
    async with upstream, backend_of(upstream, http2=http2) as backend:
        with pytest.raises(UpstreamUnreachable):
            await events_of(backend, call())
    assert upstream.requests == []


ABORTED = [
    pytest.param(Script(fault=Fault.HANG_BEFORE_HEADERS), True, id="stream before headers"),
    pytest.param(Script(fault=Fault.HANG, after_tokens=0), True, id="stream before the first token"),
    pytest.param(Script(fault=Fault.HANG), True, id="stream after two tokens"),
    pytest.param(Script(fault=Fault.HANG_BEFORE_HEADERS), False, id="unary before headers"),
    pytest.param(Script(fault=Fault.HANG), False, id="unary in its middle"),
]


@pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
@pytest.mark.parametrize(("script", "stream"), ABORTED)
async def test_cancelling_aborts_upstream_at_once(script: Script, stream: bool, http2: bool) -> None:
    async with FaultyUpstream(script) as upstream, backend_of(upstream, http2=http2) as backend:
        task = asyncio.create_task(events_of(backend, call(stream=stream)))
        request = await upstream.request(0)
        await request.progressed.wait()
        cancelled_at = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(request.aborted.wait(), 1)
        assert request.aborted_at is not None
        assert request.aborted_at - cancelled_at < 0.1


@pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_closing_the_generator_between_tokens_aborts_upstream_at_once(dialect: str, http2: bool) -> None:
    script = Script(fault=Fault.HANG)
    async with FaultyUpstream(script) as upstream, backend_of(upstream, dialect, http2=http2) as backend:
        events = backend.stream(call())
        await anext(events)
        closed_at = time.perf_counter()
        await events.aclose()
        request = upstream.requests[0]
        await asyncio.wait_for(request.aborted.wait(), 1)
        assert request.aborted_at is not None
        assert request.aborted_at - closed_at < 0.1
        assert upstream.open_connections == 0


@pytest.mark.parametrize("header", ["x-request-id", "request-id", "x-generation-id"])
async def test_the_providers_own_id_of_a_refused_call_is_kept(header: str) -> None:
    script = Script(fault=Fault.STATUS, headers={header: "req_7"})
    backend_call = call()
    async with FaultyUpstream(script) as upstream, backend_of(upstream) as backend:
        with pytest.raises(UpstreamFailed):
            await events_of(backend, backend_call)
    assert backend_call.dispatch.request_id == "req_7"
