"""Queries as the bodies of Responses requests: every setting in its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from frontdesk_server.backends.responses_request import response_body
from frontdesk_server.domain.adjusting import own_question
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.provider import ProviderBlock, ProviderOptions
from frontdesk_server.domain.query import (
    GenerationConfig,
    ImageDetail,
    JsonObjectFormat,
    JsonSchemaFormat,
    MediaPart,
    Message,
    Query,
    ReasoningEffort,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolChoiceMode,
    ToolResult,
    text_query,
)

from tests.profiles import RESPONSES
from tests.upstream.responses import check

Json = dict[str, Any]

HI = text_query("hi")
SCHEMA = '{"type":"object","properties":{}}'
ADD = Tool("add", "Adds.", SCHEMA)
CUSTOM = Tool("patch", provider_tool=ProviderBlock("openai_responses", '{"type":"custom","name":"patch"}'))
SEARCH = Tool("web", provider_tool=ProviderBlock("openai_responses", '{"type":"web_search"}'))
MCP = ProviderBlock("openai_responses", '{"type":"mcp","server_label":"docs","server_url":"https://a.test"}')


def call(query: Query, **fields: Any) -> BackendCall:
    known: Json = {"profile": RESPONSES, "dialects": frozenset({"openai_responses"}), "provider": "openai_responses"}
    return BackendCall("m", query, False, **known | fields)


def body_of(query: Query, **fields: Any) -> Json:
    body = response_body(call(query, **fields))
    check(body)
    return body


def test_a_plain_question_is_stateless_and_asks_for_sealed_reasoning() -> None:
    assert body_of(HI) == {
        "model": "m",
        "input": [{"role": "user", "content": "hi"}],
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    assert response_body(replace(call(HI), stream=True))["stream"] is True


@pytest.mark.parametrize(
    ("generation", "expected"),
    [
        (GenerationConfig(max_output_tokens=99), {"max_output_tokens": 99}),
        (GenerationConfig(temperature=0.5, top_p=0.9), {"temperature": 0.5, "top_p": 0.9}),
        (GenerationConfig(reasoning_effort=ReasoningEffort.XHIGH), {"reasoning": {"effort": "xhigh"}}),
        (
            GenerationConfig(logprobs=True),
            {"include": ["reasoning.encrypted_content", "message.output_text.logprobs"]},
        ),
        (GenerationConfig(response_format=JsonObjectFormat()), {"text": {"format": {"type": "json_object"}}}),
        (
            GenerationConfig(response_format=JsonSchemaFormat("sum", SCHEMA, "A sum.", strict=True)),
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "sum",
                        "schema": orjson.loads(SCHEMA),
                        "description": "A sum.",
                        "strict": True,
                    }
                }
            },
        ),
    ],
)
def test_a_setting_stands_in_its_place(generation: GenerationConfig, expected: Json) -> None:
    assert body_of(replace(HI, generation=generation)).items() >= expected.items()


def test_a_function_is_strict_only_where_the_caller_says_so() -> None:
    strict = Tool("f", parameters_json='{"type":"object","properties":{},"additionalProperties":false}', strict=True)
    tools = body_of(replace(HI, tools=(ADD, Tool("now"), strict)))["tools"]
    assert tools[0] == {
        "type": "function",
        "name": "add",
        "description": "Adds.",
        "parameters": orjson.loads(SCHEMA),
        "strict": False,
    }
    assert tools[1] == {"type": "function", "name": "now", "parameters": orjson.loads(SCHEMA), "strict": False}
    assert tools[2]["strict"] is True


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(ToolChoiceMode.NONE), "none"),
        (ToolChoice(ToolChoiceMode.REQUIRED), "required"),
        (ToolChoice(tool_name="add"), {"type": "function", "name": "add"}),
        (ToolChoice(tool_name="patch"), {"type": "custom", "name": "patch"}),
        (ToolChoice(tool_name="web"), {"type": "web_search"}),
        (ToolChoice(tool_name="docs"), {"type": "mcp", "server_label": "docs"}),
    ],
)
def test_a_choice_names_a_tool_as_the_api_does(choice: ToolChoice, expected: Any) -> None:
    tools = (ADD, CUSTOM, SEARCH, Tool("docs", provider_tool=MCP))
    generation = GenerationConfig(parallel_tool_calls=False)
    body = body_of(replace(HI, tools=tools, tool_choice=choice, generation=generation))
    assert (body["tool_choice"], body["parallel_tool_calls"]) == (expected, False)


def test_an_end_user_with_too_long_a_name_is_left_out_and_said_to_be() -> None:
    assert body_of(replace(HI, user_id="u" * 64))["safety_identifier"] == "u" * 64
    long = call(replace(HI, user_id="u" * 65))
    assert "safety_identifier" not in response_body(long)
    assert [adjustment.field for adjustment in long.dispatch.adjustments] == ["query.user_id"]


def test_a_cache_key_is_sent_unless_the_caller_says_one() -> None:
    own = (ProviderOptions("openai_responses", '{"prompt_cache_key": "own"}'),)
    assert body_of(HI, cache_key="k")["prompt_cache_key"] == "k"
    assert body_of(replace(HI, provider_options=own), cache_key="k")["prompt_cache_key"] == "own"


def test_the_least_limit_is_an_objection_of_callers_and_raised_for_our_own_questions() -> None:
    short = replace(HI, generation=GenerationConfig(max_output_tokens=1))
    with pytest.raises(UpstreamRequestRefused):
        body_of(short)
    with pytest.raises(UpstreamRequestRefused):
        body_of(HI, max_output_tokens=15)
    assert body_of(own_question(short, RESPONSES))["max_output_tokens"] >= 16


def test_media_are_sent_as_the_api_names_them() -> None:
    parts = (
        TextPart("Look:"),
        MediaPart("image/png", uri="https://a.test/a.png", detail=ImageDetail.LOW),
        MediaPart("application/pdf", b"x", filename="plan.pdf"),
        MediaPart("text/plain", b"x"),
    )
    (item,) = body_of(Query((Message(Role.USER, parts),)))["input"]
    assert item["content"] == [
        {"type": "input_text", "text": "Look:"},
        {"type": "input_image", "image_url": "https://a.test/a.png", "detail": "low"},
        {"type": "input_file", "filename": "plan.pdf", "file_data": "data:application/pdf;base64,eA=="},
        {"type": "input_file", "filename": "document.plain", "file_data": "data:text/plain;base64,eA=="},
    ]
    with pytest.raises(UpstreamRequestRefused):
        body_of(Query((Message(Role.USER, (MediaPart("audio/wav", b"x"),)),)))


def test_words_of_others_are_plain_messages_with_their_names_before_them() -> None:
    query = Query(
        (
            Message(Role.SYSTEM, (TextPart("Be"), TextPart("brief."))),
            Message(Role.USER, (TextPart("hi"),), "Ann"),
            Message(Role.ASSISTANT, (TextPart("No.", refusal=True), TextPart("But hi."))),
            *HI.messages,
        )
    )
    assert body_of(query)["input"] == [
        {"role": "system", "content": "Be\nbrief."},
        {"role": "user", "content": "Ann: hi"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "assistant", "content": "But hi."},
        {"role": "user", "content": "hi"},
    ]


def test_options_stand_where_the_caller_put_them() -> None:
    def at(place: str) -> tuple[ProviderOptions, ...]:
        return (
            ProviderOptions("openai_responses", orjson.dumps({"at": place}).decode()),
            ProviderOptions("openai", '{"never": true}'),
        )

    called = ToolCall("a", "add", "{}", provider_options=at("call"))
    query = Query(
        (
            Message(Role.USER, (TextPart("hi", provider_options=at("part")),), provider_options=at("message")),
            Message(Role.ASSISTANT, (TextPart("Wait.", provider_options=at("answer")), called)),
            Message(Role.TOOL, (ToolResult("a", "1", provider_options=at("result")),)),
        ),
        (replace(ADD, provider_options=at("tool")),),
        provider_options=at("query"),
    )
    body = response_body(call(query))
    said, answer, asked, result = body["input"]
    assert (body["at"], body["tools"][0]["at"], said["at"]) == ("query", "tool", "message")
    assert (said["content"][0]["at"], answer["content"][0]["at"]) == ("part", "answer")
    assert (asked["at"], result["at"]) == ("call", "result")
    assert b"never" not in orjson.dumps(body)
