"""OpenAI's Responses against a server that refuses what the real one refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from frontdesk import tool_result, user
from frontdesk.v1.chat_pb2 import Query as Asked
from frontdesk.v1.chat_pb2 import Tool as Offered
from frontdesk_server.backends import build_backend
from frontdesk_server.backends.profiles import profile_of
from frontdesk_server.backends.responses_request import response_body
from frontdesk_server.config.pool import BackendConfig
from frontdesk_server.domain.adjusting import adjusted
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
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from frontdesk_server.domain.lessons import learned
from frontdesk_server.domain.provider import Citation, ProviderBlock, ProviderOptions
from frontdesk_server.domain.query import (
    GenerationConfig,
    MediaPart,
    Message,
    ProviderPart,
    Query,
    ReasoningEffort,
    ReasoningPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
    text_query,
)
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.execution.answer_fold import AnswerFold
from pydantic import TypeAdapter

from tests.service import pool_config, service
from tests.sink import each
from tests.upstream import Script
from tests.upstream.loopback import Loopback, RawAnswer, json_answer
from tests.upstream.responses import SEALED, Responses, check, sse

CONFIG: TypeAdapter[BackendConfig] = TypeAdapter(BackendConfig)
QUERY = text_query("What is 2 + 2?")
TOOL = Tool("add", "Adds.", '{"type":"object","properties":{"a":{"type":"number"}}}')
OPENAI = {"kind": "openai_responses", "base_url": "https://api.openai.com/v1"}


def call(*, stream: bool = True, model: str = "gpt-5.2", query: Query = QUERY, **fields: Any) -> BackendCall:
    profile = profile_of(CONFIG.validate_python(OPENAI), model)
    known: dict[str, Any] = {
        "dialects": frozenset({"openai_responses"}),
        "provider": "openai_responses",
        "profile": profile,
    }
    return BackendCall(model, adjusted(query, profile)[0], stream, **known | fields)


@asynccontextmanager
async def responses(server: Callable[[Any], RawAnswer], **settings: Any) -> AsyncIterator[tuple[Backend, Loopback]]:
    async with Loopback(server) as loopback:
        config = {"kind": "openai_responses", "base_url": f"{loopback.url}/v1", "api_key": "key-123", **settings}
        backend = build_backend("b", CONFIG.validate_python(config), {})
        try:
            yield backend, loopback
        finally:
            await backend.aclose()


async def collect(backend: Backend, backend_call: BackendCall, events: list[BackendEvent]) -> None:
    """Collect events one by one, so that those before a failure are kept."""
    async with aclosing(each(backend.stream(backend_call))) as stream:
        async for one in stream:
            events.append(one)  # noqa: PERF401


async def events_of(server: Callable[[Any], RawAnswer], backend_call: BackendCall, **settings: Any) -> list[Any]:
    events: list[BackendEvent] = []
    async with responses(server, **settings) as (backend, _):
        await collect(backend, backend_call, events)
    assert isinstance(events[-1], Finished)
    return events


def message_of(events: list[BackendEvent]) -> Message:
    collector = AnswerFold()
    for event in events:
        if not isinstance(event, UsageReport | Finished):
            collector.add(event)
    return collector.answer(FinishReason.STOP, Usage()).message


THOUGHT = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "First,"}, {"type": "summary_text", "text": "then."}],
    "encrypted_content": SEALED + "+/é==",
}
SEARCH = {
    "id": "ws_1",
    "type": "web_search_call",
    "status": "completed",
    "action": {"type": "search", "query": "sums"},
}
SOURCE = {"type": "url_citation", "url": "https://a.test", "title": "Sums", "start_index": 0, "end_index": 4}


def said(*texts: str, id: str = "msg_1", **members: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []} for text in texts]
    own = {"id": id, "type": "message", "status": "completed", "role": "assistant"}
    return {**own, "content": content, **members}


def called(number: int = 1, name: str = "add") -> dict[str, Any]:
    own = {"id": f"fc_{number}", "type": "function_call", "status": "completed"}
    return {**own, "call_id": f"call_{number}", "name": name, "arguments": '{"a": 2}'}


@pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
async def test_an_answer_comes_whole_with_reasoning_and_usage(stream: bool, http2: bool) -> None:
    script = Script(reasoning="Hm.", cached_tokens=4)
    events = await events_of(Responses(script=script), call(stream=stream), http2=http2)
    reasoning = [event for event in events if isinstance(event, ReasoningDelta)]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == script.text
    assert "".join(r.text for r in reasoning) == "Hm."
    assert [(r.signature, r.dialect) for r in reasoning if r.signature] == [(SEALED + "1", "openai_responses")]
    end = events[-1]
    assert (end.finish_reason, end.upstream_model) == (FinishReason.STOP, "gpt-5.2-2026-01-01")
    assert end.usage == Usage(11, 5, cache_read_tokens=4, reasoning_tokens=2)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
async def test_a_tool_is_called(stream: bool) -> None:
    script = Script(tool_name="add", tokens=('{"a"', ": 2}"))
    events = await events_of(Responses(script=script), call(stream=stream, query=replace(QUERY, tools=(TOOL,))))
    deltas = [event for event in events if isinstance(event, ToolCallDelta)]
    assert [(delta.id, delta.name) for delta in deltas if delta.name] == [("call_1", "add")]
    assert "".join(delta.arguments_json for delta in deltas) == '{"a": 2}'
    assert events[-1].finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
async def test_log_probabilities_come_with_their_tokens(stream: bool) -> None:
    query = replace(QUERY, generation=GenerationConfig(logprobs=True, top_logprobs=2))
    events = await events_of(Responses(), call(stream=stream, model="gpt-4.1", query=query))
    logprobs = [one for event in events if isinstance(event, TextDelta) for one in event.logprobs]
    assert [one.token for one in logprobs] == list(Script().tokens)
    assert [top.token for top in logprobs[0].top] == ["The 0", "The 1"]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("max_output_tokens", FinishReason.LENGTH), ("content_filter", FinishReason.CONTENT_FILTER)],
)
async def test_an_incomplete_answer_says_why(reason: str, expected: FinishReason) -> None:
    for stream in (True, False):
        events = await events_of(Responses(script=Script(finish_reason=reason)), call(stream=stream))
        assert events[-1].finish_reason is expected


async def test_a_refusal_is_told_from_other_text() -> None:
    refused = said(content=[{"type": "refusal", "refusal": "I will not."}])
    for stream in (True, False):
        events = await events_of(Responses(items=[refused]), call(stream=stream))
        assert [event.refusal for event in events if isinstance(event, TextDelta)] in ([True], [True] * 4)
        assert message_of(events).text == "I will not."
        assert events[-1].finish_reason is FinishReason.CONTENT_FILTER


CHART = {"type": "output_chart", "chart": {"bars": [4]}}
CUSTOM = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_9", "name": "shout", "input": "four"}
HOSTED = {
    "id": "sh_1",
    "type": "shell_call",
    "call_id": "call_8",
    "status": "completed",
    "action": {"commands": ["ls"]},
}
SHOWN = {"id": "sho_1", "type": "shell_call_output", "call_id": "call_8", "status": "completed", "output": []}

ANSWERS: dict[str, list[dict[str, Any]]] = {
    "a text": [said("Four.")],
    "a text with reasoning": [THOUGHT, said("Four.")],
    "texts of one message": [said("Four", "teen.")],
    "phases": [said("Let me see.", phase="commentary"), THOUGHT, said("Four.", id="msg_2", phase="final_answer")],
    "a refusal": [THOUGHT, said(content=[{"type": "refusal", "refusal": "I will not."}])],
    "a call": [THOUGHT, called()],
    "calls beside a text": [THOUGHT, said("Wait."), called(1), called(2)],
    "reasoning without a summary": [{**THOUGHT, "summary": []}, called()],
    "reasoning between calls": [THOUGHT, called(1), {**THOUGHT, "id": "rs_2"}, called(2)],
    "a search with its sources": [
        THOUGHT,
        SEARCH,
        said(content=[{"type": "output_text", "text": "Four.", "annotations": [SOURCE], "logprobs": []}]),
    ],
    "blocks that nobody else knows": [
        {"id": "cmp_1", "type": "compaction", "encrypted_content": "x"},
        {"id": "ci_1", "type": "code_interpreter_call", "status": "completed", "code": "2+2", "container_id": "c"},
        said("Four."),
    ],
    "a message that says nothing": [THOUGHT, said(), called()],
    "contents that nobody else knows": [
        THOUGHT,
        said(content=[CHART, {"type": "output_text", "text": "Four.", "annotations": [], "logprobs": []}, CHART]),
    ],
    "nothing but a content that nobody else knows": [said(content=[CHART])],
    "a custom tool's call": [THOUGHT, CUSTOM],
}


@pytest.mark.parametrize("items", ANSWERS.values(), ids=ANSWERS.keys())
async def test_what_was_answered_is_the_same_streamed_and_goes_back_as_it_came(items: list[dict[str, Any]]) -> None:
    streamed = await events_of(Responses(items=items), call())
    unary = await events_of(Responses(items=items), call(stream=False))
    answer = message_of(streamed)
    assert answer == message_of(unary)
    assert streamed[-1] == unary[-1]
    results = tuple(ToolResult(part.id, "4") for part in answer.parts if isinstance(part, ToolCall))
    after = Message(Role.TOOL, results) if results else QUERY.messages[0]
    query = replace(QUERY, messages=(*QUERY.messages, answer, after), tools=(TOOL,))
    async with responses(Responses()) as (backend, server):
        await collect(backend, call(query=query), [])
        sent = server.requests[0].json["input"]
    assert sent[1 : 1 + len(items)] == items


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ([THOUGHT, CUSTOM], FinishReason.TOOL_CALLS),
        ([HOSTED], FinishReason.TOOL_CALLS),
        ([HOSTED, SHOWN, said("Four.")], FinishReason.STOP),
        ([SEARCH, said("Four.")], FinishReason.STOP),
        ([CUSTOM, said(content=[{"type": "refusal", "refusal": "No."}])], FinishReason.CONTENT_FILTER),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_waits_for_a_tool_of_the_caller_says_so(
    items: list[dict[str, Any]], reason: FinishReason, stream: bool
) -> None:
    events = await events_of(Responses(items=items), call(stream=stream))
    assert events[-1].finish_reason is reason


async def test_the_output_of_a_custom_tool_goes_back_after_its_call() -> None:
    output = {"type": "custom_tool_call_output", "call_id": "call_9", "output": "FOUR"}
    answer = message_of(await events_of(Responses(items=[THOUGHT, CUSTOM]), call()))
    block = ProviderPart(ProviderBlock("openai_responses", orjson.dumps(output).decode()))
    query = replace(QUERY, messages=(*QUERY.messages, answer, Message(Role.TOOL, (block,))))
    async with responses(Responses()) as (backend, server):
        await collect(backend, call(query=query), [])
        assert server.requests[0].json["input"][1:] == [THOUGHT, CUSTOM, output]


async def test_citations_and_searches_are_told() -> None:
    events = await events_of(Responses(items=ANSWERS["a search with its sources"]), call())
    assert [e.citation for e in events if isinstance(e, CitationDelta)] == [
        Citation("https://a.test", "Sums", "", 0, 4)
    ]
    assert events[-1].usage.web_searches == 1


async def test_no_other_provider_gets_what_was_sealed_nor_gives_it() -> None:
    answer = message_of(await events_of(Responses(items=ANSWERS["calls beside a text"]), call()))
    results = Message(Role.TOOL, (ToolResult("call_1", "4"), ToolResult("call_2", "4")))
    query = replace(QUERY, messages=(*QUERY.messages, answer, results), tools=(TOOL,))
    elsewhere = call(query=query, provider="elsewhere")
    assert "sealed" not in orjson.dumps(response_body(elsewhere)).decode()
    assert [item.get("type") for item in response_body(elsewhere)["input"]] == [
        None,
        None,
        *["function_call", "function_call"],
        *["function_call_output", "function_call_output"],
    ]
    foreign = Message(Role.ASSISTANT, (ReasoningPart("Hm.", "signed", dialect="anthropic"), TextPart("Four.")))
    query = replace(QUERY, messages=(*QUERY.messages, foreign, *QUERY.messages))
    await events_of(Responses(), call(query=query))


@pytest.mark.parametrize("last", [QUERY.messages[0], Message(Role.ASSISTANT, (TextPart("Four."),))], ids=str)
async def test_reasoning_that_led_to_nothing_is_left_out_and_said_to_be(last: Message) -> None:
    server = Responses(items=[THOUGHT], script=Script(finish_reason="max_output_tokens"))
    cut = message_of(await events_of(server, call()))
    query = replace(QUERY, messages=(*QUERY.messages, cut, QUERY.messages[0], last, QUERY.messages[0]))
    backend_call = call(query=query)
    await events_of(Responses(), backend_call)
    assert [adjustment.field for adjustment in backend_call.dispatch.adjustments] == ["query.messages"]


async def test_models_without_reasoning_are_not_asked_for_it() -> None:
    await events_of(Responses(), call(model="gpt-4.1"))
    refused = Responses(plain=("gpt-5.2",), models=())
    with pytest.raises(UpstreamRequestRefused) as caught:
        await events_of(refused, call())
    assert caught.value.refusal is not None
    await events_of(refused, call(profile=learned(call().profile, caught.value.refusal)))


REFUSED: list[tuple[dict[str, Any], str, type[UpstreamError]]] = [
    ({"api_key": "key-other"}, "", UpstreamCredentialsRefused),
    ({}, "unknown", UpstreamRequestRefused),
]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
@pytest.mark.parametrize(("settings", "model", "expected"), REFUSED)
async def test_a_refusal_becomes_its_error(
    settings: dict[str, Any], model: str, expected: type[UpstreamError], stream: bool
) -> None:
    with pytest.raises(UpstreamError) as caught:
        await events_of(Responses(), replace(call(stream=stream), upstream_model=model or "gpt-5.2"), **settings)
    assert type(caught.value) is expected


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("server_error", UpstreamFailed),
        ("rate_limit_exceeded", UpstreamOverloaded),
        ("vector_store_timeout", UpstreamFailed),
        ("invalid_prompt", UpstreamRequestRefused),
        ("invalid_image_url", UpstreamRequestRefused),
        ("image_too_large", UpstreamRequestRefused),
        ("context_length_exceeded", UpstreamContextExceeded),
    ],
)
async def test_a_response_that_failed_is_its_error_with_what_it_used(
    code: str, expected: type[UpstreamError], stream: bool
) -> None:
    events: list[BackendEvent] = []
    async with responses(Responses(error={"code": code, "message": "It went wrong."})) as (backend, _):
        with pytest.raises(UpstreamError) as caught:
            await collect(backend, call(stream=stream), events)
    assert (type(caught.value), caught.value.quoted) == (expected, "It went wrong.")
    assert isinstance(events[-1], UsageReport)
    assert events[-1].usage.input_tokens == 11


ERROR = {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down.", "param": None}


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (b"", UpstreamCut),
        (b"data: [DONE]\n\n", UpstreamProtocolError),
        (sse(ERROR), UpstreamOverloaded),
        (sse({"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}), UpstreamOverloaded),
        (sse({"type": "response.cancelled", "response": {"status": "cancelled"}}), UpstreamFailed),
        (sse({"type": "response.failed", "response": {"status": "failed", "error": None}}), UpstreamFailed),
        (sse({"type": "response.output_text.delta", "output_index": 0, "content_index": 0}), UpstreamProtocolError),
        (sse({"type": "response.output_text.delta", "delta": "x", "content_index": 0}), UpstreamProtocolError),
        (sse({"type": "response.completed"}), UpstreamProtocolError),
        (b'data: {"type": "response.out\n\n', UpstreamProtocolError),
    ],
)
async def test_a_broken_stream_never_looks_complete(broken: bytes, expected: type[UpstreamError]) -> None:
    events: list[BackendEvent] = []
    async with responses(Responses(fail=lambda: broken)) as (backend, _):
        with pytest.raises(UpstreamError) as caught:
            await collect(backend, call(), events)
    assert type(caught.value) is expected
    assert [one.text for one in events if isinstance(one, TextDelta)] == ["The"]


@pytest.mark.parametrize("status", ["queued", "in_progress", None])
async def test_a_document_that_is_not_at_its_end_holds_no_answer(status: str | None) -> None:
    answer = json_answer({"object": "response", "status": status, "output": []})
    with pytest.raises(UpstreamProtocolError):
        await events_of(lambda _: answer, call(stream=False))


@pytest.mark.parametrize("told", [1, 2, 3], ids=["at the item's end", "at the response's end", "both in part"])
async def test_a_server_that_tells_items_at_once_is_understood(told: int) -> None:
    items = [THOUGHT, said("Four", "teen."), called()]
    events = [{"type": "response.output_item.done", "output_index": n, "item": item} for n, item in enumerate(items)]
    end = {"type": "response.completed", "response": {"status": "completed", "output": [] if told == 1 else items}}
    chunks = tuple(map(sse, [*(events if told == 1 else events[:1] if told == 3 else ()), end]))
    answer = RawAnswer(200, content_type="text/event-stream", chunks=chunks)
    whole = json_answer({"status": "completed", "output": items})
    assert message_of(await events_of(lambda _: answer, call())) == message_of(
        await events_of(lambda _: whole, call(stream=False))
    )


async def test_a_server_that_gives_all_items_one_number_is_understood() -> None:
    items = [said("Four"), said("teen.", id="msg_2"), called(1), called(2)]
    chunks = [
        sse({"type": f"response.output_item.{when}", "output_index": 0, "item": item})
        for item in items
        for when in ("added", "done")
    ]
    end = sse({"type": "response.completed", "response": {"status": "completed", "output": items}})
    answer = RawAnswer(200, content_type="text/event-stream", chunks=(*chunks, end))
    parts = message_of(await events_of(lambda _: answer, call())).parts
    assert [part.text if isinstance(part, TextPart) else getattr(part, "id", "") for part in parts] == [
        "Four",
        "teen.",
        "call_1",
        "call_2",
    ]


def options(**values: Any) -> tuple[ProviderOptions, ...]:
    return (ProviderOptions("openai_responses", orjson.dumps(values).decode()),)


async def test_the_callers_options_and_own_tools_are_sent_in_their_places() -> None:
    search = ProviderBlock("openai_responses", '{"type": "web_search", "filters": {"allowed_domains": ["a.test"]}}')
    asked = options(
        reasoning={"summary": "auto"},
        text={"verbosity": "low"},
        include=["web_search_call.action.sources"],
        prompt_cache_key="k",
    )
    query = replace(
        QUERY,
        tools=(TOOL, Tool("search", provider_tool=search)),
        generation=GenerationConfig(reasoning_effort=ReasoningEffort.LOW),
        provider_options=asked,
    )
    async with responses(Responses()) as (backend, server):
        await collect(backend, call(query=query), [])
        body = server.requests[0].json
    assert body["reasoning"] == {"effort": "low", "summary": "auto"}
    assert (body["text"], body["prompt_cache_key"]) == ({"verbosity": "low"}, "k")
    assert body["include"] == ["reasoning.encrypted_content", "web_search_call.action.sources"]
    assert body["tools"][1] == orjson.loads(search.json)


async def test_what_only_the_provider_understands_stands_where_the_caller_said_it() -> None:
    answered = {"type": "custom_tool_call_output", "call_id": "call_1", "output": "4"}
    image = {"type": "input_image", "file_id": "file-1"}
    blocks = [ProviderPart(ProviderBlock("openai_responses", orjson.dumps(one).decode())) for one in (image, answered)]
    user = Message(Role.USER, (TextPart("Look:"), blocks[0]), "Ann")
    result = Message(Role.TOOL, (blocks[1],))
    async with responses(Responses()) as (backend, server):
        await collect(backend, call(query=Query((user, result, *QUERY.messages))), [])
        sent = server.requests[0].json["input"]
    contents = [{"type": "input_text", "text": "Ann:"}, {"type": "input_text", "text": "Look:"}, image]
    assert sent[:2] == [{"role": "user", "content": contents}, answered]


async def test_media_and_results_in_parts_are_contents() -> None:
    picture = MediaPart("image/png", b"x")
    query = Query(
        (
            Message(Role.SYSTEM, (TextPart("Be brief."),)),
            Message(Role.USER, (picture, MediaPart("application/pdf", uri="https://a.test/a.pdf"))),
            Message(Role.ASSISTANT, (ToolCall("c" * 70, "look up!"),)),
            Message(Role.TOOL, (ToolResult("c" * 70, "", is_error=True, parts=(TextPart("no"), picture)),)),
        ),
        (TOOL,),
    )
    body = response_body(call(query=query))
    check(body)
    image = {"type": "input_image", "image_url": "data:image/png;base64,eA=="}
    assert body["input"][0] == {"role": "system", "content": "Be brief."}
    assert body["input"][1]["content"] == [image, {"type": "input_file", "file_url": "https://a.test/a.pdf"}]
    assert body["input"][3]["output"][0] == {"type": "input_text", "text": "Error:"}
    assert body["input"][3]["output"][2] == image


async def test_a_tool_loop_over_the_contract_gives_back_what_was_sealed(tmp_path: Path) -> None:
    items = ANSWERS["calls beside a text"]
    async with Loopback(Responses(models=("small",), items=items)) as server:
        backend = {"kind": "openai_responses", "base_url": f"{server.url}/v1", "api_key": "key-123"}
        config = pool_config("", backends={"upstream": backend})
        for model in config["models"].values():
            model["capabilities"] = ["tools", "reasoning"]
        async with service(config, tmp_path) as (client, _):
            asked = Asked(messages=[user("What is 2 + 2?")], tools=[Offered(name="add")])
            async with client.stream_complete(asked, timeout=20) as stream:
                asked.messages.append((await stream.completion()).message)
            asked.messages.extend([tool_result("call_1", "4"), tool_result("call_2", "4")])
            await client.complete(asked, timeout=20)
        assert server.requests[1].json["input"][1:5] == items
        assert server.requests[1].json["include"] == ["reasoning.encrypted_content"]
