"""Responses of both dialects as events."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from frontdesk_server.backends.anthropic_response import AnthropicTranslator
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.errors import UpstreamFailed, UpstreamOverloaded, UpstreamProtocolError
from frontdesk_server.domain.events import (
    BackendEvent,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from frontdesk_server.domain.usage import FinishReason, TokenLogprob, TopLogprob, Usage


def events(*documents: Any) -> list[SseEvent]:
    return [SseEvent("", d if isinstance(d, str) else orjson.dumps(d).decode()) for d in documents]


def chunk(delta: dict[str, Any] | None = None, **choice: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "delta": delta or {}, **choice}]}


def tool_piece(name: str | None = None, arguments: str = "", **piece: Any) -> dict[str, Any]:
    return chunk({"tool_calls": [{**piece, "function": {"name": name, "arguments": arguments}}]})


def openai_events(*documents: Any) -> list[BackendEvent]:
    return list(OpenAITranslator().read_events(events(*documents)))


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        pytest.param([chunk({"role": "assistant", "content": ""})], [], id="startup noise"),
        pytest.param([chunk({"role": "assistant", "content": None})], [], id="null content"),
        pytest.param([{"choices": []}, {"other": 1}, ""], [], id="unknown fields and empty data"),
        pytest.param(
            [chunk({"content": "a"}), chunk({"content": "b"})], [TextDelta("ab")], id="one read leaves as one delta"
        ),
        pytest.param(
            [chunk({"reasoning_content": "a"}), chunk({"reasoning": "b"}), chunk({"content": "c"})],
            [ReasoningDelta("ab"), TextDelta("c", part=1)],
            id="reasoning under both names",
        ),
        pytest.param([chunk({"content": "x"}, index=1)], [], id="other choices"),
        pytest.param(
            [chunk({"content": "a"}), chunk({"reasoning": "b"}), chunk({"content": "c"})],
            [TextDelta("a"), ReasoningDelta("b", part=1), TextDelta("c", part=2)],
            id="order is kept",
        ),
        pytest.param(
            [
                tool_piece("add", "", index=0, id="1"),
                tool_piece(None, '{"a"', index=0),
                tool_piece(None, ":1}", index=0),
            ],
            [ToolCallDelta(0, "1", "add", '{"a":1}')],
            id="a tool call in pieces",
        ),
        pytest.param(
            [tool_piece("a", "{}", index=0, id="1"), tool_piece("b", "{}", index=1, id="2")],
            [ToolCallDelta(0, "1", "a", "{}"), ToolCallDelta(1, "2", "b", "{}", part=1)],
            id="two tool calls",
        ),
        pytest.param(
            [tool_piece("a", "{}", index=0, id="1"), tool_piece("b", "{}", index=0, id="2")],
            [ToolCallDelta(0, "1", "a", "{}"), ToolCallDelta(1, "2", "b", "{}", part=1)],
            id="two tool calls numbered alike",
        ),
        pytest.param(
            [tool_piece("a", "{}", id="1"), tool_piece("b", "{}", id="2")],
            [ToolCallDelta(0, "1", "a", "{}"), ToolCallDelta(1, "2", "b", "{}", part=1)],
            id="two tool calls without numbers",
        ),
        pytest.param(
            [tool_piece("a", "{", index=0, id="1"), tool_piece("a", "}", index=0, id="1")],
            [ToolCallDelta(0, "1", "a", "{}")],
            id="name and id repeated",
        ),
        pytest.param(
            [tool_piece(None, "{", index=0, id="1"), tool_piece("a", "}", index=0)],
            [ToolCallDelta(0, "1", "a", "{}")],
            id="name after the first piece",
        ),
        pytest.param(
            [tool_piece("a", {"x": 1}, index=0, id="1")],  # type: ignore[arg-type]
            [ToolCallDelta(0, "1", "a", '{"x":1}')],
            id="arguments as an object",
        ),
    ],
)
def test_openai_chunks(documents: list[Any], expected: list[BackendEvent]) -> None:
    assert openai_events(*documents) == expected


def test_a_tool_call_without_id_is_given_one() -> None:
    (delta,) = openai_events(tool_piece("a", "{}", index=0))
    assert isinstance(delta, ToolCallDelta)
    assert delta.id.startswith("call_")


def test_logprobs_go_with_the_text_of_their_read_and_wait_for_it_across_reads() -> None:
    def logprobs(token: str, *top: str) -> dict[str, Any]:
        alternatives = [{"token": t, "logprob": -1.0} for t in top]
        return {"content": [{"token": token, "logprob": -0.5, "top_logprobs": alternatives}]}

    translator = OpenAITranslator()
    first = translator.read_events(
        events(chunk({"content": "a"}, logprobs=logprobs("a", "x")), chunk({"content": "b"}, logprobs=logprobs("b")))
    )
    assert list(first) == [
        TextDelta("ab", (TokenLogprob("a", -0.5, (TopLogprob("x", -1.0),)), TokenLogprob("b", -0.5)))
    ]
    half_a_character = translator.read_events(events(chunk({"content": ""}, logprobs=logprobs("half"))))
    assert list(half_a_character) == []
    (rest,) = translator.read_events(events(chunk({"content": "c"}, logprobs=logprobs("c"))))
    assert isinstance(rest, TextDelta)
    assert [logprob.token for logprob in rest.logprobs] == ["half", "c"]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("tool_calls", FinishReason.TOOL_CALLS),
        ("function_call", FinishReason.TOOL_CALLS),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("something_new", FinishReason.OTHER),
    ],
)
def test_openai_finish_reasons(reason: str, expected: FinishReason) -> None:
    translator = OpenAITranslator()
    list(translator.read_events(events(chunk(finish_reason=reason))))
    assert translator.finished().finish_reason is expected


def test_a_refusal_is_text_and_a_filtered_end() -> None:
    translator = OpenAITranslator()
    seen = list(translator.read_events(events(chunk({"refusal": "No."}), chunk(finish_reason="stop"))))
    assert seen == [TextDelta("No.")]
    assert translator.finished().finish_reason is FinishReason.CONTENT_FILTER


def test_stop_after_a_tool_call_is_an_end_for_tool_calls() -> None:
    translator = OpenAITranslator()
    list(translator.read_events(events(tool_piece("a", "{}", index=0, id="1"), chunk(finish_reason="stop"))))
    assert translator.finished().finish_reason is FinishReason.TOOL_CALLS


def test_done_without_a_finish_reason_is_no_end() -> None:
    translator = OpenAITranslator()
    assert list(translator.read_events(events(chunk({"content": "a"}), "[DONE]"))) == [TextDelta("a")]
    assert not translator.complete


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}, Usage(3, 5)),
        ({"prompt_tokens": 3, "completion_tokens": 0}, Usage(3, 0)),
        ({"prompt_tokens": 3}, Usage(3, None)),
        ({"prompt_tokens": "3", "completion_tokens": -1}, Usage(None, None)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(9, 5, cache_read_tokens=4, reasoning_tokens=2),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 5, "prompt_cache_hit_tokens": 4},
            Usage(9, 5, cache_read_tokens=4),
        ),
        (  # xAI: reasoning beside the completion
            {
                "prompt_tokens": 3,
                "completion_tokens": 5,
                "total_tokens": 15,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            Usage(3, 12, reasoning_tokens=7),
        ),
        (  # Gemini: reasoning in the total only
            {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 15},
            Usage(3, 12, reasoning_tokens=7),
        ),
    ],
)
def test_openai_usage(usage: dict[str, Any], expected: Usage) -> None:
    translator = OpenAITranslator()
    list(translator.read_events(events(chunk(finish_reason="stop"), {"choices": [], "usage": usage}, "[DONE]")))
    assert translator.finished().usage == expected
    assert translator.ended


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"error": {"message": "busy", "type": "rate_limit_error"}}, UpstreamOverloaded),
        ({"error": "out of memory"}, UpstreamFailed),
        ({"error": {"message": "x", "code": 429}}, UpstreamOverloaded),
        (chunk(finish_reason="error"), UpstreamFailed),
        (chunk(finish_reason="abort"), UpstreamFailed),
        ("not json", UpstreamProtocolError),
        ("[1]", UpstreamProtocolError),
        ('{"choices": [1]}', UpstreamProtocolError),
        ('{"choices": 1}', UpstreamProtocolError),
        (chunk({"content": 1}), UpstreamProtocolError),
        (chunk({"content": "a"}, logprobs={"content": [{"token": "a"}]}), UpstreamProtocolError),
    ],
)
def test_openai_failures_come_after_the_text_before_them(document: Any, error: type[Exception]) -> None:
    stream = OpenAITranslator().read_events(events(chunk({"content": "a"}), document))
    seen: list[BackendEvent] = []
    with pytest.raises(error):
        seen.extend(stream)
    assert seen == [TextDelta("a")]


def test_an_openai_document_is_its_few_deltas() -> None:
    translator = OpenAITranslator()
    message = {
        "content": "Four.",
        "reasoning_content": "Hm.",
        "tool_calls": [{"id": "1", "function": {"name": "a", "arguments": "{}"}}],
    }
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    document = {"model": "m-1", "choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}
    assert translator.read_document(document) == [
        ReasoningDelta("Hm."),
        TextDelta("Four.", part=1),
        ToolCallDelta(0, "1", "a", "{}", part=2),
    ]
    end = translator.finished()
    assert (end.finish_reason, end.usage, end.upstream_model) == (FinishReason.TOOL_CALLS, Usage(3, 5), "m-1")


@pytest.mark.parametrize("document", [{}, {"choices": []}, {"choices": [{"message": {"content": "a"}}]}])
def test_an_openai_document_without_end_is_a_protocol_error(document: Any) -> None:
    with pytest.raises(UpstreamProtocolError):
        OpenAITranslator().read_document(document)


ANTHROPIC_USAGE = {
    "input_tokens": 3,
    "cache_read_input_tokens": 4,
    "cache_creation_input_tokens": 5,
    "output_tokens": 1,
}
BLOCKS = [
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm."}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "signed"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "redacted_thinking", "data": "secret"}},
    {"type": "content_block_stop", "index": 1},
    {"type": "ping"},
    {"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "Fo"}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "ur."}},
    {"type": "content_block_stop", "index": 2},
    {
        "type": "content_block_start",
        "index": 3,
        "content_block": {"type": "tool_use", "id": "1", "name": "a", "input": {}},
    },
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": ""}},
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": '{"x":1}'}},
    {"type": "content_block_stop", "index": 3},
    {
        "type": "content_block_start",
        "index": 4,
        "content_block": {"type": "tool_use", "id": "2", "name": "b", "input": {}},
    },
    {"type": "content_block_stop", "index": 4},
    {"type": "content_block_start", "index": 5, "content_block": {"type": "some_new_block"}},
    {"type": "content_block_delta", "index": 5, "delta": {"type": "some_new_delta"}},
    {"type": "content_block_stop", "index": 5},
]
ANTHROPIC_EVENTS = [
    ReasoningDelta("Hm.", "signed"),
    ReasoningDelta(redacted_data="secret", part=1),
    TextDelta("Four.", part=2),
    ToolCallDelta(0, "1", "a", '{"x":1}', part=3),
    ToolCallDelta(1, "2", "b", "{}", part=4),
]


def test_an_anthropic_stream_with_every_kind_of_block() -> None:
    translator = AnthropicTranslator()
    start = {"type": "message_start", "message": {"model": "m-1", "usage": ANTHROPIC_USAGE}}
    usage = {"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 2}}
    end = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": usage}
    seen = list(translator.read_events(events(start, *BLOCKS, end, {"type": "message_stop"})))
    report = UsageReport(Usage(12, 1, cache_read_tokens=4, cache_write_tokens=5), "m-1")
    assert seen == [report, *ANTHROPIC_EVENTS]
    assert translator.ended
    finished = translator.finished()
    assert finished.finish_reason is FinishReason.TOOL_CALLS
    assert finished.usage == Usage(12, 9, cache_read_tokens=4, cache_write_tokens=5, reasoning_tokens=2)


def test_an_anthropic_document_gives_the_same_events() -> None:
    content = [
        {"type": "thinking", "thinking": "Hm.", "signature": "signed"},
        {"type": "redacted_thinking", "data": "secret"},
        {"type": "text", "text": "Four."},
        {"type": "tool_use", "id": "1", "name": "a", "input": {"x": 1}},
        {"type": "tool_use", "id": "2", "name": "b", "input": {}},
    ]
    usage = {**ANTHROPIC_USAGE, "output_tokens": 9}
    translator = AnthropicTranslator()
    document = {"model": "m-1", "content": content, "stop_reason": "tool_use", "usage": usage}
    assert translator.read_document(document) == ANTHROPIC_EVENTS
    assert translator.finished().usage == Usage(12, 9, cache_read_tokens=4, cache_write_tokens=5)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("tool_use", FinishReason.TOOL_CALLS),
        ("refusal", FinishReason.CONTENT_FILTER),
        ("pause_turn", FinishReason.OTHER),
    ],
)
def test_anthropic_stop_reasons(reason: str, expected: FinishReason) -> None:
    translator = AnthropicTranslator()
    assert translator.read_document({"content": [], "stop_reason": reason}) == []
    assert translator.finished().finish_reason is expected


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, UpstreamOverloaded),
        ({"type": "error", "error": {"type": "api_error", "message": "x"}}, UpstreamFailed),
        ({"type": "content_block_delta"}, UpstreamProtocolError),
        ({"type": "message_start"}, UpstreamProtocolError),
        ("not json", UpstreamProtocolError),
    ],
)
def test_anthropic_failures_come_after_the_text_before_them(document: Any, error: type[Exception]) -> None:
    stream = AnthropicTranslator().read_events(events(*BLOCKS[7:10], document))
    seen: list[BackendEvent] = []
    with pytest.raises(error):
        seen.extend(stream)
    assert seen == [TextDelta("Four.")]
