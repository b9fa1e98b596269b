"""Calls of an upstream's own kinds of tools in chat completions: whole to the caller, and back as they came."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.events import Finished
from frontdesk_server.domain.provider import ProviderBlock
from frontdesk_server.domain.query import Message, ProviderPart, Query, Role, TextPart, ToolCall, ToolResult, text_query
from frontdesk_server.domain.usage import FinishReason

from tests.profiles import COMPATIBLE
from tests.unit.backends.test_blocks import answered

Json = dict[str, Any]

CUSTOM: Json = {"id": "a", "type": "custom", "custom": {"name": "code", "input": "print(1)"}}
FUNCTION: Json = {"id": "b", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PIECES: list[Json] = [
    {"index": 0, "id": "a", "type": "custom", "custom": {"name": "code", "input": ""}},
    {"index": 0, "custom": {"input": "print"}},
    {"index": 1, **FUNCTION},
    {"index": 0, "custom": {"input": "(1)"}},
]
LATER: Json = {"id": "c", "type": "plan", "plan": {"steps": [1]}}


def _read(calls: list[Json], *, stream: bool, end: str = "tool_calls") -> tuple[Message, Finished]:
    translator = OpenAITranslator()
    if stream:
        choices: list[Json] = [{"index": 0, "delta": {"tool_calls": [call]}} for call in calls]
        choices.append({"index": 0, "delta": {}, "finish_reason": end})
        sent = [SseEvent("", orjson.dumps({"choices": [choice]}).decode()) for choice in choices]
        events = list(translator.read_events(sent))
    else:
        message = {"role": "assistant", "content": None, "tool_calls": calls}
        events = list(translator.read_document({"choices": [{"message": message, "finish_reason": end}]}))
    return answered(events), translator.finished()


def _sent(*messages: Message, provider: str = "openai") -> list[Json]:
    query = Query((*text_query("Go.").messages, *messages))
    call = BackendCall("m", query, stream=False, dialects=frozenset({"openai"}), provider=provider, profile=COMPATIBLE)
    sent: list[Json] = chat_completion_body(call)["messages"][1:]
    return sent


@pytest.mark.parametrize(
    ("calls", "stream", "expected"),
    [
        ([CUSTOM], False, [CUSTOM]),
        ([CUSTOM, FUNCTION], False, [CUSTOM, FUNCTION]),
        (PIECES, True, [CUSTOM, FUNCTION]),
        ([LATER], False, [LATER]),
        ([{"index": 0, **LATER}], True, [LATER]),
    ],
)
def test_a_call_that_is_no_functions_goes_back_as_it_came(
    calls: list[Json], expected: list[Json], *, stream: bool
) -> None:
    answer, end = _read(calls, stream=stream)
    assert end.finish_reason is FinishReason.TOOL_CALLS
    (message,) = [item for item in _sent(answer) if item["role"] == "assistant"]
    assert message["content"] is None
    assert sorted(message["tool_calls"], key=str) == sorted(expected, key=str)


def test_its_output_is_a_block_too() -> None:
    answer, _ = _read([CUSTOM], stream=False)
    output: Json = {"role": "tool", "tool_call_id": "a", "content": "1"}
    block = ProviderPart(ProviderBlock("openai", orjson.dumps(output).decode()))
    assert _sent(answer, Message(Role.TOOL, (block,)))[1:] == [output]


def test_it_is_for_its_own_provider_alone() -> None:
    answer, _ = _read([CUSTOM], stream=False)
    said = replace(answer, parts=(TextPart("I will."), *answer.parts, ToolCall("b", "f")))
    (message, _) = _sent(said, Message(Role.TOOL, (ToolResult("b", "1"),)), provider="groq")
    assert message == {"role": "assistant", "content": "I will.", "tool_calls": [FUNCTION]}


def test_an_answer_that_only_calls_such_a_tool_is_one_whatever_ends_it() -> None:
    assert _read([CUSTOM], stream=False, end="stop")[1].finish_reason is FinishReason.STOP
    assert _read([CUSTOM], stream=True, end="length")[1].finish_reason is FinishReason.LENGTH
