"""Whole numbers beyond 64 bits are the same on every way: arguments, blocks, schemas, options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.backends.anthropic_response import AnthropicTranslator
from frontdesk_server.backends.bedrock_request import converse_body
from frontdesk_server.backends.bedrock_response import BedrockTranslator
from frontdesk_server.backends.exchange import Translator
from frontdesk_server.backends.json_reading import json_bytes, json_value
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.backends.responses_request import response_body
from frontdesk_server.backends.responses_response import ResponsesTranslator
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.provider import ProviderOptions
from frontdesk_server.domain.query import Query, Tool, text_query
from frontdesk_server.domain.settings import without

from tests.profiles import ANTHROPIC, BEDROCK_CLAUDE, COMPATIBLE, RESPONSES
from tests.unit.backends.test_blocks import answered
from tests.unit.backends.test_provider_state import after

Json = dict[str, Any]
Build = Callable[[BackendCall], Json]

LONG = 123456789012345678901234567890
TEXT = f'{{"wei":{LONG},"less":-{LONG}}}'


def _anthropic(call: BackendCall) -> Json:
    return messages_body(call, 4096)


def _bedrock(call: BackendCall) -> Json:
    return converse_body(call, "claude")


DIALECTS: dict[str, tuple[Build, Profile]] = {
    "openai": (chat_completion_body, COMPATIBLE),
    "openai_responses": (response_body, RESPONSES),
    "anthropic": (_anthropic, ANTHROPIC),
    "bedrock": (_bedrock, BEDROCK_CLAUDE),
}


def _sent(dialect: str, query: Query) -> str:
    build, profile = DIALECTS[dialect]
    names = frozenset({dialect})
    call = BackendCall("m", query, stream=False, dialects=names, provider=dialect, profile=profile)
    return json_bytes(build(call)).decode()


ANSWERS: list[tuple[str, Callable[[], Translator], str, str]] = [
    (
        "anthropic",
        AnthropicTranslator,
        f'{{"content":[{{"type":"tool_use","id":"t","name":"f","input":{TEXT}}}],"stop_reason":"tool_use"}}',
        f'"input":{TEXT}',
    ),
    (
        "anthropic",
        AnthropicTranslator,
        f'{{"content":[{{"type":"server_tool_use","id":"s","name":"f","input":{TEXT}}}],"stop_reason":"end_turn"}}',
        f'"input":{TEXT}',
    ),
    (
        "bedrock",
        lambda: BedrockTranslator("m"),
        f'{{"output":{{"message":{{"content":[{{"toolUse":{{"toolUseId":"t","name":"f","input":{TEXT}}}}}]}}}},'
        '"stopReason":"tool_use"}',
        f'"input":{TEXT}',
    ),
    (
        "openai",
        OpenAITranslator,
        f'{{"choices":[{{"message":{{"content":"a","extra_content":{TEXT}}},"finish_reason":"stop"}}]}}',
        f'"extra_content":{TEXT}',
    ),
    (
        "openai_responses",
        ResponsesTranslator,
        f'{{"status":"completed","output":[{{"type":"some_call","id":"s","input":{TEXT}}}]}}',
        f'"input":{TEXT}',
    ),
]


@pytest.mark.parametrize(("dialect", "translator", "document", "expected"), ANSWERS)
def test_what_an_answer_holds_goes_back_digit_by_digit(
    dialect: str, translator: Callable[[], Translator], document: str, expected: str
) -> None:
    answer = answered(list(translator().read_document(json_value(document))))
    assert expected in _sent(dialect, after(answer))


@pytest.mark.parametrize("kind", ["tool_use", "server_tool_use"])
def test_what_came_in_pieces_goes_back_digit_by_digit(kind: str) -> None:
    documents: list[Json] = [
        {"type": "message_start", "message": {}},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": kind, "id": "t", "name": "f", "input": {}},
        },
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}}
            for piece in (TEXT[:12], TEXT[12:])
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
    ]
    events = [SseEvent("", json_bytes(document).decode()) for document in documents]
    answer = answered(list(AnthropicTranslator().read_events(events)))
    assert f'"input":{TEXT}' in _sent("anthropic", after(answer))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_schemas_and_options_are_sent_digit_by_digit(dialect: str) -> None:
    schema = f'{{"type":"object","properties":{{"a":{{"maximum":{LONG}}}}}}}'
    options = (ProviderOptions(dialect, f'{{"made_up":{TEXT},"left":1}}'),)
    query = Query(text_query("Hi").messages, (Tool("f", parameters_json=schema),), provider_options=options)
    for asked in (query, without(query, f"provider_options {dialect}.left")):
        sent = _sent(dialect, asked)
        assert f'"maximum":{LONG}' in sent
        assert f'"made_up":{TEXT}' in sent
