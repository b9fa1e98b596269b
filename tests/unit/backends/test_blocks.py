"""The blocks of an answer: kept apart, in order and unchanged, on the way to the caller and back to the provider."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.backends.anthropic_response import AnthropicTranslator
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.events import BackendEvent, Finished, UsageReport
from frontdesk_server.domain.model import Timeouts
from frontdesk_server.domain.provider import ProviderBlock
from frontdesk_server.domain.query import (
    ContentPart,
    Message,
    ProviderPart,
    Query,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
)
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.execution.answer_fold import AnswerFold
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.blocks import cut, parts_of_an_answer

Json = dict[str, Any]


def sse(*documents: Json) -> list[SseEvent]:
    return [SseEvent("", orjson.dumps(document).decode()) for document in documents]


def of_anthropic(parts: Sequence[ContentPart]) -> tuple[ContentPart, ...]:
    """Anthropic tells refusals by the stop reason alone, and binds its signatures to itself."""
    return tuple(map(_of_anthropic, parts))


def _of_anthropic(part: ContentPart) -> ContentPart:
    part = replace(part, provider_state=())
    match part:
        case TextPart(text):
            return TextPart(text)
        case ReasoningPart() if part.signed:
            return replace(part, dialect="anthropic")
        case ProviderPart():
            return ProviderPart(ProviderBlock("anthropic", '{"type":"web_search_tool_result"}'))
    return part


def answered(seen: Iterable[BackendEvent]) -> Message:
    collector = AnswerFold()
    for event in seen:
        if not isinstance(event, UsageReport | Finished):
            collector.add(event)
    return collector.answer(FinishReason.STOP, Usage()).message


def block_of(part: ContentPart) -> Json:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text}
        case ToolCall(id, name, arguments):
            return {"type": "tool_use", "id": id, "name": name, "input": orjson.loads(arguments)}
        case ReasoningPart(redacted_data=data) if data:
            return {"type": "redacted_thinking", "data": data}
        case ReasoningPart(text, signature):
            return {"type": "thinking", "thinking": text, "signature": signature}
        case ProviderPart(block):
            return dict(orjson.loads(block.json))
    raise AssertionError(part)


@st.composite
def streamed(draw: st.DrawFn, parts: Sequence[ContentPart]) -> list[Json]:
    """The events of these blocks, their deltas cut anywhere; some servers give every block the same number."""
    renumbered = draw(st.booleans())
    events: list[Json] = []
    for place, part in enumerate(parts):
        index = 0 if renumbered else place
        deltas: list[Json] = []
        block = block_of(part)
        match block["type"]:
            case "text":
                deltas = [{"type": "text_delta", "text": piece} for piece in draw(cut(block["text"]))]
                block = {"type": "text", "text": ""}
            case "thinking":
                deltas = [{"type": "thinking_delta", "thinking": piece} for piece in draw(cut(block["thinking"]))]
                deltas += [{"type": "signature_delta", "signature": piece} for piece in draw(cut(block["signature"]))]
                block = {"type": "thinking", "thinking": "", "signature": ""}
            case "tool_use":
                arguments = orjson.dumps(block["input"]).decode()
                deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in draw(cut(arguments))]
                block |= {"input": {}}
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
        events.append({"type": "content_block_stop", "index": index})
    return events


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_an_anthropic_answer_has_one_part_a_block_however_it_is_cut_and_read(data: st.DataObject) -> None:
    parts = data.draw(parts_of_an_answer().map(of_anthropic))
    documents = data.draw(streamed(parts))
    translator = AnthropicTranslator()
    seen: list[BackendEvent] = []
    while documents:
        read = data.draw(st.integers(1, len(documents)))
        seen += translator.read_events(sse(*documents[:read]))
        del documents[:read]
    assert answered(seen).parts == parts
    whole = AnthropicTranslator().read_document({"content": [*map(block_of, parts)], "stop_reason": "end_turn"})
    assert answered(whole).parts == parts


INTERLEAVED: list[Json] = [
    {"type": "thinking", "thinking": "Two cities.", "signature": "c2lnLTE="},
    {"type": "redacted_thinking", "data": "c2VhbGVk"},
    {"type": "redacted_thinking", "data": "c2VhbGVkLTI="},
    {"type": "thinking", "thinking": "Köln first.", "signature": "c2lnLTI="},
    {"type": "text", "text": "I look "},
    {"type": "text", "text": "both up."},
    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Köln"}},
    {"type": "thinking", "thinking": "", "signature": "c2lnLTM="},
    {"type": "text", "text": "And the other."},
    {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {}},
]


def test_blocks_fed_back_to_anthropic_are_those_that_came() -> None:
    answer = answered(AnthropicTranslator().read_document({"content": INTERLEAVED, "stop_reason": "tool_use"}))
    asked = Message(Role.USER, (TextPart("Weather?"),))
    call = BackendCall("claude", Query((asked, answer)), False, Timeouts(), provider="anthropic")
    assert messages_body(call, 1024)["messages"][1] == {"role": "assistant", "content": INTERLEAVED}


def delta(**content: object) -> Json:
    return {"choices": [{"index": 0, "delta": content}]}


def call_piece(index: int, arguments: str, **piece: object) -> Json:
    function = {"name": piece.pop("name", None), "arguments": arguments}
    return delta(tool_calls=[{"index": index, "function": function, **piece}])


@pytest.mark.parametrize("together", [True, False], ids=["one read", "a read each"])
def test_an_openai_answer_begins_a_part_where_the_kind_changes(together: bool) -> None:
    documents = [
        delta(reasoning_content="Two "),
        delta(reasoning_content="cities.", content=""),
        delta(content="Both "),
        delta(content="at once."),
        call_piece(0, "{", id="a", name="weather"),
        call_piece(1, "{", id="b", name="time"),
        call_piece(0, "}"),
        call_piece(1, "}"),
        delta(reasoning_content="Done?"),
        delta(content="Wait."),
    ]
    translator = OpenAITranslator()
    reads = [documents] if together else [[document] for document in documents]
    seen = [event for read in reads for event in translator.read_events(sse(*read))]
    assert answered(seen).parts == (
        ReasoningPart("Two cities."),
        TextPart("Both at once."),
        ToolCall("a", "weather", "{}"),
        ToolCall("b", "time", "{}"),
        ReasoningPart("Done?"),
        TextPart("Wait."),
    )
