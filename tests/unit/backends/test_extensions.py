"""What is for one provider alone reaches it in its place, and no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.profile import Caching, Profile
from frontdesk_server.domain.provider import CacheHint, ProviderBlock, ProviderOptions
from frontdesk_server.domain.query import (
    GenerationConfig,
    JsonSchemaFormat,
    Message,
    ProviderPart,
    Query,
    ReasoningPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
    text_query,
)

from tests.profiles import ANTHROPIC, COMPATIBLE

Json = dict[str, Any]


def options(dialect: str, **values: object) -> tuple[ProviderOptions, ...]:
    return (ProviderOptions(dialect, orjson.dumps(values).decode()),)


def block(dialect: str, **values: object) -> ProviderBlock:
    return ProviderBlock(dialect, orjson.dumps(values).decode())


def openai(query: Query, *names: str, profile: Profile = COMPATIBLE) -> Json:
    known = names or ("openai",)
    call = BackendCall("m", query, False, dialects=frozenset(known), provider=known[-1], profile=profile)
    return chat_completion_body(call)


def anthropic(query: Query) -> Json:
    mine = frozenset({"anthropic"})
    call = BackendCall("m", query, False, dialects=mine, provider="anthropic", profile=ANTHROPIC)
    return messages_body(call, 4096)


def everywhere(dialect: str) -> Query:
    """A query with an option of this dialect in every place."""
    call = ToolCall("a", "f", "{}", provider_options=options(dialect, at="call"))
    result = ToolResult("a", "1", provider_options=options(dialect, at="result"))
    return Query(
        (
            Message(Role.SYSTEM, (TextPart("Be brief.", provider_options=options(dialect, at="system part")),)),
            Message(
                Role.USER,
                (TextPart("Hi", provider_options=options(dialect, at="part")),),
                provider_options=options(dialect, at="message"),
            ),
            Message(Role.ASSISTANT, (call,)),
            Message(Role.TOOL, (result,)),
        ),
        (Tool("f", provider_options=options(dialect, at="tool")),),
        provider_options=options(dialect, at="query"),
    )


def test_options_stand_where_the_caller_put_them_in_openais_dialect() -> None:
    body = openai(everywhere("openai"))
    system, user, assistant, result = body["messages"]
    assert body["at"] == "query"
    assert body["tools"][0]["at"] == "tool"
    assert system["content"] == [{"type": "text", "text": "Be brief.", "at": "system part"}]
    assert (user["at"], user["content"]) == ("message", [{"type": "text", "text": "Hi", "at": "part"}])
    assert assistant["tool_calls"][0]["at"] == "call"
    assert result["at"] == "result"


def test_options_stand_where_the_caller_put_them_in_anthropics_dialect() -> None:
    body = anthropic(everywhere("anthropic"))
    user, assistant, results = body["messages"]
    assert body["at"] == "query"
    assert body["tools"][0]["at"] == "tool"
    assert body["system"] == [{"type": "text", "text": "Be brief.", "at": "system part"}]
    assert (user["at"], user["content"]) == ("message", [{"type": "text", "text": "Hi", "at": "part"}])
    assert assistant["content"][0]["at"] == "call"
    assert results["content"][0]["at"] == "result"


def test_options_of_another_dialect_leave_no_trace() -> None:
    bare = everywhere("nobody")
    assert b"at" not in orjson.dumps(openai(bare)).replace(b"parameters", b"")
    assert b'"at"' not in orjson.dumps(anthropic(bare))
    assert openai(bare)["messages"][1] == {"role": "user", "content": "Hi"}
    assert anthropic(bare)["system"] == "Be brief."


def test_a_provider_is_a_narrower_dialect() -> None:
    query = replace(text_query("Hi"), provider_options=(*options("openai", a=1), *options("openrouter", b=2)))
    assert openai(query, "openai", "openrouter") == {**openai(text_query("Hi")), "a": 1, "b": 2}
    assert openai(query, "openai", "groq") == {**openai(text_query("Hi")), "a": 1}


def test_options_are_merged_into_objects_and_never_overwrite() -> None:
    schema = JsonSchemaFormat("out", '{"type": "object"}')
    given = options("anthropic", output_config={"effort": "max", "format": "mine"}, max_tokens=9)
    query = replace(text_query("Hi", GenerationConfig(response_format=schema)), provider_options=given)
    body = anthropic(query)
    assert body["output_config"] == {
        "format": {"type": "json_schema", "schema": {"type": "object"}},
        "effort": "max",
    }
    assert body["max_tokens"] == 4096


def test_a_providers_own_tool_and_blocks_are_sent_as_they_are() -> None:
    search: Json = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    upload: Json = {"type": "container_upload", "file_id": "file_1"}
    reference: Json = {"type": "tool_reference", "tool_name": "f"}
    query = Query(
        (
            Message(Role.USER, (TextPart("Hi"), ProviderPart(block("anthropic", **upload)))),
            Message(Role.ASSISTANT, (ToolCall("a", "f"),)),
            Message(Role.TOOL, (ToolResult("a", "", parts=(ProviderPart(block("anthropic", **reference)),)),)),
        ),
        (Tool("f"), Tool("", provider_tool=block("anthropic", **search))),
    )
    body = anthropic(query)
    assert body["tools"][1] == search
    assert body["messages"][0]["content"][1] == upload
    assert body["messages"][2]["content"][0]["content"] == [reference]
    with pytest.raises(UpstreamRequestRefused):
        openai(query)


def test_blocks_that_another_dialect_answered_are_left_out_of_the_history() -> None:
    searched: Json = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    answer = Message(Role.ASSISTANT, (ProviderPart(block("anthropic", **searched)), TextPart("Rain.")))
    query = Query((*text_query("Weather?").messages, answer, *text_query("And now?").messages))
    assert anthropic(query)["messages"][1]["content"] == [searched, {"type": "text", "text": "Rain."}]
    assert openai(query)["messages"][1] == {"role": "assistant", "content": "Rain."}
    own = {"type": "reference", "reference_ids": [1]}
    answer = Message(Role.ASSISTANT, (TextPart("Rain."), ProviderPart(block("openai", **own))))
    query = Query((*text_query("Weather?").messages, answer, *text_query("And now?").messages))
    assert openai(query)["messages"][1]["content"] == [{"type": "text", "text": "Rain."}, own]


EPHEMERAL = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def hinted() -> Query:
    return Query(
        (
            Message(Role.SYSTEM, (TextPart("Be brief."),), cache_hint=CacheHint(3600.0)),
            Message(Role.USER, (TextPart("A book.", cache_hint=CacheHint(300.0)), TextPart("Summarise."))),
            Message(Role.ASSISTANT, (ReasoningPart("hm", "s"), TextPart("Done.")), cache_hint=CacheHint()),
            *text_query("And now?").messages,
        ),
        (Tool("f", cache_hint=CacheHint(3600.0)),),
    )


def test_cache_hints_are_breakpoints_of_anthropic() -> None:
    body = anthropic(hinted())
    assert body["tools"][0]["cache_control"] == HOUR
    assert body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": HOUR}]
    book, ask = body["messages"][0]["content"]
    assert (book["cache_control"], "cache_control" in ask) == (EPHEMERAL, False)
    thought, said = body["messages"][1]["content"]
    assert (said["cache_control"], "cache_control" in thought) == (EPHEMERAL, False)


def test_cache_hints_reach_only_those_openai_compatible_apis_that_know_them() -> None:
    assert b"cache_control" not in orjson.dumps(openai(hinted()))
    body = openai(hinted(), profile=Profile(prompt_caching=Caching.EXPLICIT))
    assert body["messages"][0]["content"] == [{"type": "text", "text": "Be brief.", "cache_control": HOUR}]
    assert body["messages"][2]["content"] == [{"type": "text", "text": "Done.", "cache_control": EPHEMERAL}]
    assert body["tools"][0]["cache_control"] == HOUR


def test_the_last_breakpoints_are_kept_where_there_are_too_many() -> None:
    parts = tuple(TextPart(str(number), cache_hint=CacheHint()) for number in range(6))
    call = BackendCall("m", Query((Message(Role.USER, parts),)), False, profile=ANTHROPIC)
    content = messages_body(call, 4096)["messages"][0]["content"]
    assert [item["text"] for item in content if "cache_control" in item] == ["2", "3", "4", "5"]
    (adjustment,) = call.dispatch.adjustments
    assert "last 4" in adjustment.detail


def test_a_history_that_is_sent_otherwise_is_told() -> None:
    odd = (
        Message(Role.ASSISTANT, (ToolCall("functions.f:0", "f"),)),
        Message(Role.TOOL, (ToolResult("functions.f:0", "1"),)),
    )
    call = BackendCall("m", Query((*text_query("Hi").messages, *odd)), False, profile=ANTHROPIC)
    messages_body(call, 4096)
    assert [made.field for made in call.dispatch.adjustments] == ["query.messages"]
    call = BackendCall("m", text_query("Hi"), False, profile=ANTHROPIC)
    messages_body(call, 4096)
    assert call.dispatch.adjustments == []
