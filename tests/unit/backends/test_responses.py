"""Responses of both dialects as events."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import ANY

import pytest
from frontdesk_server.backends.anthropic_response import AnthropicTranslator
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.errors import UpstreamCut, UpstreamFailed, UpstreamOverloaded, UpstreamProtocolError
from frontdesk_server.domain.events import (
    BackendEvent,
    Finished,
    ProviderBlockDelta,
    ProviderStateDelta,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from frontdesk_server.domain.provider import ProviderBlock, ProviderState
from frontdesk_server.domain.usage import FinishReason, TokenLogprob, TopLogprob, Usage


def events(*documents: Any) -> list[SseEvent]:
    return [SseEvent("", d if isinstance(d, str) else json.dumps(d)) for d in documents]


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
            [tool_piece("a", "", index=0, id="1")]
            + [tool_piece(None, piece, index=0, id=i) for piece, i in zip('{"b":1}', "2345678", strict=True)],
            [ToolCallDelta(0, "1", "a", '{"b":1}')],
            id="ids that change",
        ),
        pytest.param(
            [tool_piece("a", "{", index=0, id="1"), tool_piece("a", '"b":1}', index=0, id="2")],
            [ToolCallDelta(0, "1", "a", '{"b":1}')],
            id="ids that change beside the name",
        ),
        pytest.param(
            [tool_piece("a", "{", index=0, id="1"), tool_piece(None, "}", index=0, id="null")],
            [ToolCallDelta(0, "1", "a", "{}")],
            id="null for an id",
        ),
        pytest.param(
            [tool_piece("a", "{}", index=0, id="1"), tool_piece("a", "{}", index=0, id="2")],
            [ToolCallDelta(0, "1", "a", "{}"), ToolCallDelta(1, "2", "a", "{}", part=1)],
            id="two calls of one tool numbered alike",
        ),
        pytest.param(
            [tool_piece("a", "{", id="1"), tool_piece("b", "{", id="2"), tool_piece(None, "}", id="1")],
            [
                ToolCallDelta(0, "1", "a", "{"),
                ToolCallDelta(1, "2", "b", "{", part=1),
                ToolCallDelta(0, arguments_json="}"),
            ],
            id="pieces told apart by their ids alone",
        ),
        pytest.param(
            [chunk({"function_call": {"name": "a", "arguments": "{"}}), chunk({"function_call": {"arguments": "}"}})],
            [ToolCallDelta(0, ANY, "a", "{}")],
            id="a function call, as tool calls were called once",
        ),
        pytest.param(
            [chunk({"content": "a"}, message={"content": "a"}), chunk({"content": "b"}, message={"content": "ab"})],
            [TextDelta("ab")],
            id="a message that repeats the deltas",
        ),
        pytest.param(
            [chunk({}, message={"content": "ab"}, finish_reason="stop")],
            [TextDelta("ab")],
            id="a message beside an empty delta",
        ),
        pytest.param(
            [
                chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "H"}]}]}),
                chunk({"content": [{"type": "thinking", "thinking": "m."}, {"type": "reference", "ids": [1]}]}),
                chunk({"content": [{"type": "text", "text": "Fo"}, "ur"]}),
                chunk({"content": "."}),
            ],
            [
                ReasoningDelta("Hm."),
                ProviderBlockDelta(ProviderBlock("openai", '{"type":"reference","ids":[1]}'), part=1),
                TextDelta("Four.", part=2),
            ],
            id="content as a list of chunks",
        ),
        pytest.param([chunk({"content": {"a": [1]}})], [TextDelta('{"a":[1]}')], id="content as the JSON itself"),
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
        ("model_length", FinishReason.LENGTH),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("sensitive", FinishReason.CONTENT_FILTER),
        ("content_filter: RECITATION", FinishReason.CONTENT_FILTER),
    ],
)
def test_openai_finish_reasons(reason: str, expected: FinishReason) -> None:
    translator = OpenAITranslator()
    said = tool_piece("a", "{}", index=0) if expected is FinishReason.TOOL_CALLS else chunk({"content": "a"})
    list(translator.read_events(events(said, chunk(finish_reason=reason))))
    assert translator.finished().finish_reason is expected


def test_a_refusal_is_text_and_a_filtered_end() -> None:
    translator = OpenAITranslator()
    seen = list(translator.read_events(events(chunk({"refusal": "No."}), chunk(finish_reason="stop"))))
    assert seen == [TextDelta("No.", refusal=True)]
    assert translator.finished().finish_reason is FinishReason.CONTENT_FILTER


def test_stop_after_a_tool_call_is_an_end_for_tool_calls() -> None:
    translator = OpenAITranslator()
    list(translator.read_events(events(tool_piece("a", "{}", index=0, id="1"), chunk(finish_reason="stop"))))
    assert translator.finished().finish_reason is FinishReason.TOOL_CALLS


def test_done_without_finish_reason_or_usage_is_a_cut_at_once() -> None:
    stream = OpenAITranslator().read_events(events(chunk({"content": "a"}), "[DONE]"))
    assert next(stream) == TextDelta("a")
    with pytest.raises(UpstreamCut):
        next(stream)


USED = {"usage": {"prompt_tokens": 3, "completion_tokens": 5}}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (chunk({"content": "a"}), FinishReason.OTHER),
        (tool_piece("a", "{}", index=0), FinishReason.TOOL_CALLS),
        (chunk({"content": "a"}, finish_reason=""), FinishReason.OTHER),
    ],
)
def test_done_after_usage_is_an_end(said: Any, expected: FinishReason) -> None:
    translator = OpenAITranslator()
    list(translator.read_events(events(said, {"choices": [], **USED}, "[DONE]")))
    assert translator.ended
    assert translator.finished().finish_reason is expected
    assert translator.finished().usage == Usage(3, 5)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param([], id="usage alone"),
        pytest.param([{"choices": []}], id="no choice"),
        pytest.param([chunk({"role": "assistant", "content": ""})], id="a role"),
        pytest.param([chunk({"content": None})], id="null"),
        pytest.param([{"response": "Hel"}, {"response": "lo"}], id="an API of another kind"),
    ],
)
def test_a_stream_that_held_no_answer_ends_like_such_a_document(said: list[Any]) -> None:
    with pytest.raises(UpstreamProtocolError, match="holds no answer"):
        openai_events(*said, {"choices": [], **USED}, "[DONE]")
    for document in said or [{}]:
        choices = [{**choice, "message": choice["delta"]} for choice in document.get("choices", ())]
        with pytest.raises(UpstreamProtocolError, match="holds no answer"):
            list(OpenAITranslator().read_document({**document, "choices": choices, **USED}))


@pytest.mark.parametrize("finish", [{"delta": {}}, {"message": {"role": "assistant", "content": ""}}])
def test_an_empty_answer_with_a_finish_reason_is_one(finish: dict[str, Any]) -> None:
    document = {"choices": [{"index": 0, "finish_reason": "stop", **finish}], **USED}
    unary, streamed = OpenAITranslator(), OpenAITranslator()
    assert [*unary.read_document(document), *streamed.read_events(events(document, "[DONE]"))] == []
    assert unary.finished().finish_reason is streamed.finished().finish_reason is FinishReason.STOP


def test_the_text_of_a_completion_without_a_chat_is_read() -> None:
    said = [{"choices": [{"index": 0, "text": text}]} for text in ("Fo", "ur")]
    end = {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}], **USED}
    assert openai_events(*said, end) == [TextDelta("Four")]
    document = {"choices": [{"index": 0, "text": "Four", "finish_reason": "stop"}], **USED}
    assert list(OpenAITranslator().read_document(document)) == [TextDelta("Four")]


def test_an_anthropic_stream_that_held_no_answer_is_a_broken_one() -> None:
    usage = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 5}}
    with pytest.raises(UpstreamProtocolError, match="holds no answer"):
        list(AnthropicTranslator().read_events(events(usage, {"type": "message_stop"})))


@pytest.mark.parametrize("reason", ["", None])
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"content": "a"}, FinishReason.OTHER),
        ({"tool_calls": [{"id": "1", "function": {"name": "a", "arguments": "{}"}}]}, FinishReason.TOOL_CALLS),
    ],
)
def test_a_whole_document_is_an_end(message: Any, expected: FinishReason, reason: str | None) -> None:
    translator = OpenAITranslator()
    list(translator.read_document({"choices": [{"message": message, "finish_reason": reason}]}))
    assert translator.finished().finish_reason is expected


@pytest.mark.parametrize("delta", [{}, {"role": "assistant", "content": ""}])
def test_the_message_of_a_document_counts_not_its_empty_delta(delta: Any) -> None:
    choice = {"message": {"content": "Four."}, "delta": delta, "finish_reason": "stop"}
    assert list(OpenAITranslator().read_document({"choices": [choice]})) == [TextDelta("Four.")]


@pytest.mark.parametrize(
    "choice",
    [
        {"finish_reason": "network_error"},
        {"finish_reason": "insufficient_system_resource"},
        {"finish_reason": "function_call_filter: MALFORMED_FUNCTION_CALL"},
        {"finish_reason": "UNEXPECTED_TOOL_CALL"},
        {"finish_reason": "stop", "native_finish_reason": "network_error"},
        {"finish_reason": "stop", "native_finish_reason": "MALFORMED_FUNCTION_CALL"},
        {"finish_reason": "stop", "error": {"code": 502, "message": "the provider is gone"}},
    ],
)
def test_providers_words_for_their_own_failure(choice: dict[str, Any]) -> None:
    with pytest.raises(UpstreamFailed):
        openai_events(chunk(**choice))
    with pytest.raises(UpstreamFailed):
        list(OpenAITranslator().read_document({"choices": [{"message": {"content": ""}, **choice}]}))


LATE = {"error": {"message": "late", "code": 500}, **USED}


@pytest.mark.parametrize("reads", [1, 2, 3])
def test_an_error_after_the_finish_reason_is_ignored_and_its_usage_read_however_it_arrives(reads: int) -> None:
    sent = events(chunk({"content": "a"}), chunk(finish_reason="stop"), LATE, "not json", "[DONE]")
    translator = OpenAITranslator()
    seen: list[BackendEvent] = []
    for read in ([sent], [sent[:2], sent[2:]], [sent[:1], sent[1:2], sent[2:]])[reads - 1]:
        seen += translator.read_events(read)
    assert seen == [TextDelta("a")]
    assert translator.ended
    assert translator.finished().usage == Usage(3, 5)


def test_an_error_before_the_finish_reason_comes_after_its_usage() -> None:
    seen: list[BackendEvent] = []
    with pytest.raises(UpstreamFailed):
        seen.extend(OpenAITranslator().read_events(events(chunk({"content": "a"}), LATE)))
    assert seen == [TextDelta("a"), UsageReport(Usage(3, 5), "m")]


BESIDE_AN_ERROR = {"error": {"type": "api_error", "message": "x"}}


@pytest.mark.parametrize(
    ("translator", "document"),
    [
        (OpenAITranslator, {"usage": {"prompt_tokens": 10, "completion_tokens": 2000}, **BESIDE_AN_ERROR}),
        (AnthropicTranslator, {"usage": {"input_tokens": 10, "output_tokens": 2000}, **BESIDE_AN_ERROR}),
    ],
)
def test_a_document_with_an_error_reports_the_usage_beside_it(translator: Any, document: Any) -> None:
    seen: list[BackendEvent] = []
    with pytest.raises(UpstreamFailed):
        seen.extend(translator().read_document(document))
    assert seen == [UsageReport(Usage(10, 2000))]


def test_what_an_anthropic_stream_counts_after_its_opening_is_no_opening() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 10, "output_tokens": 1}}}
    counted = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 50}}
    failed = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    seen: list[BackendEvent] = []
    with pytest.raises(UpstreamOverloaded):
        seen.extend(AnthropicTranslator().read_events(events(start, counted, failed)))
    assert seen == [UsageReport(Usage(10, 1), opening=True), UsageReport(Usage(10, 50))]


def test_text_after_the_end_of_an_anthropic_message_is_ignored() -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}
    translator = AnthropicTranslator()
    seen = list(translator.read_events(events(*BLOCKS[7:10], end, {"type": "message_stop"}, *BLOCKS[7:10])))
    assert seen == [TextDelta("Four.")]


def test_an_anthropic_error_after_the_stop_reason_is_ignored() -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "late"}}
    translator = AnthropicTranslator()
    seen = list(translator.read_events(events(*BLOCKS[7:10], end, error, {"type": "message_stop"})))
    assert seen == [TextDelta("Four.")]
    assert translator.ended


@pytest.mark.parametrize(("usage", "ends"), [({"output_tokens": 2}, True), ({}, False)])
def test_message_stop_without_a_stop_reason_is_an_end_after_usage_and_else_a_cut(usage: Any, ends: bool) -> None:
    delta = {"type": "message_delta", "delta": {}, "usage": usage}
    translator = AnthropicTranslator()
    stream = translator.read_events(events(*BLOCKS[7:10], delta, {"type": "message_stop"}))
    assert next(stream) == TextDelta("Four.")
    if ends:
        assert list(stream) == []
        assert translator.finished().finish_reason is FinishReason.OTHER
    else:
        with pytest.raises(UpstreamCut):
            next(stream)


HALVES = ("\ud83d", "\ude00")


@pytest.mark.parametrize("apart", [False, True], ids=["one read", "two reads"])
@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([chunk({"content": f"a{h}" if h < "\ude00" else f"{h}b"}) for h in HALVES], "a😀b", id="text"),
        pytest.param([chunk({"reasoning": h}) for h in HALVES], "😀", id="reasoning"),
        pytest.param(
            [tool_piece("a", '{"b":"\ud83d', index=0), tool_piece(None, '\ude00"}', index=0)],
            '{"b":"😀"}',
            id="arguments of a tool",
        ),
        pytest.param([chunk({"content": "\ud83d"}), chunk({"content": "b"})], "\ufffdb", id="the second half missing"),
        pytest.param([chunk({"content": "a"}), chunk({"content": "\ude00b"})], "a\ufffdb", id="the first half missing"),
        pytest.param([chunk({"content": "a"}), chunk({"content": "b\ud83d"})], "ab\ufffd", id="a half at the end"),
        pytest.param([chunk({"reasoning": "\ud83d"}), chunk({})], "\ufffd", id="a half of reasoning at the end"),
    ],
)
def test_halves_of_a_character_are_joined_and_a_lone_one_replaced(pieces: Any, expected: str, apart: bool) -> None:
    translator = OpenAITranslator()
    sent = events(*pieces, chunk(finish_reason="stop"))
    seen = [event for read in ([sent[:1], sent[1:]] if apart else [sent]) for event in translator.read_events(read)]
    texts = []
    for event in seen:
        if not isinstance(event, UsageReport | Finished | ProviderStateDelta):
            assert isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta)
            texts.append(event.arguments_json if isinstance(event, ToolCallDelta) else event.text)
    assert "".join(texts) == expected


def test_an_anthropic_character_in_two_halves() -> None:
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": half}} for half in HALVES
    ]
    assert list(AnthropicTranslator().read_events(events(*deltas))) == [TextDelta("😀")]


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([tool_piece(None, '{"a":1}', index=0, id="1")], id="without a name"),
        pytest.param([tool_piece("a", '{"path": "/et', index=0, id="1")], id="cut in a string"),
        pytest.param([tool_piece("a", '{"a": 1', index=0, id="1")], id="cut in an object"),
        pytest.param([tool_piece("a", '{"a": [1, {"b": "}]', index=0, id="1")], id="brackets in a string"),
        pytest.param([tool_piece("a", "{}", index=0), tool_piece("b", "{", index=1)], id="the second of two"),
        pytest.param([chunk({})], id="none at all"),
    ],
)
@pytest.mark.parametrize("end", [chunk(finish_reason="tool_calls"), "[DONE]"], ids=["tool_calls", "done"])
def test_a_broken_tool_call_is_a_broken_answer(pieces: Any, end: Any) -> None:
    usage = {"choices": [], **USED}
    if pieces == [chunk({})] and end == "[DONE]":
        return  # nothing announced a tool call
    with pytest.raises(UpstreamProtocolError):
        openai_events(*pieces, usage, end)


@pytest.mark.parametrize("arguments", ["{}", "{'a': 1}", '{"a": "{"}', '{"a": "\\""}', "null"])
def test_what_does_not_end_in_its_middle_is_the_models_own_word(arguments: str) -> None:
    (delta,) = openai_events(tool_piece("a", arguments, index=0), chunk(finish_reason="tool_calls"))
    assert isinstance(delta, ToolCallDelta)
    assert delta.arguments_json == arguments


def test_arguments_that_a_limit_cuts_are_an_honest_end() -> None:
    translator = OpenAITranslator()
    list(translator.read_events(events(tool_piece("a", '{"a', index=0), chunk(finish_reason="length"))))
    assert translator.finished().finish_reason is FinishReason.LENGTH


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_use", "id": "1", "name": "", "input": {"a": 1}},
        {"type": "tool_use", "id": "1", "name": "a", "input": [1]},
        {"type": "tool_use", "id": "1", "input": {}},
    ],
)
def test_a_broken_anthropic_tool_call_is_a_broken_answer(block: Any) -> None:
    with pytest.raises(UpstreamProtocolError):
        list(AnthropicTranslator().read_document({"content": [block], "stop_reason": "tool_use"}))


def test_anthropic_arguments_cut_in_their_middle_are_a_broken_answer() -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}}
    cut = {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": '{"x'}}
    with pytest.raises(UpstreamProtocolError):
        list(AnthropicTranslator().read_events(events(BLOCKS[11], cut, BLOCKS[14], end)))


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
    assert list(translator.read_document(document)) == [
        ReasoningDelta("Hm."),
        TextDelta("Four.", part=1),
        ToolCallDelta(0, "1", "a", "{}", part=2),
        ProviderStateDelta(ProviderState("openai", '{"reasoning_content":null}')),
    ]
    end = translator.finished()
    assert (end.finish_reason, end.usage, end.upstream_model) == (FinishReason.TOOL_CALLS, Usage(3, 5), "m-1")


@pytest.mark.parametrize("document", [{}, {"choices": []}, {"choices": [{"message": {}}]}])
def test_an_openai_document_without_answer_is_a_protocol_error(document: Any) -> None:
    with pytest.raises(UpstreamProtocolError):
        list(OpenAITranslator().read_document(document))


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
    ReasoningDelta("Hm.", "signed", dialect="anthropic"),
    ReasoningDelta(redacted_data="secret", part=1, dialect="anthropic"),
    TextDelta("Four.", part=2),
    ToolCallDelta(0, "1", "a", '{"x":1}', part=3),
    ToolCallDelta(1, "2", "b", "{}", part=4),
]
NEW_BLOCK = ProviderBlockDelta(ProviderBlock("anthropic", '{"type":"some_new_block"}'), part=5)


def test_an_anthropic_stream_with_every_kind_of_block() -> None:
    translator = AnthropicTranslator()
    start = {"type": "message_start", "message": {"model": "m-1", "usage": ANTHROPIC_USAGE}}
    usage = {"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 2}}
    end = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": usage}
    seen = list(translator.read_events(events(start, *BLOCKS, end, {"type": "message_stop"})))
    report = UsageReport(Usage(12, 1, cache_read_tokens=4, cache_write_tokens=5), "m-1", opening=True)
    assert seen == [report, *ANTHROPIC_EVENTS, NEW_BLOCK]
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
    assert list(translator.read_document(document)) == ANTHROPIC_EVENTS
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
    block = {"type": "tool_use", "id": "1", "name": "a", "input": {}}
    content = [block] if expected is FinishReason.TOOL_CALLS else []
    list(translator.read_document({"content": content, "stop_reason": reason}))
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


@pytest.mark.parametrize("translator", [OpenAITranslator, AnthropicTranslator])
@pytest.mark.parametrize(
    ("data", "error", "quoted"),
    [
        ("the engine has died", UpstreamFailed, "the engine has died"),
        ('{"message": "busy", "code": 429}', UpstreamOverloaded, "busy"),
        ('{"error": {"message": "busy", "type": "overloaded_error"}}', UpstreamOverloaded, "busy"),
        ('{"error": "gone"}', UpstreamFailed, "gone"),
        ("<html>", UpstreamFailed, ""),
    ],
)
def test_an_event_of_the_type_error_is_one_in_whatever_form(
    translator: Any, data: str, error: type[Exception], quoted: str
) -> None:
    with pytest.raises(error) as caught:
        list(translator().read_events([SseEvent("error", data)]))
    assert caught.value.quoted == quoted  # type: ignore[attr-defined]


def test_an_error_beside_the_choices_is_one() -> None:
    with pytest.raises(UpstreamFailed):
        openai_events({"choices": [], "x_groq": {"id": "1", "error": "over capacity"}})


@pytest.mark.parametrize(
    "said",
    [
        [chunk({"content": "Fo"}), chunk({"content": "ur"})],
        [{"choices": [{"index": 0, "message": {"content": text}}]} for text in ("Fo", "ur")],
        [],
    ],
    ids=["deltas", "messages", "nothing before"],
)
@pytest.mark.parametrize("beside", [{}, {"delta": {}}, {"delta": None}, {"delta": {"role": "assistant"}}])
def test_a_message_at_the_end_of_a_stream_repeats_its_deltas(said: list[Any], beside: dict[str, Any]) -> None:
    repeated = {"content": "" if said and "message" in said[0]["choices"][0] else "Four"}
    end = {"choices": [{"index": 0, "message": repeated, "finish_reason": "stop", **beside}], **USED}
    translator = OpenAITranslator()
    seen = [event for one in events(*said, end) for event in translator.read_events([one])]
    assert "".join(event.text for event in seen if isinstance(event, TextDelta)) == "Four"


@pytest.mark.parametrize("model", [5, None, [], {"name": "m"}])
def test_what_the_model_is_called_spoils_no_answer(model: Any) -> None:
    openai, anthropic = OpenAITranslator(), AnthropicTranslator()
    choice = {"message": {"content": "Four."}, "finish_reason": "stop"}
    list(openai.read_document({"model": model, "choices": [choice]}))
    list(anthropic.read_document({"model": model, "content": [], "stop_reason": "end_turn"}))
    assert openai.finished().upstream_model == anthropic.finished().upstream_model == ""


@pytest.mark.parametrize("index", [0, 0.0, "0"])
def test_an_index_is_read_as_it_is_meant(index: Any) -> None:
    pieces = [tool_piece("a", '{"b"', index=index, id="1"), tool_piece(None, ":1}", index=index)]
    assert openai_events(*pieces) == [ToolCallDelta(0, "1", "a", '{"b":1}')]


@pytest.mark.parametrize(
    ("entry", "right"),
    [
        ({"token": "a", "logprob": -0.5}, True),
        ({"token": "a", "logprob": 1e-7}, True),
        ({"token": "a", "logprob": 0.5}, False),
        ({"token": "a", "logprob": True}, False),
        ({"token": None, "logprob": -0.5}, False),
        ({"token": "a", "logprob": -0.5, "top_logprobs": [{"token": None, "logprob": -0.5}]}, False),
    ],
)
def test_a_logprob_is_at_most_zero_and_of_a_token(entry: Any, right: bool) -> None:
    said = chunk({"content": "a"}, logprobs={"content": [entry]})
    if not right:
        with pytest.raises(UpstreamProtocolError):
            openai_events(said)
        return
    (delta,) = openai_events(said)
    assert isinstance(delta, TextDelta)
    assert delta.logprobs[0].logprob <= 0
