"""Tool calls told apart and made whole, whatever ids, numbers and arguments an upstream gives them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from frontdesk_server.backends.anthropic_response import AnthropicTranslator
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.events import BackendEvent, ReasoningDelta, TextDelta, ToolCallDelta
from frontdesk_server.domain.query import ToolCall
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.execution.answer_fold import AnswerFold


def calls_of(events: Iterable[BackendEvent]) -> list[ToolCall]:
    """The calls of an answer, whose deltas alone must say the same, without anything that the collector adds."""
    collector = AnswerFold()
    arguments: dict[int, str] = {}
    for event in events:
        if isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta):
            collector.add(event)
        if isinstance(event, ToolCallDelta):
            arguments[event.index] = arguments.get(event.index, "") + event.arguments_json
    parts = collector.answer(FinishReason.TOOL_CALLS, Usage()).message.parts
    calls = [part for part in parts if isinstance(part, ToolCall)]
    assert [call.arguments_json for call in calls] == [arguments[index] for index in sorted(arguments)]
    return calls


def sse(documents: Iterable[Any]) -> list[SseEvent]:
    return [SseEvent("", json.dumps(document)) for document in documents]


def openai_stream(*pieces: Any) -> list[ToolCall]:
    """Each piece is a tool call of one delta, or a list of several."""
    deltas = [{"tool_calls": piece if isinstance(piece, list) else [piece]} for piece in pieces]
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    translator = OpenAITranslator()
    return calls_of(event for chunk in sse(chunks) for event in translator.read_events([chunk]))


def openai_unary(*calls: Any) -> list[ToolCall]:
    choice = {"index": 0, "message": {"tool_calls": list(calls)}, "finish_reason": "tool_calls"}
    return calls_of(OpenAITranslator().read_document({"choices": [choice]}))


def anthropic_stream(*blocks: Any, stops: bool = True) -> list[ToolCall]:
    """Each block is its beginning, and the pieces of its input."""
    said: list[Any] = []
    for index, (block, *pieces) in enumerate(blocks):
        said.append({"type": "content_block_start", "index": index, "content_block": {"type": "tool_use", **block}})
        for piece in pieces:
            delta = {"type": "input_json_delta", "partial_json": piece}
            said.append({"type": "content_block_delta", "index": index, "delta": delta})
        if stops:
            said.append({"type": "content_block_stop", "index": index})
    said.append({"type": "message_delta", "delta": {"stop_reason": "tool_use"}})
    translator = AnthropicTranslator()
    return calls_of(event for one in sse(said) for event in translator.read_events([one]))


def anthropic_unary(*blocks: Any) -> list[ToolCall]:
    content = [{"type": "tool_use", **block} for block in blocks]
    return calls_of(AnthropicTranslator().read_document({"content": content, "stop_reason": "tool_use"}))


def called(name: str | None, arguments: Any, **more: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}, **more}


ONE, TWO = '{"c":1}', '{"c":2}'
BOTH = [("w", ONE), ("w", TWO)]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        pytest.param(openai_stream(called("w", ONE, index=0), called("w", TWO, index=0)), BOTH, id="no ids"),
        pytest.param(
            openai_stream(called("w", ONE, index=0, id=""), called("w", TWO, index=0, id="")), BOTH, id="empty ids"
        ),
        pytest.param(
            openai_stream(called("w", ONE, index=0, id="a"), called("w", TWO, index=0, id="a")), BOTH, id="one id"
        ),
        pytest.param(
            openai_stream([called("w", ONE, index=0, id="a"), called("w", TWO, index=0, id="a")]),
            BOTH,
            id="one id, in one delta",
        ),
        pytest.param(openai_stream([called("w", ONE, index=0), called("w", TWO, index=0)]), BOTH, id="in one delta"),
        pytest.param(openai_stream(called("w", ONE), called("w", TWO)), BOTH, id="no indices"),
        pytest.param(openai_stream(called("w", {"c": 1}, index=0), called("w", {"c": 2}, index=0)), BOTH, id="objects"),
        pytest.param(openai_stream(called("w", ONE, index=0), called("w", ONE, index=0)), [BOTH[0]] * 2, id="equal"),
        pytest.param(
            openai_stream(
                called("w", '{"c":', index=0),
                called(None, "1}", index=0),
                called("w", "", index=0),
                called(None, ' {"c"', index=0),
                called(None, ":2}", index=0),
            ),
            [("w", ONE), ("w", ' {"c":2}')],
            id="in pieces, behind a header of its own",
        ),
        pytest.param(
            openai_stream(*(called("w", piece, index=0) for piece in ("", '{"c":', '{"d":1}', "}", ""))),
            [("w", '{"c":{"d":1}}')],
            id="one call that says its name in every piece",
        ),
    ],
)
def test_a_whole_object_under_a_repeated_header_is_a_call_of_its_own(
    calls: list[ToolCall], expected: list[tuple[str, str]]
) -> None:
    assert [(call.name, call.arguments_json) for call in calls] == expected
    assert len({call.id for call in calls}) == len(calls)


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param(openai_unary(called("w", ONE, id="a"), called("w", TWO, id="a")), id="OpenAI, unary"),
        pytest.param(
            openai_stream(
                called("w", "", index=0, id="a"),
                called(None, ONE, index=0),
                called("w", "", index=1, id="a"),
                called(None, TWO, index=1),
            ),
            id="OpenAI, streamed",
        ),
        pytest.param(
            anthropic_unary({"id": "a", "name": "w", "input": {"c": 1}}, {"id": "a", "name": "w", "input": {"c": 2}}),
            id="Anthropic, unary",
        ),
        pytest.param(
            anthropic_stream(({"id": "a", "name": "w", "input": {}}, ONE), ({"id": "a", "name": "w"}, TWO)),
            id="Anthropic, streamed",
        ),
    ],
)
def test_an_id_given_twice_is_replaced_the_second_time(calls: list[ToolCall]) -> None:
    assert [call.arguments_json for call in calls] == [ONE, TWO]
    first, second = (call.id for call in calls)
    assert first == "a"
    assert second not in ("", "a")


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        pytest.param(openai_stream(called("w", "", index=0)), "{}", id="OpenAI, streamed, empty"),
        pytest.param(openai_stream(called("w", None, index=0)), "{}", id="OpenAI, streamed, null"),
        pytest.param(openai_stream({"index": 0, "function": {"name": "w"}}), "{}", id="OpenAI, streamed, missing"),
        pytest.param(openai_unary(called("w", "")), "{}", id="OpenAI, unary, empty"),
        pytest.param(openai_unary({"function": {"name": "w"}}), "{}", id="OpenAI, unary, missing"),
        pytest.param(anthropic_stream(({"id": "a", "name": "w", "input": {}},)), "{}", id="Anthropic, no pieces"),
        pytest.param(
            anthropic_stream(({"id": "a", "name": "w", "input": {}},), stops=False), "{}", id="Anthropic, no stop"
        ),
        pytest.param(
            anthropic_stream(({"id": "a", "name": "w", "input": {"c": 1}},)), ONE, id="Anthropic, all at the start"
        ),
        pytest.param(
            anthropic_stream(({"id": "a", "name": "w", "input": {"c": 1}}, '{"c"', ":1}")),
            ONE,
            id="Anthropic, at the start and in pieces",
        ),
        pytest.param(
            anthropic_stream(({"id": "a", "name": "w", "input": {"c": 1}}, "")), ONE, id="Anthropic, an empty piece"
        ),
    ],
)
def test_a_call_has_its_arguments_once_and_an_empty_object_for_none(calls: list[ToolCall], expected: str) -> None:
    assert [call.arguments_json for call in calls] == [expected]
