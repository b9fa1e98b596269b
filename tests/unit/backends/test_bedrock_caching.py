"""Cache hints as the cache points of Converse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from frontdesk_server.backends.bedrock_request import converse_body
from frontdesk_server.backends.bedrock_response import BedrockTranslator
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.caching import with_cache_hints
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.provider import CacheHint
from frontdesk_server.domain.query import (
    MediaPart,
    Message,
    Query,
    ReasoningPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
)

from tests.profiles import profile_at
from tests.upstream.bedrock import check

_CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
_OLD_CLAUDE = "anthropic.claude-3-5-sonnet-20241022-v2:0"
_NOVA = "amazon.nova-pro-v1:0"
_POINT = {"cachePoint": {"type": "default"}}
_HOUR = {"cachePoint": {"type": "default", "ttl": "1h"}}
_HINT, _LONG = CacheHint(), CacheHint(3600)


def _profile(model: str) -> Profile:
    return profile_at("bedrock", "", model)


def _sent(query: Query, model: str = _CLAUDE) -> tuple[dict[str, Any], list[str]]:
    call = BackendCall(model, query, stream=True, dialects=frozenset({"bedrock"}), profile=_profile(model))
    claude = "claude" in model
    body = converse_body(call, "claude" if claude else "nova")
    check(body, claude=claude)
    return body, [adjustment.detail for adjustment in call.dispatch.adjustments]


def _user(*parts: Any, hint: CacheHint | None = None) -> Message:
    return Message(Role.USER, parts, cache_hint=hint)


_LOOP = Query(
    (
        Message(Role.SYSTEM, (TextPart("Be brief."),)),
        _user(TextPart("Add.")),
        Message(Role.ASSISTANT, (ReasoningPart("Hm.", "signed"), ToolCall("call_1", "add"))),
        Message(Role.TOOL, (ToolResult("call_1", "4"),)),
    ),
    (Tool("add"), Tool("subtract")),
)


def test_auto_sets_points_after_tools_system_and_turns() -> None:
    body, adjusted = _sent(with_cache_hints(_LOOP, goes_on=True))
    assert ["toolSpec" in tool for tool in body["toolConfig"]["tools"]] == [True, True, False]
    assert body["toolConfig"]["tools"][-1] == _POINT
    assert body["system"] == [{"text": "Be brief."}, _POINT]
    assert [turn["content"][-1] == _POINT for turn in body["messages"]] == [True, False, True]
    assert adjusted == []


def test_nova_has_no_point_after_tools() -> None:
    body, _ = _sent(with_cache_hints(_LOOP, goes_on=True), _NOVA)
    assert _POINT not in body["toolConfig"]["tools"]
    assert body["system"][-1] == _POINT


@pytest.mark.parametrize("model", [_OLD_CLAUDE, "meta.llama3-3-70b-instruct-v1:0"])
def test_models_without_caches_get_no_point(model: str) -> None:
    body, _ = _sent(with_cache_hints(_LOOP, goes_on=True), model)
    assert "cachePoint" not in str(body)


@pytest.mark.parametrize(
    ("message", "content"),
    [
        (_user(TextPart("a", cache_hint=_HINT), TextPart("b")), [{"text": "a"}, _POINT, {"text": "b"}]),
        (_user(TextPart("a"), TextPart("b"), hint=_LONG), [{"text": "a"}, {"text": "b"}, _HOUR]),
        (_user(TextPart("a", cache_hint=_LONG), hint=_HINT), [{"text": "a"}, _HOUR]),
        (_user(TextPart("a"), TextPart(" ", cache_hint=_HINT)), [{"text": "a"}]),
        (
            Message(Role.USER, (TextPart("a", cache_hint=_HINT),), "Ann"),
            [{"text": "Ann:"}, {"text": "a"}, _POINT],
        ),
    ],
)
def test_a_point_stands_behind_the_block_with_the_hint(message: Message, content: list[dict[str, Any]]) -> None:
    body, _ = _sent(Query((message,)))
    assert body["messages"][0]["content"] == content


def test_a_point_never_follows_reasoning() -> None:
    thought = Message(
        Role.ASSISTANT, (TextPart("4"), ReasoningPart("Hm.", "signed", cache_hint=_HINT)), cache_hint=_HINT
    )
    body, _ = _sent(Query((_user(TextPart("Add.")), thought, _user(TextPart("More.")))))
    assert body["messages"][1]["content"] == [{"text": "4"}, _POINT]


def test_a_document_with_a_hint_keeps_the_text_that_is_demanded_beside_it() -> None:
    document = MediaPart("application/pdf", b"x", filename="a.pdf", cache_hint=_HINT)
    body, _ = _sent(Query((_user(document),)))
    assert [next(iter(block)) for block in body["messages"][0]["content"]] == ["document", "cachePoint", "text"]


def test_of_more_than_four_points_the_last_are_kept_and_it_is_said() -> None:
    parts = [TextPart(str(number), cache_hint=_HINT) for number in range(4)]
    system = Message(Role.SYSTEM, (TextPart("Be brief.", cache_hint=_HINT),))
    tools = (Tool("add", cache_hint=_HINT), Tool("subtract", cache_hint=_HINT))
    body, adjusted = _sent(Query((system, _user(*parts)), tools))
    assert _POINT not in body["toolConfig"]["tools"] + body["system"]
    assert body["messages"][0]["content"].count(_POINT) == 4
    assert adjusted == ["cache hints but the last 4 were left out: the API allows no more"]


def test_points_for_an_hour_come_before_all_others() -> None:
    system = Message(Role.SYSTEM, (TextPart("Be brief.", cache_hint=_LONG),))
    ordered, adjusted = _sent(Query((system, _user(TextPart("a", cache_hint=_HINT)))))
    assert (ordered["system"][-1], ordered["messages"][0]["content"][-1], adjusted) == (_HOUR, _POINT, [])
    system = Message(Role.SYSTEM, (TextPart("Be brief.", cache_hint=_HINT),))
    shortened, adjusted = _sent(Query((system, _user(TextPart("a", cache_hint=_LONG)))))
    assert shortened["messages"][0]["content"][-1] == _POINT
    assert len(adjusted) == 1
    assert "five minutes" in adjusted[0]


@pytest.mark.parametrize("kind", ["unary", "stream"])
@pytest.mark.parametrize("tier", ["flex", "priority", "default"])
def test_the_tier_that_served_the_call_is_told(kind: str, tier: str) -> None:
    translator = BedrockTranslator("m")
    served: dict[str, Any] = {"usage": {"inputTokens": 10, "outputTokens": 5}, "serviceTier": {"type": tier}}
    if kind == "unary":
        message = {"role": "assistant", "content": [{"text": "4"}]}
        list(translator.read_document({"output": {"message": message}, "stopReason": "end_turn", **served}))
    else:
        delta = {"contentBlockIndex": 0, "delta": {"text": "4"}}
        events = [("contentBlockDelta", delta), ("messageStop", {"stopReason": "end_turn"}), ("metadata", served)]
        list(translator.read_events([SseEvent(name, json.dumps(content)) for name, content in events]))
    assert translator.finished().usage.service_tier == ("" if tier == "default" else tier)


def test_an_hour_where_a_model_keeps_five_minutes_is_said_once() -> None:
    query = Query((_user(TextPart("a", cache_hint=_LONG), TextPart("b", cache_hint=_LONG)),))
    body, adjusted = _sent(query, _NOVA)
    assert body["messages"][0]["content"].count(_POINT) == 2
    assert adjusted == ["cache hints for more than five minutes hold for five: the model keeps no longer"]


def test_what_was_written_for_an_hour_is_counted_apart() -> None:
    usage = {
        "inputTokens": 10,
        "outputTokens": 5,
        "totalTokens": 115,
        "cacheReadInputTokens": 40,
        "cacheWriteInputTokens": 60,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 20}, {"ttl": "1h", "inputTokens": 40}],
    }
    translator = BedrockTranslator("m")
    message = {"role": "assistant", "content": [{"text": "4"}]}
    list(translator.read_document({"output": {"message": message}, "stopReason": "end_turn", "usage": usage}))
    counted = translator.finished().usage
    assert (counted.input_tokens, counted.cache_write_tokens, counted.cache_write_long_tokens) == (110, 60, 40)
