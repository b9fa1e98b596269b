"""Options, blocks and tools of one provider: what may be said, and what the contract says itself."""

from __future__ import annotations

import pytest
from frontdesk.v1 import chat_pb2 as chat
from frontdesk.v1 import router_service_pb2 as pb
from frontdesk.v1.chat_pb2 import ContentPart as Part
from frontdesk.v1.chat_pb2 import Message, ProviderOptions, Query
from frontdesk_server.domain.errors import InvalidRequest
from frontdesk_server.rpc.validation import validate_query_request
from google.protobuf.duration_pb2 import Duration

USER = chat.ROLE_USER


def violations(query: Query) -> list[tuple[str, str]]:
    try:
        validate_query_request(pb.RouteRequest(query=query))
    except InvalidRequest as error:
        return [(violation.field, violation.reason) for violation in error.violations]
    return []


def query_with(dialect: str, options_json: str, **fields: object) -> Query:
    options = ProviderOptions(dialect=dialect, options_json=options_json)
    said = Message(role=USER, parts=[Part(text="hi")])
    return Query(messages=[said], provider_options=[options], **fields)  # type: ignore[arg-type]


def message_with(dialect: str, options_json: str) -> Query:
    options = ProviderOptions(dialect=dialect, options_json=options_json)
    return Query(messages=[Message(role=USER, parts=[Part(text="hi")], provider_options=[options])])


def part_with(dialect: str, options_json: str, **fields: object) -> Query:
    options = ProviderOptions(dialect=dialect, options_json=options_json)
    part = Part(provider_options=[options], **({"text": "hi"} | fields))  # type: ignore[arg-type]
    return Query(messages=[Message(role=USER, parts=[part])])


def tool_with(dialect: str, options_json: str, **fields: object) -> Query:
    options = ProviderOptions(dialect=dialect, options_json=options_json)
    tool = chat.Tool(name="f", provider_options=[options], **fields)  # type: ignore[arg-type]
    return Query(messages=[Message(role=USER, parts=[Part(text="hi")])], tools=[tool])


def block(json: str = '{"type": "x"}', dialect: str = "anthropic") -> chat.ProviderBlock:
    return chat.ProviderBlock(dialect=dialect, json=json)


def offering(tool: chat.Tool) -> Query:
    return Query(messages=[Message(role=USER, parts=[Part(text="hi")])], tools=[tool])


def answer(*parts: Part) -> Message:
    return Message(role=chat.ROLE_ASSISTANT, parts=parts, provider_state=[STATE])


STATE = chat.ProviderState(dialect="anthropic", json='{"container": {}}')
COLD = chat.GenerationConfig(temperature=0.0)
LOW = chat.GenerationConfig(reasoning_effort=chat.REASONING_EFFORT_LOW)
NAMED = chat.Media(mime_type="application/pdf", data=b"x", filename="a.pdf")

ALLOWED = [
    query_with("anthropic", '{"context_management": {}, "thinking": {"type": "adaptive", "display": "omitted"}}'),
    query_with("anthropic", '{"thinking": {"display": "omitted"}}', generation=LOW),
    query_with("anthropic", '{"metadata": {"team": "a"}}', user_id="u"),
    query_with("openai", '{"service_tier": "flex", "stream_options": {"include_obfuscation": false}}'),
    query_with("openai", '{"temperature": 3}'),
    query_with("anthropic", '{"n": 2}'),
    query_with("openrouter", '{"provider": {"order": ["a"]}}'),
    query_with("nobody", "{}"),
    query_with("openai_responses", '{"reasoning": {"summary": "auto"}, "text": {"verbosity": "low"}}', generation=LOW),
    query_with("openai_responses", '{"include": ["web_search_call.action.sources"], "prompt_cache_key": "k"}'),
    tool_with("openai_responses", '{"defer_loading": true}'),
    query_with("bedrock", '{"guardrailConfig": {}, "additionalModelRequestFields": {"anthropic_beta": ["a"]}}'),
    query_with("bedrock", '{"inferenceConfig": {"temperature": 1}}'),
    message_with("openai", '{"prefix": true}'),
    part_with("anthropic", '{"cache_control": {"type": "ephemeral"}, "citations": {"enabled": true}}'),
    part_with("anthropic", '{"title": "Plan"}'),
    tool_with("anthropic", '{"defer_loading": true}'),
    tool_with("openai", '{"function": {"description": "d"}}'),
    offering(chat.Tool(provider_tool=block())),
    offering(chat.Tool(name="f", provider_tool=block(), cache_hint=chat.CacheHint(ttl=Duration(seconds=3600)))),
    Query(messages=[Message(role=USER, parts=[Part(provider_block=block())], cache_hint=chat.CacheHint())]),
    Query(messages=[Message(role=USER, parts=[Part(text="hi")]), answer(Part(text="Hm.", provider_state=[STATE]))]),
    Query(
        messages=[Message(role=USER, parts=[Part(text="hi")]), answer(Part(text="Hm."), Part(provider_block=block()))]
    ),
]


