"""What a provider wants back survives clients that speak another provider's API."""

from __future__ import annotations

from typing import Any

import pytest
from frontdesk_server.domain.provider import ProviderBlock, ProviderState
from frontdesk_server.domain.query import Message, ProviderPart, Query, ReasoningPart, Role, TextPart, ToolCall
from frontdesk_server.faces.anthropic.request import read_messages_request
from frontdesk_server.faces.anthropic.response import content_of
from frontdesk_server.faces.openai.request import read_chat_request
from frontdesk_server.faces.openai.response import message_of
from frontdesk_server.faces.openai.responses_request import read_responses_request
from frontdesk_server.faces.openai.responses_response import output_of

STATE = ProviderState("gemini", '{"extra_content":{"google":{"thought_signature":"abc"}}}')
ANSWERS = {
    "a call's state": (ToolCall("c1", "look", '{"a":1}', provider_state=(STATE,)),),
    "signed reasoning of Anthropic": (ReasoningPart("hm", "sig", "", "anthropic"), TextPart("yo")),
    "signed reasoning of another": (ReasoningPart("hm", "sig", "", "vertex_claude"), TextPart("yo")),
    "sealed reasoning": (ReasoningPart("", "", "data", "bedrock"), TextPart("yo")),
    "a block": (TextPart("yo"), ProviderPart(ProviderBlock("mistral", '{"type":"reference"}'))),
}


def through_chat(answer: Message) -> Query:
    messages = [{"role": "user", "content": "hi"}, message_of(answer), {"role": "user", "content": "and?"}]
    return read_chat_request({"model": "default", "messages": _settled(messages)}, {}).decoded()[0]


def _settled(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With a result for every call."""
    calls = messages[1].get("tool_calls") or ()
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in calls]
    return [*messages[:2], *results, *messages[2:]]


def through_messages(answer: Message) -> Query:
    content = content_of(answer)
    called = [block["id"] for block in content if block["type"] == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": one, "content": "ok"} for one in called]
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": [*results, {"type": "text", "text": "and?"}]},
    ]
    body = {"model": "default", "max_tokens": 9, "messages": messages}
    return read_messages_request(body, {}).decoded()[0]


def through_responses(answer: Message) -> Query:
    output = output_of(answer, (), "KEY")
    called = [item["call_id"] for item in output if item["type"] == "function_call"]
    results = [{"type": "function_call_output", "call_id": one, "output": "ok"} for one in called]
    items = [{"role": "user", "content": "hi"}, *output, *results, {"role": "user", "content": "and?"}]
    return read_responses_request({"model": "default", "input": items}, {}).decoded()[0]


def told(message: Message) -> set[Any]:
    """What of a message its provider wants back, wherever in it that stands."""
    found: set[Any] = {(state.dialect, state.json) for state in message.provider_state}
    for part in message.parts:
        if isinstance(part, ToolCall):
            found |= {(part.id, state.dialect, state.json) for state in part.provider_state}
        elif isinstance(part, ReasoningPart):
            found.add((part.text, part.signature, part.redacted_data, part.dialect))
        elif isinstance(part, ProviderPart):
            found.add(part.block)
    return found


@pytest.mark.parametrize("through", [through_chat, through_messages, through_responses])
@pytest.mark.parametrize("name", ANSWERS)
def test_it_comes_back_with_the_conversation(name: str, through: Any) -> None:
    answer = Message(Role.ASSISTANT, ANSWERS[name])
    back = next(message for message in through(answer).messages if message.role is Role.ASSISTANT)
    assert told(back) == told(answer)
    assert back.text == answer.text
