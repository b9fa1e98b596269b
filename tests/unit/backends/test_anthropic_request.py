"""Queries as Anthropic request bodies."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.provider import ProviderBlock
from frontdesk_server.domain.query import (
    ContentPart,
    GenerationConfig,
    JsonObjectFormat,
    JsonSchemaFormat,
    MediaPart,
    Message,
    ProviderPart,
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

from tests.profiles import ANTHROPIC, profile_at


def body_of(query: Query, *, stream: bool = False) -> dict[str, Any]:
    return messages_body(BackendCall("m", query, stream, profile=ANTHROPIC), 4096)


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
            MediaPart("application/pdf", uri="https://example.com/a.pdf", filename="plan.pdf"),
            {
                "type": "document",
                "source": {"type": "url", "url": "https://example.com/a.pdf"},
                "title": "plan.pdf",
            },
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


def limited_body_of(query: Query, max_output_tokens: int | None) -> dict[str, Any]:
    return messages_body(BackendCall("m", query, False, max_output_tokens=max_output_tokens, profile=ANTHROPIC), 4096)


@pytest.mark.parametrize(
    ("own_limit", "asked", "effort", "max_tokens", "budget_tokens"),
    [
        (32_000, None, ReasoningEffort.HIGH, 32_000, 16_000),
        (64_000, None, ReasoningEffort.HIGH, 64_000, 16_384),
        (1500, None, ReasoningEffort.LOW, 1500, 1024),
        (32_000, 3000, ReasoningEffort.HIGH, 3000, 1500),
        (2000, None, None, 2000, None),
        (2000, 500, None, 500, None),
        (None, None, None, 4096, None),
    ],
)
def test_thinking_lies_within_the_limit_of_the_answer(
    own_limit: int | None, asked: int | None, effort: ReasoningEffort | None, max_tokens: int, budget_tokens: int | None
) -> None:
    generation = GenerationConfig(max_output_tokens=asked, reasoning_effort=effort)
    body = limited_body_of(text_query("Hi", generation), own_limit)
    assert body["max_tokens"] == max_tokens
    assert body.get("thinking", {}).get("budget_tokens") == budget_tokens


def test_a_limit_without_room_for_thinking_is_refused() -> None:
    with pytest.raises(UpstreamRequestRefused, match="1024"):
        limited_body_of(text_query("Hi", GenerationConfig(reasoning_effort=ReasoningEffort.LOW)), 1024)


def turns_of(*messages: Message) -> list[tuple[str, list[Any]]]:
    """Role and, of each block, its text or its type."""
    turns = body_of(Query(messages))["messages"]
    return [(turn["role"], [block.get("text", block["type"]) for block in turn["content"]]) for turn in turns]


HI = message(Role.USER, TextPart("Hi"))
CALL = message(Role.ASSISTANT, ToolCall("a", "f"))
THOUGHT = ReasoningPart("Hm.", "s")
RESULT = message(Role.TOOL, ToolResult("a", "1"))


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ((HI, message(Role.ASSISTANT), HI), [("user", ["Hi", "Hi"])]),
        ((HI, message(Role.ASSISTANT, TextPart(" \n")), HI), [("user", ["Hi", "Hi"])]),
        ((HI, message(Role.ASSISTANT, ReasoningPart("another's")), HI), [("user", ["Hi", "Hi"])]),
        ((message(Role.USER, TextPart(""), TextPart("Hi")),), [("user", ["Hi"])]),
        ((message(Role.USER, TextPart(" ")),), [("user", ["(no text)"])]),
        (
            (HI, message(Role.ASSISTANT, TextPart("Yes?")), message(Role.USER, TextPart(""))),
            [("user", ["Hi"]), ("assistant", ["Yes?"]), ("user", ["(no text)"])],
        ),
        (
            (message(Role.ASSISTANT, TextPart("Welcome.")), HI),
            [("user", ["(no text)"]), ("assistant", ["Welcome."]), ("user", ["Hi"])],
        ),
        (
            (HI, CALL, message(Role.USER, TextPart("Hurry.")), RESULT),
            [("user", ["Hi"]), ("assistant", ["tool_use"]), ("user", ["tool_result", "Hurry."])],
        ),
        (
            (HI, CALL, Message(Role.TOOL, (ToolResult("a", "1"),), "f")),
            [("user", ["Hi"]), ("assistant", ["tool_use"]), ("user", ["tool_result"])],
        ),
        (
            (Message(Role.USER, (TextPart("Hi"),), "ann"), Message(Role.USER, (TextPart("Ho"),), "bob")),
            [("user", ["ann:", "Hi", "bob:", "Ho"])],
        ),
        (
            (HI, Message(Role.ASSISTANT, (ReasoningPart("Hm.", "s"), TextPart("Yes?")), "bot"), HI),
            [("user", ["Hi"]), ("assistant", ["thinking", "bot:", "Yes?"]), ("user", ["Hi"])],
        ),
        ((HI, message(Role.ASSISTANT, THOUGHT), HI), [("user", ["Hi", "Hi"])]),
        ((HI, message(Role.ASSISTANT, THOUGHT, TextPart(" ")), HI), [("user", ["Hi", "Hi"])]),
        (
            (HI, message(Role.ASSISTANT, TextPart("Yes?"), THOUGHT, ReasoningPart(redacted_data="x")), HI),
            [("user", ["Hi"]), ("assistant", ["Yes?"]), ("user", ["Hi"])],
        ),
        (
            (HI, message(Role.ASSISTANT, ToolCall("a", "f"), THOUGHT), RESULT),
            [("user", ["Hi"]), ("assistant", ["tool_use"]), ("user", ["tool_result"])],
        ),
        (
            (HI, message(Role.ASSISTANT, THOUGHT), message(Role.ASSISTANT, TextPart("Yes?")), HI),
            [("user", ["Hi"]), ("assistant", ["thinking", "Yes?"]), ("user", ["Hi"])],
        ),
    ],
    ids=[
        "an empty answer",
        "a blank answer",
        "another model's reasoning alone",
        "a blank part",
        "a blank query",
        "a blank query at the end",
        "the assistant first",
        "a user before a result",
        "a tool with a name",
        "two named users",
        "a named assistant that thinks",
        "an answer that was cut while it reasoned",
        "reasoning before a blank",
        "reasoning at the end",
        "reasoning after a call",
        "reasoning whose answer follows in a message of its own",
    ],
)
def test_what_the_api_would_refuse_is_left_out_or_put_in_order(
    messages: tuple[Message, ...], expected: list[tuple[str, list[str]]]
) -> None:
    assert turns_of(*messages) == expected


def test_a_blank_system_prompt_is_none() -> None:
    blank = message(Role.SYSTEM, TextPart(" "))
    assert "system" not in body_of(Query((blank, HI)))
    assert body_of(Query((blank, message(Role.SYSTEM, TextPart("Be brief.")), HI)))["system"] == "Be brief."


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (ToolResult("a", ""), {"type": "tool_result", "tool_use_id": "a"}),
        (ToolResult("a", " ", is_error=True), {"content": "The tool failed.", "is_error": True}),
    ],
)
def test_a_result_without_words(result: ToolResult, expected: dict[str, Any]) -> None:
    (block,) = body_of(Query((HI, CALL, message(Role.TOOL, result))))["messages"][-1]["content"]
    assert block == {"type": "tool_result", "tool_use_id": "a", **expected}


@pytest.mark.parametrize(
    ("arguments_json", "expected"),
    [
        ("", {}),
        ('{"a": 1}', {"a": 1}),
        ("[1]", {"INVALID_JSON": "[1]"}),
        ("null", {"INVALID_JSON": "null"}),
        ('{"a": ', {"INVALID_JSON": '{"a": '}),
    ],
)
def test_arguments_that_are_no_object_are_wrapped(arguments_json: str, expected: dict[str, Any]) -> None:
    call = message(Role.ASSISTANT, ToolCall("a", "f", arguments_json))
    assert body_of(Query((HI, call, RESULT)))["messages"][1]["content"][0]["input"] == expected


def test_ids_of_other_providers_are_replaced_in_calls_and_results_and_are_unique() -> None:
    loop = (
        message(Role.ASSISTANT, ToolCall("functions.get_weather:0", "get_weather")),
        message(Role.TOOL, ToolResult("functions.get_weather:0", "rain")),
    )
    turns = body_of(Query((HI, *loop, *loop)))["messages"]
    first, second = (turns[place]["content"][0]["id"] for place in (1, 3))
    assert [turns[place]["content"][0]["tool_use_id"] for place in (2, 4)] == [first, second]
    assert len({first, second, "functions.get_weather:0"}) == 3


def test_a_conversation_that_used_tools_defines_them_and_none_may_be_called_again() -> None:
    body = body_of(Query((HI, CALL, RESULT, HI)))
    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    "generation",
    [GenerationConfig(temperature=1.5), GenerationConfig(temperature=0.5, reasoning_effort=ReasoningEffort.LOW)],
)
def test_what_the_api_cannot_honour_is_refused_and_not_adjusted(generation: GenerationConfig) -> None:
    with pytest.raises(UpstreamRequestRefused, match="temperature"):
        body_of(text_query("Hi", generation))


def test_a_tool_result_in_parts_keeps_them() -> None:
    parts = (TextPart("Seen:"), MediaPart("image/png", uri="https://example.com/a.png"), TextPart(" "))
    body = body_of(
        Query(
            (
                *text_query("Look").messages,
                message(Role.ASSISTANT, ToolCall("1", "look", "{}")),
                message(Role.TOOL, ToolResult("1", "", is_error=True, parts=parts)),
            )
        )
    )
    assert body["messages"][2]["content"] == [
        {
            "type": "tool_result",
            "tool_use_id": "1",
            "content": [
                {"type": "text", "text": "Seen:"},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
            ],
            "is_error": True,
        }
    ]


def test_an_answer_that_is_to_be_continued_comes_last() -> None:
    begun = message(Role.ASSISTANT, TextPart("The answer is"))
    turns = body_of(Query((*text_query("2 + 2?").messages, begun)))["messages"]
    assert turns[-1] == {"role": "assistant", "content": [{"type": "text", "text": "The answer is"}]}


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(tool_name="add"), False, {"type": "tool", "name": "add", "disable_parallel_tool_use": True}),
        (ToolChoice(ToolChoiceMode.REQUIRED), True, {"type": "any"}),
        (ToolChoice(ToolChoiceMode.NONE), False, {"type": "none"}),
    ],
)
def test_parallel_calls_are_forbidden_by_the_choice(
    choice: ToolChoice | None, parallel: bool | None, expected: Any
) -> None:
    generation = GenerationConfig(parallel_tool_calls=parallel)
    query = Query(text_query("Hi").messages, (Tool("add"),), choice, generation)
    assert body_of(query).get("tool_choice") == expected


@pytest.mark.parametrize(
    ("generation", "expected"),
    [
        (GenerationConfig(top_k=5), {"top_k": 5, "max_tokens": 4096}),
        (
            GenerationConfig(reasoning_effort=ReasoningEffort.NONE),
            {"max_tokens": 4096},
        ),
        (
            GenerationConfig(reasoning_effort=ReasoningEffort.MINIMAL),
            {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 5120},
        ),
        (
            GenerationConfig(reasoning_effort=ReasoningEffort.MAX, max_output_tokens=10_000),
            {"thinking": {"type": "enabled", "budget_tokens": 5000}, "max_tokens": 10_000},
        ),
        (
            GenerationConfig(reasoning_budget_tokens=9000, max_output_tokens=10_000),
            {"thinking": {"type": "enabled", "budget_tokens": 9000}, "max_tokens": 10_000},
        ),
        (
            GenerationConfig(reasoning_budget_tokens=9000),
            {"thinking": {"type": "enabled", "budget_tokens": 9000}, "max_tokens": 13_096},
        ),
    ],
)
def test_how_much_is_thought(generation: GenerationConfig, expected: dict[str, Any]) -> None:
    body = body_of(text_query("Hi", generation))
    assert {name: value for name, value in body.items() if name not in ("model", "messages")} == expected


def test_the_user_is_told() -> None:
    assert body_of(replace(text_query("Hi"), user_id="u-7"))["metadata"] == {"user_id": "u-7"}


SYSTEM, USER, ASSISTANT = Role.SYSTEM, Role.USER, Role.ASSISTANT


@pytest.mark.parametrize(
    ("roles", "sent"),
    [
        pytest.param("USAU", "USAU", id="before the assistant"),
        pytest.param("UAUS", "UAUS", id="last"),
        pytest.param("SUSSAU", "USAU", id="two that are neighbours, beside the prompt"),
        pytest.param("USUAU", "USAU", id="before the user goes on"),
        pytest.param("UASU", "UAUS", id="after the assistant"),
        pytest.param("UASA_U", "UAUS", id="between two answers"),
        pytest.param("ASU", "UAUS", id="after the assistant, who begins"),
        pytest.param("U_S", "US", id="after silence"),
        pytest.param("SS", "U", id="alone"),
    ],
)
def test_a_later_system_message_comes_where_the_api_takes_it(roles: str, sent: str) -> None:
    kinds = {"S": SYSTEM, "U": USER, "A": ASSISTANT, "_": USER}
    texts = {"S": "Be brief.", "U": "Hi.", "A": "Ho.", "_": " "}
    query = Query(tuple(message(kinds[who], TextPart(texts[who])) for who in roles))
    profile = profile_at("anthropic", "api.anthropic.com", "claude-opus-4-8")
    body = messages_body(BackendCall("m", query, False, profile=profile), 4096)
    assert "".join(turn["role"][0].upper() for turn in body["messages"]) == sent
    assert json.dumps(body).count("Be brief.") == roles.count("S")


def test_later_system_messages_move_to_the_prompt_and_are_said_to_where_they_are_not_taken() -> None:
    query = Query((message(USER, TextPart("Hi.")), message(SYSTEM, TextPart("Be brief."))))
    call = BackendCall("m", query, False, profile=ANTHROPIC)
    body = messages_body(call, 4096)
    assert (body["system"], [turn["role"] for turn in body["messages"]]) == ("Be brief.", ["user"])
    detail = "system messages were put together at the beginning"
    assert [one.detail for one in call.dispatch.adjustments] == [detail]


def test_what_is_no_text_for_a_prompt_stays_in_its_place() -> None:
    added = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "f"}}
    block = ProviderPart(ProviderBlock("anthropic", json.dumps(added)))
    query = Query((message(USER, TextPart("Hi.")), message(SYSTEM, block)))
    call = BackendCall("m", query, False, dialects=frozenset({"anthropic"}), profile=ANTHROPIC)
    assert messages_body(call, 4096)["messages"][1] == {"role": "system", "content": [added]}
