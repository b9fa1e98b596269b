"""What is known of an OpenAI-compatible API, and what the configuration says instead."""

from __future__ import annotations

from typing import Any

import pytest
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.backends.profiles import profile_of
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.query import (
    Message,
    Query,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
    ToolResult,
    text_query,
)

LOOP = Query(
    (
        Message(Role.USER, (TextPart("Weather?"),)),
        Message(
            Role.ASSISTANT,
            (ReasoningPart("Hm."), ReasoningPart("Hm!", "signed"), ToolCall("functions.get_weather:0", "get_weather")),
        ),
        Message(Role.TOOL, (ToolResult("functions.get_weather:0", "rain"),)),
    )
)


def body_of(query: Query = LOOP, *, stream: bool = False, **settings: Any) -> dict[str, Any]:
    config = {"kind": "openai", "base_url": "http://127.0.0.1/v1", **settings}
    profile = profile_of(OpenAIBackendConfig.model_validate(config), "m")
    return chat_completion_body(BackendCall("m", query, stream, profile=profile))


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "reasoning_content"),
        ({"base_url": "https://api.deepseek.com/v1"}, "reasoning_content"),
        ({"base_url": "https://api.groq.com/openai/v1"}, "reasoning"),
        ({"base_url": "https://api.cerebras.ai/v1"}, "reasoning"),
        ({"base_url": "https://openrouter.ai/api/v1"}, "reasoning"),
        ({"base_url": "https://api.mistral.ai/v1"}, None),
        ({"base_url": "https://api.openai.com/v1"}, None),
        ({"base_url": "https://x.openai.azure.com/openai/deployments/d?api-version=1"}, None),
        ({"provider": "groq"}, "reasoning"),
        ({"provider": "mistral_ai"}, None),
        ({"provider": "openai"}, None),
        ({"provider": "azure.ai.openai"}, None),
        ({"reasoning_field": "reasoning"}, "reasoning"),
        ({"reasoning_field": "none"}, None),
        ({"base_url": "https://api.groq.com/openai/v1", "reasoning_field": "reasoning_content"}, "reasoning_content"),
    ],
)
def test_reasoning_goes_back_in_the_field_which_the_api_takes(settings: dict[str, Any], field: str | None) -> None:
    assistant = body_of(**settings)["messages"][1]
    beside = {name: value for name, value in assistant.items() if name not in ("role", "content", "tool_calls")}
    assert beside == ({} if field is None else {field: "Hm."})


@pytest.mark.parametrize(
    ("settings", "length"),
    [
        ({}, None),
        ({"base_url": "https://api.openai.com/v1"}, None),
        ({"provider": "mistral_ai"}, 9),
        ({"tool_call_ids": "nine_alphanumeric"}, 9),
        ({"provider": "mistral_ai", "tool_call_ids": "any"}, None),
    ],
)
def test_ids_of_calls_are_replaced_where_the_api_refuses_them(settings: dict[str, Any], length: int | None) -> None:
    messages = body_of(**settings)["messages"]
    sent = messages[1]["tool_calls"][0]["id"]
    assert messages[2]["tool_call_id"] == sent
    assert sent == "functions.get_weather:0" if length is None else (sent.isalnum() and len(sent) == length)


def test_an_id_longer_than_openai_takes_is_replaced() -> None:
    long = Query((Message(Role.ASSISTANT, (ToolCall("i" * 41, "f"),)), Message(Role.TOOL, (ToolResult("i" * 41, ""),))))
    call, result = body_of(long, base_url="https://api.openai.com/v1")["messages"]
    assert call["tool_calls"][0]["id"] == result["tool_call_id"] != "i" * 41


def test_usage_of_streams_is_not_asked_for_where_the_api_refuses_it() -> None:
    assert "stream_options" in body_of(text_query("Hi"), stream=True)
    assert "stream_options" not in body_of(text_query("Hi"), stream=True, stream_options=False)
