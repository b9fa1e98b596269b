"""Queries as Converse requests: each is what AWS's own service model takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from frontdesk_server.backends.bedrock_request import converse_body
from frontdesk_server.config.clouds import BedrockFamily
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.objections import objection
from frontdesk_server.domain.provider import ProviderBlock, ProviderOptions
from frontdesk_server.domain.query import (
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

from tests.profiles import BEDROCK, BEDROCK_CLAUDE, profile_at
from tests.upstream.bedrock import check

HI = text_query("hi")
ADD = Tool("add", "Adds.", '{"type": "object", "properties": {"a": {"type": "integer"}}}')
SAID = (Message(Role.USER, (TextPart("What is 2 + 2?"),)),)
LOOP = (
    *SAID,
    Message(
        Role.ASSISTANT,
        (
            ReasoningPart("Hm.", "signed"),
            ReasoningPart(redacted_data="cmVk"),
            ReasoningPart("unsigned"),
            ToolCall("call/1", "add", '{"a": 2}'),
        ),
    ),
    Message(Role.TOOL, (ToolResult("call/1", "4"),)),
)


def body_of(query: Query, family: BedrockFamily = "claude", limit: int | None = None) -> dict[str, Any]:
    profile = BEDROCK_CLAUDE if family == "claude" else BEDROCK
    mine = frozenset({"bedrock"})
    call = BackendCall("m", query, stream=True, max_output_tokens=limit, dialects=mine, profile=profile)
    body = converse_body(call, family)
    check(body, claude=family == "claude")
    return body


def with_generation(**settings: Any) -> Query:
    return replace(HI, generation=GenerationConfig(**settings))


def said(*parts: Any) -> Query:
    return Query((Message(Role.USER, parts),))


def test_a_plain_query_says_nothing_more() -> None:
    assert body_of(HI) == {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}


def test_system_prompts_stand_apart() -> None:
    query = Query((Message(Role.SYSTEM, (TextPart("Be brief."),)), *HI.messages))
    assert body_of(query)["system"] == [{"text": "Be brief."}]


def test_a_tool_loop_goes_back_with_its_signed_reasoning_and_ids_that_fit() -> None:
    body = body_of(Query(LOOP, tools=(ADD,)))
    _, assistant, results = body["messages"]
    reasoning, redacted, called = assistant["content"]
    assert reasoning == {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "signed"}}}
    assert redacted == {"reasoningContent": {"redactedContent": "cmVk"}}
    (result,) = results["content"]
    assert called["toolUse"] | {"toolUseId": ""} == {"toolUseId": "", "name": "add", "input": {"a": 2}}
    assert result == {"toolResult": {"toolUseId": called["toolUse"]["toolUseId"], "content": [{"text": "4"}]}}
    assert body["toolConfig"]["tools"][0]["toolSpec"]["name"] == "add"


def test_tools_that_are_no_longer_offered_are_described_as_such_and_that_is_said() -> None:
    call = BackendCall("m", Query(LOOP), stream=True, profile=BEDROCK_CLAUDE)
    body = converse_body(call, "claude")
    check(body)
    (spec,) = body["toolConfig"]["tools"]
    assert "do not call" in spec["toolSpec"]["description"]
    assert "query.tools" in [adjustment.field for adjustment in call.dispatch.adjustments]


def test_results_of_tools_keep_their_parts_and_failures() -> None:
    parts = (TextPart("a chart"), MediaPart("image/png", b"png"), MediaPart("application/pdf", b"pdf"))
    results = (ToolResult("1", "", parts=parts), ToolResult("2", "", is_error=True), ToolResult("3", ""))
    calls = tuple(ToolCall(str(n), "add") for n in (1, 2, 3))
    query = Query((*SAID, Message(Role.ASSISTANT, calls), Message(Role.TOOL, results)), tools=(ADD,))
    first, second, third = (block["toolResult"] for block in body_of(query)["messages"][-1]["content"])
    assert [list(block) for block in first["content"]] == [["text"], ["image"], ["document"]]
    assert second["status"] == "error"
    assert third["content"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        (ToolChoice(), {"auto": {}}),
        (ToolChoice(ToolChoiceMode.REQUIRED), {"any": {}}),
        (ToolChoice(tool_name="add"), {"tool": {"name": "add"}}),
    ],
)
def test_a_choice_of_tools_is_said(choice: ToolChoice | None, expected: Any) -> None:
    assert body_of(replace(HI, tools=(ADD,), tool_choice=choice))["toolConfig"].get("toolChoice") == expected


def test_where_no_tool_may_be_called_none_is_offered() -> None:
    none = ToolChoice(ToolChoiceMode.NONE)
    assert "toolConfig" not in body_of(replace(HI, tools=(ADD,), tool_choice=none))


def test_documents_have_names_of_their_own_and_a_text_beside_them() -> None:
    files = ("Q3_report.final.pdf", "Q3 report final.pdf", "", "")
    query = said(*(MediaPart("application/pdf", b"x", filename=name) for name in files))
    content = body_of(query)["messages"][0]["content"]
    names = [block["document"]["name"] for block in content if "document" in block]
    assert names == ["Q3 report final", "Q3 report final (2)", "document", "document (2)"]


@pytest.mark.parametrize(
    ("mime_type", "kind", "form"),
    [
        ("image/jpeg", "image", "jpeg"),
        ("image/webp", "image", "webp"),
        ("text/csv", "document", "csv"),
        ("text/plain", "document", "txt"),
        ("audio/mpeg", "audio", "mp3"),
        ("video/mp4", "video", "mp4"),
    ],
)
def test_media_are_sent_in_their_formats(mime_type: str, kind: str, form: str) -> None:
    (block, *_) = body_of(said(MediaPart(mime_type, b"x"), TextPart("What is it?")))["messages"][0]["content"]
    assert block[kind]["format"] == form
    assert block[kind]["source"] == {"bytes": "eA=="}


def test_media_may_lie_in_s3() -> None:
    (block, _) = body_of(said(MediaPart("image/png", uri="s3://bucket/cat.png"), TextPart("?")))["messages"][0][
        "content"
    ]
    assert block["image"]["source"] == {"s3Location": {"uri": "s3://bucket/cat.png"}}


def test_settings_have_the_apis_names() -> None:
    settings = {"max_output_tokens": 9, "temperature": 0.5, "top_p": 0.9, "stop_sequences": ("END",), "top_k": 4}
    body = body_of(with_generation(**settings))
    assert body["inferenceConfig"] == {"maxTokens": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]}
    assert body["additionalModelRequestFields"] == {"top_k": 4}


@pytest.mark.parametrize(
    ("family", "settings", "max_tokens", "fields"),
    [
        ("claude", {"reasoning_effort": ReasoningEffort.MEDIUM}, 8192, {"type": "enabled", "budget_tokens": 4096}),
        ("claude", {"reasoning_budget_tokens": 2000}, 6096, {"type": "enabled", "budget_tokens": 2000}),
    ],
)
def test_claude_reasons_by_a_budget_within_its_limit(
    family: BedrockFamily, settings: dict[str, Any], max_tokens: int | None, fields: Any
) -> None:
    body = body_of(with_generation(**settings), family)
    assert body["additionalModelRequestFields"] == {"thinking": fields}
    assert body.get("inferenceConfig", {}).get("maxTokens") == max_tokens


@pytest.mark.parametrize(
    ("family", "settings", "fields"),
    [
        (
            "nova",
            {"reasoning_effort": ReasoningEffort.MEDIUM},
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}},
        ),
        ("nova", {"reasoning_effort": ReasoningEffort.NONE}, {"reasoningConfig": {"type": "disabled"}}),
        ("nova", {"top_k": 4}, {"inferenceConfig": {"topK": 4}}),
        ("other", {"reasoning_effort": ReasoningEffort.LOW}, {"reasoning_effort": "low"}),
    ],
)
def test_other_models_have_words_of_their_own(family: BedrockFamily, settings: dict[str, Any], fields: Any) -> None:
    assert body_of(with_generation(**settings), family)["additionalModelRequestFields"] == fields


def test_a_schema_is_text() -> None:
    form = JsonSchemaFormat("sum", '{"type": "object"}', "A sum.")
    body = body_of(with_generation(response_format=form))
    schema = {"schema": '{"type": "object"}', "name": "sum", "description": "A sum."}
    assert body["outputConfig"] == {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}


def test_the_end_user_is_metadata_where_it_can_be() -> None:
    assert body_of(replace(HI, user_id="user-1"))["requestMetadata"] == {"user_id": "user-1"}
    call = BackendCall("m", replace(HI, user_id="münchen"), stream=True, profile=BEDROCK_CLAUDE)
    assert "requestMetadata" not in converse_body(call, "claude")
    assert [adjustment.field for adjustment in call.dispatch.adjustments] == ["query.user_id"]


def test_what_only_bedrock_knows_passes_through() -> None:
    options = ProviderOptions("bedrock", '{"serviceTier": {"type": "priority"}, "inferenceConfig": {"maxTokens": 1}}')
    block = ProviderBlock("bedrock", '{"cachePoint": {"type": "default"}}')
    query = replace(said(TextPart("hi"), ProviderPart(block)), provider_options=(options,))
    body = body_of(replace(query, generation=GenerationConfig(max_output_tokens=9)))
    assert body["serviceTier"] == {"type": "priority"}
    assert body["inferenceConfig"] == {"maxTokens": 9}
    assert body["messages"][0]["content"] == [{"text": "hi"}, {"cachePoint": {"type": "default"}}]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (with_generation(temperature=1.5), "temperature is at most 1"),
        (said(TextPart("?"), MediaPart("image/png", uri="https://a.test/cat.png")), "not by another URI"),
        (replace(with_generation(parallel_tool_calls=False), tools=(ADD,)), "one tool call at a time"),
        (Query(LOOP, (ADD,), ToolChoice(ToolChoiceMode.NONE)), "no tool can be forbidden"),
    ],
)
def test_a_model_that_cannot_honour_a_setting_is_not_chosen(query: Query, told: str) -> None:
    for profile in (BEDROCK, BEDROCK_CLAUDE):
        assert told in str(objection(profile, query))
    with pytest.raises(UpstreamRequestRefused):
        body_of(query)


def test_claude_keeps_its_rules_for_reasoning_there() -> None:
    query = with_generation(reasoning_effort=ReasoningEffort.LOW, temperature=0.5)
    assert objection(BEDROCK_CLAUDE, query) is not None
    assert objection(BEDROCK, query) is None


@pytest.mark.parametrize(
    ("query", "family"),
    [
        (with_generation(seed=1), "claude"),
        (with_generation(logprobs=True), "claude"),
        (with_generation(response_format=JsonObjectFormat()), "claude"),
        (with_generation(reasoning_budget_tokens=2000), "nova"),
        (said(MediaPart("image/tiff", b"x")), "claude"),
        (replace(HI, tools=(Tool("add", parameters_json="{"),)), "claude"),
    ],
)
def test_what_cannot_be_said_is_refused(query: Query, family: BedrockFamily) -> None:
    with pytest.raises(UpstreamRequestRefused):
        body_of(query, family)


_NOVA_2 = profile_at("bedrock", "", "eu.amazon.nova-2-lite-v1:0")
_HIGH = GenerationConfig(reasoning_effort=ReasoningEffort.HIGH)


@pytest.mark.parametrize(
    ("generation", "refused"),
    [
        (_HIGH, None),
        (replace(_HIGH, max_output_tokens=8000), "no limit of the answer"),
        (replace(_HIGH, temperature=0.5), "no temperature"),
        (replace(_HIGH, top_p=0.5), "no top_p"),
        (GenerationConfig(reasoning_effort=ReasoningEffort.MEDIUM, max_output_tokens=8000, temperature=0.5), None),
        (GenerationConfig(reasoning_effort=ReasoningEffort.MINIMAL), "the efforts"),
        (GenerationConfig(reasoning_effort=ReasoningEffort.MAX), "the efforts"),
    ],
)
def test_nova_2_takes_three_efforts_and_beside_the_highest_no_bounds(
    generation: GenerationConfig, refused: str | None
) -> None:
    told = objection(_NOVA_2, text_query("Hi", generation))
    assert (told is None) if refused is None else (told is not None and refused in told)


def test_the_models_own_limit_is_left_out_beside_the_highest_effort_and_that_is_said() -> None:
    call = BackendCall("m", text_query("Hi", _HIGH), stream=False, max_output_tokens=9000, profile=_NOVA_2)
    body = converse_body(call, "nova")
    assert "inferenceConfig" not in body
    assert [one.field for one in call.dispatch.adjustments] == ["query.generation.max_output_tokens"]


def test_the_first_nova_does_not_reason() -> None:
    nova = profile_at("bedrock", "", "amazon.nova-pro-v1:0")
    assert objection(nova, text_query("Hi", _HIGH)) is not None
    resting = text_query("Hi", GenerationConfig(reasoning_effort=ReasoningEffort.NONE))
    assert objection(nova, resting) is None
    call = BackendCall("m", resting, stream=False, profile=nova)
    assert "additionalModelRequestFields" not in converse_body(call, "nova")
