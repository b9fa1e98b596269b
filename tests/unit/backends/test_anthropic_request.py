"""Queries as Anthropic request bodies."""

from __future__ import annotations

from typing import Any

import pytest
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.query import (
    ContentPart,
    GenerationConfig,
    JsonObjectFormat,
    JsonSchemaFormat,
    MediaPart,
    Message,
    Query,
    ReasoningEffort,
    ReasoningPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolChoiceMode,
    ToolResult,
    text_query,
)


def body_of(query: Query, *, stream: bool = False) -> dict[str, Any]:
    return messages_body(BackendCall("m", query, stream), 4096)


def message(role: Role, *parts: ContentPart) -> Message:
    return Message(role, parts)


def test_a_plain_query_has_the_limit_which_the_api_demands() -> None:
    assert body_of(text_query("Hi"), stream=True) == {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "max_tokens": 4096,
        "stream": True,
    }


def test_system_messages_become_the_system_prompt_wherever_they_stand() -> None:
    body = body_of(
        Query(
            (
                message(Role.SYSTEM, TextPart("Be brief.")),
                message(Role.USER, TextPart("Hi")),
                message(Role.SYSTEM, TextPart("Be kind.")),
            )
        )
    )
    assert body["system"] == "Be brief.\n\nBe kind."
    assert [turn["role"] for turn in body["messages"]] == ["user"]


def test_a_tool_loop_keeps_signed_reasoning_and_joins_results_in_one_turn() -> None:
    body = body_of(
        Query(
            (
                message(Role.USER, TextPart("2 + 2?")),
                message(
                    Role.ASSISTANT,
                    ReasoningPart("Hm.", "signed"),
                    ReasoningPart(redacted_data="secret"),
                    ReasoningPart("another provider's"),
                    TextPart(""),
                    ToolCall("1", "add", '{"a": 2}'),
                    ToolCall("2", "now", ""),
                ),
                message(Role.TOOL, ToolResult("1", "4")),
                message(Role.TOOL, ToolResult("2", "broken", is_error=True)),
                message(Role.USER, TextPart("Go on.")),
            )
        )
    )
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "signed"},
                {"type": "redacted_thinking", "data": "secret"},
                {"type": "tool_use", "id": "1", "name": "add", "input": {"a": 2}},
                {"type": "tool_use", "id": "2", "name": "now", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "1", "content": "4"},
                {"type": "tool_result", "tool_use_id": "2", "content": "broken", "is_error": True},
                {"type": "text", "text": "Go on."},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            MediaPart("image/png", data=b"\x00"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
        ),
        (
            MediaPart("image/png", uri="https://example.com/a.png"),
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        ),
        (
            MediaPart("application/pdf", data=b"\x00"),
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}},
        ),
        (
            MediaPart("text/plain", data="Grüße".encode()),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"}},
        ),
    ],
)
def test_media(part: MediaPart, expected: dict[str, Any]) -> None:
    assert body_of(Query((message(Role.USER, part),)))["messages"][0]["content"] == [expected]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(ToolChoiceMode.AUTO), {"type": "auto"}),
        (ToolChoice(ToolChoiceMode.NONE), {"type": "none"}),
        (ToolChoice(ToolChoiceMode.REQUIRED), {"type": "any"}),
        (ToolChoice(tool_name="add"), {"type": "tool", "name": "add"}),
    ],
)
def test_tools_and_tool_choice(choice: ToolChoice, expected: Any) -> None:
    tools = (Tool("add", "Adds.", '{"properties": {}}'), Tool("now", strict=True))
    body = body_of(Query((message(Role.USER, TextPart("Hi")),), tools, choice))
    assert body["tool_choice"] == expected
    assert body["tools"] == [
        {"name": "add", "description": "Adds.", "input_schema": {"type": "object", "properties": {}}},
        {"name": "now", "input_schema": {"type": "object"}, "strict": True},
    ]


@pytest.mark.parametrize(
    ("generation", "expected"),
    [
        (GenerationConfig(max_output_tokens=5), {"max_tokens": 5}),
        (GenerationConfig(temperature=0.0, top_p=0.5), {"max_tokens": 4096, "temperature": 0.0, "top_p": 0.5}),
        (GenerationConfig(stop_sequences=("a",)), {"max_tokens": 4096, "stop_sequences": ["a"]}),
        (
            GenerationConfig(response_format=JsonSchemaFormat("s", '{"type": "object"}')),
            {
                "max_tokens": 4096,
                "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
            },
        ),
        (
            GenerationConfig(reasoning_effort=ReasoningEffort.HIGH),
            {"max_tokens": 4096 + 16384, "thinking": {"type": "enabled", "budget_tokens": 16384}},
        ),
        (
            GenerationConfig(reasoning_effort=ReasoningEffort.HIGH, max_output_tokens=8000),
            {"max_tokens": 8000, "thinking": {"type": "enabled", "budget_tokens": 4000}},
        ),
        (
            GenerationConfig(reasoning_effort=ReasoningEffort.LOW, max_output_tokens=1025),
            {"max_tokens": 1025, "thinking": {"type": "enabled", "budget_tokens": 1024}},
        ),
    ],
)
def test_generation_settings(generation: GenerationConfig, expected: dict[str, Any]) -> None:
    body = body_of(text_query("Hi", generation))
    assert {name: value for name, value in body.items() if name not in ("model", "messages")} == expected


@pytest.mark.parametrize(
    "generation",
    [
        GenerationConfig(seed=1),
        GenerationConfig(frequency_penalty=0.5),
        GenerationConfig(logprobs=True),
        GenerationConfig(response_format=JsonObjectFormat()),
        GenerationConfig(reasoning_effort=ReasoningEffort.LOW, max_output_tokens=1024),
    ],
)
def test_what_the_api_cannot_express_is_refused_and_not_dropped(generation: GenerationConfig) -> None:
    with pytest.raises(UpstreamRequestRefused):
        body_of(text_query("Hi", generation))


def test_sound_is_refused() -> None:
    with pytest.raises(UpstreamRequestRefused, match="audio/wav"):
        body_of(Query((message(Role.USER, MediaPart("audio/wav", data=b"\x00")),)))