@pytest.mark.parametrize("query", ALLOWED)
def test_what_only_the_provider_knows_may_be_said(query: Query) -> None:
    assert violations(query) == []


OPTIONS = "query.provider_options[0]"
PART = "query.messages[0].parts[0]"
REFUSED = [
    (query_with("", "{}"), f"{OPTIONS}.dialect", "FIELD_REQUIRED"),
    (query_with("d" * 129, "{}"), f"{OPTIONS}.dialect", "FIELD_TOO_LONG"),
    (query_with("openai", ""), f"{OPTIONS}.options_json", "FIELD_REQUIRED"),
    (query_with("openai", "[]"), f"{OPTIONS}.options_json", "PROVIDER_JSON_INVALID"),
    (query_with("openai", '{"a": '), f"{OPTIONS}.options_json", "PROVIDER_JSON_INVALID"),
    (query_with("openai", '{"a": "' + "x" * 65_536 + '"}'), f"{OPTIONS}.options_json", "FIELD_TOO_LONG"),
    *(
        (query_with(dialect, options_json), f"{OPTIONS}.options_json", "PROVIDER_OPTION_RESERVED")
        for dialect, options_json in [
            ("openai", '{"model": "other"}'),
            ("azure_openai", '{"messages": []}'),
            ("vertex_gemini", '{"n": 9}'),
            ("vertex_claude", '{"system": "Be loud."}'),
            ("openai_responses", '{"input": []}'),
            ("openai_responses", '{"store": true}'),
            ("openai_responses", '{"previous_response_id": "resp_1"}'),
            ("openai_responses", '{"max_output_tokens": 9}'),
            ("bedrock", '{"messages": []}'),
            ("bedrock", '{"inferenceConfig": {"maxTokens": 9}}'),
            ("bedrock", '{"toolConfig": {"tools": []}}'),
            ("openai", '{"n": 9}'),
            ("openai", '{"max_completion_tokens": 9}'),
            ("openai", '{"stream_options": {"include_usage": false}}'),
            ("openai", '{"stream_options": null}'),
            ("openrouter", '{"messages": []}'),
            ("openrouter", '{"system": "x"}'),
            ("anthropic", '{"system": "x"}'),
            ("anthropic", '{"tools": []}'),
        ]
    ),
    *(
        (query, f"{OPTIONS}.options_json", "PROVIDER_OPTION_RESERVED")
        for query in [
            query_with("openai", '{"temperature": 1}', generation=COLD),
            query_with("openrouter", '{"temperature": 1}', generation=COLD),
            query_with("anthropic", '{"thinking": {"type": "adaptive"}}', generation=LOW),
            query_with("anthropic", '{"thinking": 1}', generation=LOW),
            query_with("anthropic", '{"metadata": {"user_id": "v"}}', user_id="u"),
        ]
    ),
    (
        message_with("openai", '{"role": "system"}'),
        "query.messages[0].provider_options[0].options_json",
        "PROVIDER_OPTION_RESERVED",
    ),
    (part_with("openai", '{"text": "x"}'), f"{PART}.provider_options[0].options_json", "PROVIDER_OPTION_RESERVED"),
    (
        part_with("anthropic", '{"cache_control": {}}', cache_hint=chat.CacheHint()),
        f"{PART}.provider_options[0].options_json",
        "PROVIDER_OPTION_RESERVED",
    ),
    (
        part_with("openai", '{"file": {"filename": "b.pdf"}}', media=NAMED, text=None),
        f"{PART}.provider_options[0].options_json",
        "PROVIDER_OPTION_RESERVED",
    ),
    (
        tool_with("openai", '{"function": {"name": "g"}}'),
        "query.tools[0].provider_options[0].options_json",
        "PROVIDER_OPTION_RESERVED",
    ),
    (
        tool_with("openai", '{"function": {"description": "e"}}', description="d"),
        "query.tools[0].provider_options[0].options_json",
        "PROVIDER_OPTION_RESERVED",
    ),
    (offering(chat.Tool(provider_tool=block("[]"))), "query.tools[0].provider_tool.json", "PROVIDER_JSON_INVALID"),
    (
        offering(chat.Tool(provider_tool=block(dialect=""))),
        "query.tools[0].provider_tool.dialect",
        "FIELD_REQUIRED",
    ),
    (
        offering(chat.Tool(provider_tool=block(), description="d")),
        "query.tools[0].provider_tool",
        "TOOL_SET_TWICE",
    ),
    (
        Query(messages=[Message(role=USER, parts=[Part(provider_block=block("1"))])]),
        f"{PART}.provider_block.json",
        "PROVIDER_JSON_INVALID",
    ),
    (
        Query(messages=[Message(role=USER, parts=[Part(text="hi", cache_hint=chat.CacheHint(ttl=Duration()))])]),
        f"{PART}.cache_hint.ttl",
        "CACHE_TTL_OUT_OF_RANGE",
    ),
    (
        Query(messages=[Message(role=USER, parts=[Part(text="hi")], provider_state=[STATE])]),
        "query.messages[0].provider_state",
        "PART_NOT_ALLOWED",
    ),
    (
        Query(messages=[Message(role=USER, parts=[Part(text="hi", provider_state=[STATE])])]),
        f"{PART}.provider_state",
        "PART_NOT_ALLOWED",
    ),
    (
        Query(messages=[answer(Part(text="a", provider_state=[chat.ProviderState(dialect="a", json="1")]))]),
        f"{PART}.provider_state[0].json",
        "PROVIDER_JSON_INVALID",
    ),
    (
        Query(
            messages=[Message(role=USER, parts=[Part(text="hi")])],
            provider_options=[ProviderOptions(dialect="a", options_json="{}")] * 17,
        ),
        "query.provider_options",
        "FIELD_TOO_LONG",
    ),
]


@pytest.mark.parametrize(("query", "field", "reason"), REFUSED)
def test_what_may_not_be_said_is_refused_with_its_field(query: Query, field: str, reason: str) -> None:
    assert violations(query) == [(field, reason)]


def test_the_refusal_of_what_the_contract_expresses_names_both() -> None:
    request = pb.RouteRequest(query=query_with("openai", '{"temperature": 1}', generation=COLD))
    with pytest.raises(InvalidRequest) as caught:
        validate_query_request(request)
    assert caught.value.violations[0].description == "it may not hold temperature, which generation.temperature says"


@pytest.mark.parametrize("dialect", ["openai", "azure_openai", "vertex_gemini", "openrouter"])
def test_several_answers_to_one_call_are_refused_in_words(dialect: str) -> None:
    request = pb.RouteRequest(query=query_with(dialect, '{"n": 3}'))
    with pytest.raises(InvalidRequest) as caught:
        validate_query_request(request)
    (violation,) = caught.value.violations
    assert (violation.field, violation.reason) == (f"{OPTIONS}.options_json", "PROVIDER_OPTION_RESERVED")
    assert "a call has one answer" in violation.description
