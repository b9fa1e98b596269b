"""Amazon Bedrock against a server that refuses by AWS's own service model, signatures included."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest
from frontdesk_server.backends import build_backend
from frontdesk_server.backends.bedrock_request import converse_body
from frontdesk_server.config.pool import BackendConfig
from frontdesk_server.domain.backend import Backend, BackendCall
from frontdesk_server.domain.errors import (
    UpstreamContextExceeded,
    UpstreamCredentialsRefused,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamProtocolError,
    UpstreamRequestRefused,
)
from frontdesk_server.domain.events import (
    BackendEvent,
    CitationDelta,
    Finished,
    ProviderBlockDelta,
    ProviderStateDelta,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from frontdesk_server.domain.provider import Citation
from frontdesk_server.domain.query import Message, Role, TextPart, Tool, text_query
from frontdesk_server.domain.usage import FinishReason
from pydantic import TypeAdapter

from tests.profiles import BEDROCK_CLAUDE
from tests.sink import each
from tests.upstream import Script
from tests.upstream.bedrock import EVENT_STREAM, Bedrock, check, event, exception
from tests.upstream.loopback import Loopback, RawAnswer, json_answer

CONFIG: TypeAdapter[BackendConfig] = TypeAdapter(BackendConfig)
CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
KEYS = {"kind": "aws_sigv4", "access_key_id": "AKIAOWN", "secret_access_key": "own-secret-key-1"}
QUERY = text_query("What is 2 + 2?")


@asynccontextmanager
async def bedrock(
    server: Bedrock | Callable[[Any], RawAnswer], **settings: Any
) -> AsyncIterator[tuple[Backend, Loopback]]:
    async with Loopback(server) as loopback:
        config = {"kind": "bedrock", "region": "eu-west-1", "base_url": loopback.url, "sign_on": KEYS, **settings}
        backend = build_backend("b", CONFIG.validate_python(config), {})
        try:
            yield backend, loopback
        finally:
            await backend.aclose()


def call(*, stream: bool = True, **fields: Any) -> BackendCall:
    known: dict[str, Any] = {"upstream_model": CLAUDE, "query": QUERY, "stream": stream, "profile": BEDROCK_CLAUDE}
    return BackendCall(**known | fields)


async def events_of(backend: Backend, backend_call: BackendCall) -> list[BackendEvent]:
    async with aclosing(each(backend.stream(backend_call))) as events:
        return [event async for event in events]


async def collect(backend: Backend, events: list[BackendEvent]) -> None:
    """Collect events one by one, so that those before a failure are kept."""
    async with aclosing(each(backend.stream(call()))) as stream:
        async for one in stream:
            events.append(one)  # noqa: PERF401


def finished(events: list[BackendEvent]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


@pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
async def test_an_answer_comes_whole_with_reasoning_and_usage(stream: bool, http2: bool) -> None:
    script = Script(reasoning="Hm.", cached_tokens=4)
    async with bedrock(Bedrock(script=script), http2=http2) as (backend, _):
        events = await events_of(backend, call(stream=stream))
    reasoning = [event for event in events if isinstance(event, ReasoningDelta)]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == script.text
    assert ("".join(r.text for r in reasoning), "".join(r.signature for r in reasoning)) == ("Hm.", "signed")
    assert [r.redacted_data for r in reasoning if r.redacted_data] == ["cmVkYWN0ZWQ="]
    end = finished(events)
    assert (end.finish_reason, end.upstream_model) == (FinishReason.STOP, CLAUDE)
    assert (end.usage.input_tokens, end.usage.cache_read_tokens, end.usage.output_tokens) == (11, 4, 5)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
@pytest.mark.parametrize("tokens", [('{"a"', ": 2, ", '"b": 2}'), ("{}",)], ids=["arguments", "none"])
async def test_a_tool_is_called(stream: bool, tokens: tuple[str, ...]) -> None:
    query = replace(QUERY, tools=(Tool("add", "Adds."),))
    async with bedrock(Bedrock(script=Script(tool_name="add", tokens=tokens))) as (backend, _):
        events = await events_of(backend, call(stream=stream, query=query))
    deltas = [event for event in events if isinstance(event, ToolCallDelta)]
    assert [(delta.id, delta.name) for delta in deltas if delta.name] == [("tooluse_1", "add")]
    assert "".join(delta.arguments_json for delta in deltas).replace(" ", "") == "".join(tokens).replace(" ", "")
    assert finished(events).finish_reason is FinishReason.TOOL_CALLS


async def test_a_tool_without_arguments_is_called_with_none() -> None:
    async with bedrock(Bedrock(script=Script(tool_name="now", tokens=("",)))) as (backend, _):
        events = await events_of(backend, call(query=replace(QUERY, tools=(Tool("now"),))))
    assert "".join(event.arguments_json for event in events if isinstance(event, ToolCallDelta)) == "{}"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("guardrail_intervened", FinishReason.CONTENT_FILTER),
        ("content_filtered", FinishReason.CONTENT_FILTER),
    ],
)
async def test_every_stop_reason_is_told(word: str, reason: FinishReason) -> None:
    async with bedrock(Bedrock(script=Script(finish_reason=word))) as (backend, _):
        for stream in (True, False):
            assert finished(await events_of(backend, call(stream=stream))).finish_reason is reason


@pytest.mark.parametrize("word", ["malformed_model_output", "malformed_tool_use"])
async def test_a_stop_reason_that_is_a_failure_is_one(word: str) -> None:
    async with bedrock(Bedrock(script=Script(finish_reason=word))) as (backend, _):
        for stream in (True, False):
            with pytest.raises(UpstreamFailed):
                await events_of(backend, call(stream=stream))


@pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
async def test_the_model_stands_in_the_address_as_it_is_signed(http2: bool) -> None:
    arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123"
    async with bedrock(Bedrock(models=(CLAUDE, arn)), http2=http2) as (backend, server):
        for model in (CLAUDE, arn):
            await events_of(backend, call(upstream_model=model))
    assert [request.path for request in server.requests] == [
        "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1:0/converse-stream",
        "/model/arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile%2Fabc123/converse-stream",
    ]


async def test_a_key_of_bedrock_is_a_bearer_token() -> None:
    async with bedrock(Bedrock(bearer=("bedrock-api-key-1",)), sign_on=None, api_key="bedrock-api-key-1") as (b, _):
        assert finished(await events_of(b, call())).finish_reason is FinishReason.STOP


@pytest.mark.parametrize(
    ("settings", "address", "region"),
    [
        ({"region": "us-east-1"}, "https://bedrock-runtime.us-east-1.amazonaws.com", "us-east-1"),
        ({"region": "cn-north-1"}, "https://bedrock-runtime.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ({"region": "r", "base_url": "https://vpce.test/"}, "https://vpce.test", "r"),
        (
            {"region": "r", "sign_on": {"kind": "aws_sigv4", "region": "s"}},
            "https://bedrock-runtime.r.amazonaws.com",
            "s",
        ),
    ],
)
def test_bedrock_knows_the_address_of_its_region_and_signs_for_it(
    settings: dict[str, Any], address: str, region: str
) -> None:
    config: Any = CONFIG.validate_python({"kind": "bedrock", **settings})
    assert (config.root, config.signs_on.region) == (address, region)


async def test_a_wrong_secret_is_refused_credentials() -> None:
    wrong = {**KEYS, "secret_access_key": "another-secret-1"}
    async with bedrock(Bedrock(), sign_on=wrong) as (backend, _):
        for stream in (True, False):
            with pytest.raises(UpstreamCredentialsRefused):
                await events_of(backend, call(stream=stream))


async def test_an_unknown_model_is_a_refused_request() -> None:
    async with bedrock(Bedrock()) as (backend, _):
        with pytest.raises(UpstreamRequestRefused):
            await events_of(backend, call(upstream_model="anthropic.unknown-v1:0"))


@pytest.mark.parametrize(
    ("status", "kind", "message", "expected"),
    [
        (400, "ValidationException", "Input is too long for requested model.", UpstreamContextExceeded),
        (400, "ValidationException", "1 validation error detected", UpstreamRequestRefused),
        (403, "AccessDeniedException", "You don't have access to the model", UpstreamCredentialsRefused),
        (
            403,
            "ExpiredTokenException",
            "The security token included in the request is expired",
            UpstreamCredentialsRefused,
        ),
        (404, "ResourceNotFoundException", "Could not resolve the foundation model", UpstreamRequestRefused),
        (408, "ModelTimeoutException", "Model has timed out", UpstreamFailed),
        (424, "ModelErrorException", "The model failed", UpstreamFailed),
        (429, "ThrottlingException", "Too many tokens, please wait before trying again.", UpstreamOverloaded),
        (429, "ModelNotReadyException", "The model is not ready", UpstreamOverloaded),
        (500, "InternalServerException", "The system failed", UpstreamFailed),
        (503, "ServiceUnavailableException", "Bedrock is unable to process your request.", UpstreamFailed),
    ],
)
async def test_a_status_becomes_its_error(status: int, kind: str, message: str, expected: type[UpstreamError]) -> None:
    for key in ("message", "Message"):
        answer = json_answer({key: message}, status, x_amzn_errortype=kind)
        async with bedrock(lambda request, answer=answer: answer) as (backend, _):  # type: ignore[misc]
            with pytest.raises(UpstreamError) as caught:
                await events_of(backend, call())
        assert type(caught.value) is expected
        assert caught.value.quoted == ("" if expected is UpstreamCredentialsRefused else message)


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("throttlingException", "Too many requests", UpstreamOverloaded),
        ("serviceUnavailableException", "Try again", UpstreamFailed),
        ("internalServerException", "Broken", UpstreamFailed),
        ("modelStreamErrorException", "The model failed", UpstreamFailed),
        ("modelTimeoutException", "Too slow", UpstreamFailed),
        ("validationException", "prompt is too long: 9 tokens > 8 maximum", UpstreamContextExceeded),
        ("validationException", "not so", UpstreamRequestRefused),
        ("newException", "whatever", UpstreamFailed),
    ],
)
async def test_an_exception_within_a_stream_becomes_its_error(
    kind: str, message: str, expected: type[UpstreamError]
) -> None:
    events: list[BackendEvent] = []
    server = Bedrock(fail=lambda: exception(kind, {"message": message}))
    async with bedrock(server) as (backend, _):
        with pytest.raises(UpstreamError) as caught:
            await collect(backend, events)
    assert type(caught.value) is expected
    assert caught.value.quoted == message
    assert [one.text for one in events if isinstance(one, TextDelta)] == [Script().tokens[0]]


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (b"", UpstreamCut),
        (event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "x"}})[:-9], UpstreamCut),
        (b"\0\0\0\x20 no prelude at all " * 3, UpstreamProtocolError),
        (event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": 7}}), UpstreamProtocolError),
        (event("contentBlockDelta", {"delta": {"text": "x"}}), UpstreamProtocolError),
    ],
    ids=["ended", "cut", "no frame", "no text", "no index"],
)
async def test_a_broken_stream_never_looks_complete(broken: bytes, expected: type[UpstreamError]) -> None:
    async with bedrock(Bedrock(fail=lambda: broken or event("ping", {}))) as (backend, _):
        with pytest.raises(UpstreamError) as caught:
            await events_of(backend, call())
    assert type(caught.value) is expected


async def test_citations_of_a_unary_answer_keep_their_text() -> None:
    content = [{"citationsContent": {"content": [{"text": "Four."}], "citations": [{"title": "Sums"}]}}]
    answer = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "end_turn"}
    async with bedrock(lambda request: json_answer(answer)) as (backend, _):
        events = await events_of(backend, call(stream=False))
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Four."]


CITED = {"title": "Sums", "source": "https://a.test", "sourceContent": [{"text": "2 + 2 "}, {"text": "= 4"}]}
SEARCH = {"toolUseId": "s1", "name": "nova_grounding", "type": "server_tool_use"}


async def test_citations_are_read_and_go_back_as_they_came() -> None:
    whole = {"content": [{"text": "Four."}], "citations": [CITED]}
    unary = {"output": {"message": {"role": "assistant", "content": [{"citationsContent": whole}]}}}
    deltas = [{"text": "Fo"}, {"citation": CITED}, {"text": "ur."}]
    chunks = [event("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}) for delta in deltas]
    chunks += [event("contentBlockStop", {"contentBlockIndex": 0}), event("messageStop", {"stopReason": "end_turn"})]
    streamed = RawAnswer(200, content_type=EVENT_STREAM, chunks=chunks)
    for answer, stream in ((json_answer({**unary, "stopReason": "end_turn"}), False), (streamed, True)):
        async with bedrock(lambda request, answer=answer: answer) as (backend, _):  # type: ignore[misc]
            events = await events_of(backend, call(stream=stream))
        (citation,) = [one.citation for one in events if isinstance(one, CitationDelta)]
        (state,) = [one.state for one in events if isinstance(one, ProviderStateDelta)]
        assert citation == Citation("https://a.test", "Sums", "2 + 2 = 4")
        assert orjson.loads(state.json) == {"citationsContent": whole}
        text = TextPart("Four.", provider_state=(replace(state, dialect="bedrock"),))
        query = replace(QUERY, messages=(*QUERY.messages, Message(Role.ASSISTANT, (text,)), *QUERY.messages))
        body = converse_body(call(query=query, provider="bedrock"), "claude")
        check(body)
        assert body["messages"][1]["content"] == [{"citationsContent": whole}]


async def test_calls_and_results_of_bedrocks_own_tools_are_blocks_that_only_it_understands() -> None:
    blocks = [
        {"toolUse": {**SEARCH, "input": {"query": "sums"}}},
        {"toolResult": {"toolUseId": "s1", "type": "nova_grounding_result", "content": [{"text": "2 + 2 = 4"}]}},
        {"text": "Four."},
    ]
    unary = {"output": {"message": {"role": "assistant", "content": blocks}}, "stopReason": "end_turn"}
    result_start = {"toolUseId": "s1", "type": "nova_grounding_result"}
    parts: list[tuple[Any, list[Any]]] = [
        ({"toolUse": SEARCH}, [{"toolUse": {"input": '{"query"'}}, {"toolUse": {"input": ': "sums"}'}}]),
        ({"toolResult": result_start}, [{"toolResult": [{"text": "2 + 2"}]}, {"toolResult": [{"text": " = 4"}]}]),
        (None, [{"text": "Four."}]),
    ]
    chunks = []
    for index, (start, deltas) in enumerate(parts):
        if start is not None:
            chunks.append(event("contentBlockStart", {"contentBlockIndex": index, "start": start}))
        chunks += [event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta}) for delta in deltas]
        chunks.append(event("contentBlockStop", {"contentBlockIndex": index}))
    chunks.append(event("messageStop", {"stopReason": "end_turn"}))
    streamed = RawAnswer(200, content_type=EVENT_STREAM, chunks=chunks)
    for answer, stream in ((json_answer(unary), False), (streamed, True)):
        async with bedrock(lambda request, answer=answer: answer) as (backend, _):  # type: ignore[misc]
            events = await events_of(backend, call(stream=stream))
        kept = [one for one in events if isinstance(one, ProviderBlockDelta)]
        assert [orjson.loads(one.block.json) for one in kept] == blocks[:2]
        assert [one.part for one in kept] == [0, 1]
        assert [one.part for one in events if isinstance(one, TextDelta)] == [2]
        assert finished(events).finish_reason is FinishReason.STOP
