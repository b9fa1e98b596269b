"""Queries as OpenAI-compatible request bodies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.query import (
    ContentPart,
    GenerationConfig,
    ImageDetail,
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

from tests.profiles import profile_at

OPENAI = Profile(refusals=True)


def body_of(query: Query, *, stream: bool = False, max_tokens_field: str = "max_tokens") -> dict[str, Any]:
    return chat_completion_body(BackendCall("m", query, stream, profile=Profile(output_limit_field=max_tokens_field)))


def messages_of(*messages: Message) -> Any:
    return body_of(Query(messages))["messages"]


def user(*parts: ContentPart) -> Message:
    return Message(Role.USER, parts)


def test_a_plain_query_is_model_and_messages_and_nothing_else() -> None:
    assert body_of(text_query("Hi")) == {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def test_streaming_asks_for_usage() -> None:
    body = body_of(text_query("Hi"), stream=True)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (Message(Role.SYSTEM, (TextPart("Be brief."),)), {"role": "system", "content": "Be brief."}),
        (Message(Role.USER, (TextPart("Hi"),), "ann"), {"role": "user", "content": "Hi", "name": "ann"}),
        (user(TextPart("a"), TextPart("b")), {"role": "user", "content": "a\nb"}),
        (
            user(TextPart("What?"), MediaPart("image/png", data=b"\x00")),
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                ],
            },
        ),
        (
            user(MediaPart("image/png", uri="https://example.com/a.png")),
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}],
            },
        ),
        (
            user(MediaPart("audio/mpeg", data=b"\x00")),
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}}]},
        ),
        (
            user(MediaPart("application/pdf", data=b"\x00")),
            {
                "role": "user",
                "content": [
                    {
                        "type": "file",
                        "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,AA=="},
                    }
                ],
            },
        ),
        (
            user(MediaPart("image/png", uri="https://example.com/a.png", detail=ImageDetail.LOW)),
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}],
            },
        ),
        (
            user(MediaPart("application/pdf", data=b"\x00", filename="plan.pdf")),
            {
                "role": "user",
                "content": [
                    {"type": "file", "file": {"filename": "plan.pdf", "file_data": "data:application/pdf;base64,AA=="}}
                ],
            },
        ),
        (Message(Role.ASSISTANT, (TextPart("Four."),)), {"role": "assistant", "content": "Four."}),
        (Message(Role.ASSISTANT, (TextPart("Fo"), TextPart("ur."))), {"role": "assistant", "content": "Four."}),
        (
            Message(Role.ASSISTANT, (TextPart("I "), TextPart("cannot.", refusal=True))),
            {"role": "assistant", "content": "I cannot."},
        ),
        (
            Message(Role.ASSISTANT, (ReasoningPart("Hm."), ToolCall("1", "add", '{"a": 2}'))),
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2}'}},
                ],
                "reasoning_content": "Hm.",
            },
        ),
        (
            Message(Role.ASSISTANT, (ReasoningPart("Hm.", signature="s"), TextPart("Four."))),
            {"role": "assistant", "content": "Four."},
        ),
    ],
)
def test_messages(message: Message, expected: dict[str, Any]) -> None:
    assert messages_of(message) == [expected]


def test_every_tool_result_is_a_message_of_its_own_and_an_error_says_so() -> None:
    results = (ToolResult("1", "4"), ToolResult("2", "no network", is_error=True))
    assert messages_of(Message(Role.TOOL, results)) == [
        {"role": "tool", "tool_call_id": "1", "content": "4"},
        {"role": "tool", "tool_call_id": "2", "content": "Error: no network"},
    ]


def test_a_refusal_goes_back_in_its_own_field_where_the_api_has_one() -> None:
    answer = Message(Role.ASSISTANT, (TextPart("I cannot ", refusal=True), TextPart("help.", refusal=True)))
    body = chat_completion_body(BackendCall("m", Query((answer, *text_query("Why?").messages)), False, profile=OPENAI))
    assert body["messages"][0] == {"role": "assistant", "content": None, "refusal": "I cannot help."}


def test_a_tool_result_in_parts_is_one_text_unless_it_holds_media() -> None:
    image = MediaPart("image/png", uri="https://example.com/a.png")
    texts, mixed = (TextPart("a"), TextPart("b")), (TextPart("Seen:"), image)
    results = (ToolResult("1", "", parts=texts), ToolResult("2", "", True, parts=mixed))
    assert [item["content"] for item in messages_of(Message(Role.TOOL, results))] == [
        "a\nb",
        [
            {"type": "text", "text": "Error:"},
            {"type": "text", "text": "Seen:"},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        ],
    ]


def test_an_answer_that_is_to_be_continued_comes_last() -> None:
    begun = Message(Role.ASSISTANT, (TextPart("The answer is"),))
    assert messages_of(user(TextPart("2 + 2?")), begun)[-1] == {"role": "assistant", "content": "The answer is"}


def test_the_user_and_parallel_calls_are_told() -> None:
    query = replace(text_query("Hi", GenerationConfig(parallel_tool_calls=False)), tools=(Tool("add"),), user_id="u-7")
    body = body_of(query)
    assert (body["user"], body["parallel_tool_calls"]) == ("u-7", False)


@pytest.mark.parametrize(
    "part",
    [
        MediaPart("audio/wav", uri="https://example.com/a.wav"),
        MediaPart("application/pdf", uri="https://example.com/a.pdf"),
        MediaPart("audio/ogg", data=b"\x00"),
    ],
)
def test_media_without_words_in_the_api_is_refused_and_not_dropped(part: MediaPart) -> None:
    with pytest.raises(UpstreamRequestRefused):
        messages_of(user(part))


@pytest.mark.parametrize(
    ("generation", "expected"),
    [
        (GenerationConfig(max_output_tokens=5), {"max_completion_tokens": 5}),
        (GenerationConfig(temperature=0.0, top_p=0.5), {"temperature": 0.0, "top_p": 0.5}),
        (GenerationConfig(stop_sequences=("a", "b")), {"stop": ["a", "b"]}),
        (GenerationConfig(seed=0), {"seed": 0}),
        (GenerationConfig(top_k=40), {"top_k": 40}),
        *(
            (GenerationConfig(reasoning_effort=effort), {"reasoning_effort": word})
            for effort, word in zip(
                ReasoningEffort, ("none", "minimal", "low", "medium", "high", "xhigh", "max"), strict=True
            )
        ),
        (
            GenerationConfig(frequency_penalty=0.5, presence_penalty=-0.5),
            {"frequency_penalty": 0.5, "presence_penalty": -0.5},
        ),
        (GenerationConfig(logprobs=True), {"logprobs": True}),
        (GenerationConfig(logprobs=True, top_logprobs=3), {"logprobs": True, "top_logprobs": 3}),
        (GenerationConfig(response_format=JsonObjectFormat()), {"response_format": {"type": "json_object"}}),
        (
            GenerationConfig(response_format=JsonSchemaFormat("s", '{"type": "object"}', "d", True)),
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "s", "schema": {"type": "object"}, "description": "d", "strict": True},
                }
            },
        ),
        (GenerationConfig(reasoning_effort=ReasoningEffort.LOW), {"reasoning_effort": "low"}),
    ],
)
def test_generation_settings(generation: GenerationConfig, expected: dict[str, Any]) -> None:
    body = body_of(text_query("Hi", generation), max_tokens_field="max_completion_tokens")
    assert {name: value for name, value in body.items() if name not in ("model", "messages")} == expected


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(ToolChoiceMode.AUTO), "auto"),
        (ToolChoice(ToolChoiceMode.NONE), "none"),
        (ToolChoice(ToolChoiceMode.REQUIRED), "required"),
        (ToolChoice(tool_name="add"), {"type": "function", "function": {"name": "add"}}),
    ],
)
def test_tools_and_tool_choice(choice: ToolChoice, expected: Any) -> None:
    tools = (Tool("add", "Adds.", '{"type": "object"}', True), Tool("now"))
    body = body_of(Query((user(TextPart("Hi")),), tools, choice))
    assert body["tool_choice"] == expected
    assert [tool["function"] for tool in body["tools"]] == [
        {"name": "add", "description": "Adds.", "parameters": {"type": "object"}, "strict": True},
        {"name": "now"},
    ]


def test_invalid_json_from_the_caller_cannot_break_the_request() -> None:
    with pytest.raises(UpstreamRequestRefused, match="not valid JSON"):
        body_of(Query((user(TextPart("Hi")),), (Tool("add", "", '{}, "model": "other"'),)))


@pytest.mark.parametrize(
    ("own_limit", "asked", "sent"),
    [(700, None, 700), (700, 500, 500), (500, 700, 500), (None, 500, 500), (None, None, None)],
)
def test_the_lesser_of_the_models_and_the_callers_limit_is_sent(
    own_limit: int | None, asked: int | None, sent: int | None
) -> None:
    call = BackendCall(
        "m", text_query("Hi", GenerationConfig(max_output_tokens=asked)), False, max_output_tokens=own_limit
    )
    assert chat_completion_body(call).get("max_tokens") == sent


@pytest.mark.parametrize(
    ("api", "silence"),
    [("127.0.0.1", [{"role": "assistant", "content": ""}]), ("api.openai.com", [{"role": "assistant", "content": ""}])]
    + [(api, []) for api in ("api.mistral.ai", "openrouter.ai", "api.x.ai", "generativelanguage.googleapis.com")],
)
def test_what_the_assistant_did_not_say_is_left_out_where_it_is_refused(api: str, silence: list[Any]) -> None:
    hi = user(TextPart("Hi"))
    silent = Message(Role.ASSISTANT, ()), Message(Role.ASSISTANT, (TextPart(""), ReasoningPart("Hm.")))
    profile = profile_at("openai", api, "m")
    call = BackendCall("m", Query((hi, silent[0], hi, silent[1], hi)), False, profile=profile)
    said = {"role": "user", "content": "Hi"}
    assert chat_completion_body(call)["messages"] == [said, *silence, said, *silence, said]


def test_tool_messages_follow_their_turn_and_what_a_user_said_between_comes_after() -> None:
    messages = messages_of(
        Message(Role.ASSISTANT, (ToolCall("a", "f"), ToolCall("b", "f"))),
        Message(Role.TOOL, (ToolResult("b", "2"),)),
        user(TextPart("Hurry.")),
        Message(Role.TOOL, (ToolResult("a", "1"),), "f"),
    )
    assert messages[1:] == [
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "user", "content": "Hurry."},
    ]


def test_a_speakers_name_is_brought_within_the_pattern() -> None:
    (message,) = messages_of(Message(Role.USER, (TextPart("Hi"),), "Anna Müller <a>" + "n" * 70))
    assert message["name"] == ("Anna_Müller_a_" + "n" * 70)[:64]


def test_a_blank_text_beside_an_image_is_left_out() -> None:
    (message,) = messages_of(user(TextPart(""), MediaPart("image/png", uri="https://example.com/a.png")))
    assert [part["type"] for part in message["content"]] == ["image_url"]
