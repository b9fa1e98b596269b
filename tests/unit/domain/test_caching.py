"""Hints for providers' prompt caches, and the bytes that a growing conversation keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.caching import history_of, speaks_of_caching, with_cache_hints
from frontdesk_server.domain.provider import CacheHint, ProviderOptions
from frontdesk_server.domain.query import (
    ContentPart,
    Message,
    Query,
    ReasoningPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
    text_query,
)
from hypothesis import given
from hypothesis import strategies as st

HINT = CacheHint()
SYSTEM = Message(Role.SYSTEM, (TextPart("Be brief."),))
ASKED = Message(Role.USER, (TextPart("When?"),))
ANSWERED = Message(Role.ASSISTANT, (TextPart("Now."),))
TOOLS = (Tool("a"), Tool("b"))


def hinted(query: Query) -> list[str]:
    """Where the query has hints: tools by their names, parts by their messages' places."""
    tools = [tool.name for tool in query.tools if tool.cache_hint is not None]
    parts = [f"{place}" for place, m in enumerate(query.messages) for part in m.parts if part.cache_hint is not None]
    return tools + parts


@pytest.mark.parametrize(
    ("query", "goes_on", "expected"),
    [
        (Query((ASKED,)), False, []),
        (Query((SYSTEM, ASKED)), False, ["0"]),
        (Query((SYSTEM, ASKED)), True, ["0", "1"]),
        (Query((SYSTEM, ASKED), TOOLS), False, ["b", "0", "1"]),
        (Query((SYSTEM, ASKED, ANSWERED, ASKED)), False, ["0", "1", "3"]),
        (Query((SYSTEM, ASKED, ANSWERED, ASKED, ANSWERED, ASKED), TOOLS), False, ["b", "0", "3", "5"]),
        (Query((SYSTEM,)), True, ["0"]),
        (Query((ASKED, ANSWERED)), True, ["0", "1"]),
        (Query((Message(Role.ASSISTANT, (TextPart("Yes"), TextPart(" "), ReasoningPart("hm"))),)), True, ["0"]),
    ],
)
def test_hints_end_what_calls_have_in_common(query: Query, goes_on: bool, expected: list[str]) -> None:
    assert hinted(with_cache_hints(query, goes_on=goes_on)) == expected


OWN = ProviderOptions("anthropic", '{"cache_control": {"type": "ephemeral"}}')


@pytest.mark.parametrize(
    "query",
    [
        Query((SYSTEM, replace(ASKED, cache_hint=HINT))),
        Query((SYSTEM, Message(Role.USER, (TextPart("When?", cache_hint=HINT),)))),
        Query((SYSTEM, ASKED), (Tool("a", cache_hint=HINT), Tool("b"))),
        Query((SYSTEM, ASKED), provider_options=(OWN,)),
        Query((SYSTEM, replace(ASKED, provider_options=(OWN,)))),
        Query((SYSTEM, ASKED), (Tool("a", provider_options=(OWN,)),)),
    ],
)
def test_who_speaks_of_caching_is_left_to_it(query: Query) -> None:
    assert speaks_of_caching(query)
    assert not speaks_of_caching(Query((SYSTEM, ASKED), TOOLS))


def test_the_history_is_what_an_earlier_call_was_answered_with() -> None:
    assert history_of(text_query("hi")) == ()
    assert history_of(Query((SYSTEM, ASKED, ANSWERED, ASKED))) == (SYSTEM, ASKED, ANSWERED)


def _step(number: int, calls: int, foreign: bool) -> list[Message]:
    ids = [f"call:{number}:{place}" if foreign else f"call_{number}_{place}" for place in range(calls)]
    asking: tuple[ContentPart, ...] = (
        TextPart(f"Step {number}"),
        *(ToolCall(one, "a", '{"b": 1, "a": 2}') for one in ids),
    )
    return [
        Message(Role.ASSISTANT, asking),
        *(Message(Role.TOOL, (ToolResult(one, "found"),)) for one in reversed(ids)),
        *([] if calls else [ASKED]),
    ]


def _bare(value: Any) -> Any:
    if isinstance(value, list):
        return [_bare(one) for one in value]
    if isinstance(value, dict):
        return {name: _bare(one) for name, one in value.items() if name != "cache_control"}
    return value


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6))
def test_a_growing_conversation_begins_with_the_same_bytes(steps: list[tuple[int, bool]]) -> None:
    messages = [SYSTEM, ASKED]
    heads: dict[bool, bytes] = {}
    before: dict[bool, list[bytes]] = {}
    for number, (calls, foreign) in enumerate([*steps, (0, False)]):
        query = with_cache_hints(Query(tuple(messages), TOOLS), goes_on=True)
        call = BackendCall("m", query, stream=False)
        for build in (lambda call: messages_body(call, 100), chat_completion_body):
            body = _bare(build(call))
            head = orjson.dumps([body["tools"], body.get("system")])
            sent = [orjson.dumps(message) for message in body["messages"]]
            name = "system" in body
            assert head == heads.get(name, head)
            assert sent[: len(before.get(name, []))] == before.get(name, [])
            before[name], heads[name] = sent, head
        messages += _step(number, calls, foreign)
