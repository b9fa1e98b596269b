"""A rule that keeps private text on a local model sees all that would be sent, however it is wrapped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from frontdesk.v1 import chat_pb2 as chat
from frontdesk_server.domain.query import (
    MediaPart,
    Message,
    Query,
    Role,
    TextPart,
    ToolCall,
    ToolResult,
    text_query,
)
from frontdesk_server.routing.searched import texts_anywhere, unescaped
from frontdesk_server.rpc.decode import decode_query
from google.protobuf import message as protobuf
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.routing.desk import engine_of, route

KEYWORDS = "keywords: [iban, 密码, зарплата]"
PATTERN = r"pattern: '\b\d{3}-\d{2}-\d{4}\b'"
ANYWHERE = f"any: [{{{PATTERN}, anywhere: true}}, {{{KEYWORDS}, anywhere: true}}]"
LAST = f"any: [{{{PATTERN}}}, {{{KEYWORDS}}}]"


async def is_kept(query: Query, when: str = ANYWHERE) -> bool:
    """Whether the rule for private text holds."""
    rules = f"{{kind: rules, rules: [{{name: private, when: {{{when}}}, model: frontier}}]}}"
    engine = engine_of(f"routers: {{default: {{default_model: mid, strategy: {rules}}}}}")
    return (await route(engine, query)).model == "frontier"


def using_tool(arguments: str = "{}", result: str = "", **result_fields: Any) -> Query:
    return Query(
        (
            Message(Role.USER, (TextPart("go on"),)),
            Message(Role.ASSISTANT, (ToolCall("1", "f", arguments),)),
            Message(Role.TOOL, (ToolResult("1", result, **result_fields),)),
        )
    )


def said_in(role: Role, *parts: str) -> Query:
    return Query((Message(role, tuple(map(TextPart, parts))), Message(Role.USER, (TextPart("go on"),))))


SECRETS = (
    *("x\n123-45-6789", "x\niban is 5", "x\tiban", "x\r\n密码", "моя зарплата"),
    *('he said "iban"', "\\iban", "a\x0ciban\b"),
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 3])
async def test_text_within_json_is_seen(secret: str, ascii_only: bool, depth: int) -> None:
    document = json.dumps({"mail": secret}, ensure_ascii=ascii_only)
    for _ in range(depth - 1):
        document = json.dumps({"body": document})

    assert await is_kept(using_tool(arguments=document))
    assert await is_kept(using_tool(result=document))
    assert await is_kept(using_tool(parts=(TextPart(document),)))
    assert await is_kept(said_in(Role.USER, document))
    assert await is_kept(text_query(f'see 5" of\n{document}\nand answer'), LAST)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (r'{"a": "\u0069ban"}', True),
        (r'{"a": "\u0069\u0062\u0061\u006E"}', True),
        (r'{"a": "\\u0069ban"', True),  # once more wrapped, and cut
        (r'{"a": "nothing\nprivate"}', False),
        (r'{"a": "C:\\liban"}', False),
        (r"\u12", False),
        ("\\", False),
        (r"\ud83d\ude00 iban", True),
        (r"\ud83d iban", True),
    ],
)
async def test_escapes_are_read_wherever_they_stand(text: str, kept: bool) -> None:
    assert await is_kept(text_query(text)) is kept


_DOCUMENTS = st.recursive(
    st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@given(_DOCUMENTS)
def test_every_string_of_a_json_text_is_searched(document: Any) -> None:
    def strings(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        for inner in value if not isinstance(value, str) else ():
            yield from strings(inner)
            if isinstance(value, dict):
                yield from strings(value[inner])

    written = json.dumps(document)
    searched = "\n".join((written, *unescaped(written)))
    assert all(text in searched for text in strings(document) if "\uffff" not in text)


@pytest.mark.parametrize("parts", [("ib", "an"), ("密", "码"), ("123-45", "-6789"), ("x", "ib", "an y")])
async def test_what_is_divided_over_parts_is_seen(parts: tuple[str, ...]) -> None:
    for role in (Role.SYSTEM, Role.USER, Role.ASSISTANT):
        assert await is_kept(said_in(role, *parts))
    assert await is_kept(using_tool(parts=tuple(map(TextPart, parts))))
    messages = tuple(Message(Role.USER, (TextPart(text),)) for text in parts)
    assert await is_kept(Query(messages))
    last = Query((Message(Role.USER, tuple(map(TextPart, parts))),))
    assert await is_kept(last, LAST)


async def test_a_pattern_still_knows_where_the_conversation_begins_and_ends() -> None:
    query = Query((Message(Role.USER, (TextPart("first"), TextPart("second")), name="ann"),), user_id="u", tools=())
    assert await is_kept(query, "pattern: '^first', anywhere: true")
    assert await is_kept(query, "pattern: 'second$', anywhere: true")


@pytest.mark.parametrize(
    ("mime_type", "searched"),
    [("text/plain", True), ("TEXT/csv; charset=utf-8", True), ("application/json", True), ("image/png", False)],
)
def test_media_that_are_text_are_searched(mime_type: str, searched: bool) -> None:
    query = Query((Message(Role.USER, (TextPart("look"), MediaPart(mime_type, data=b"my iban"))),))
    assert any("my iban" in text for text in texts_anywhere(query)) is searched


_NOT_SENT = {"dialect", "citations"}
_OPAQUE = {"signature", "redacted_data"}
_A_TOOLS_NAME = {"tool_choice"}

_Path = tuple[FieldDescriptor, ...]


def _texts_below(descriptor: Descriptor, above: _Path = ()) -> Iterator[_Path]:
    """The way to every text of a query, as the contract defines it."""
    for field in cast("list[FieldDescriptor]", descriptor.fields):
        if field.name in _NOT_SENT | _OPAQUE | _A_TOOLS_NAME:
            continue
        if field.type == FieldDescriptor.TYPE_STRING:
            yield (*above, field)
        elif field.message_type is not None:
            yield from _texts_below(field.message_type, (*above, field))


def _holding(path: _Path, text: str) -> chat.Query:
    query = chat.Query()
    holder: protobuf.Message = query
    for field in path[:-1]:
        inner = getattr(holder, field.name)
        holder = inner.add() if field.is_repeated else inner
        holder.SetInParent()
        if isinstance(holder, chat.Message):
            holder.role = chat.ROLE_ASSISTANT
    if path[-1].is_repeated:
        getattr(holder, path[-1].name).append(text)
    else:
        setattr(holder, path[-1].name, text)
    if isinstance(holder, chat.ContentPart) and path[-1].name != "text":
        holder.text = "x"
    return query


_TEXTS = {".".join(field.name for field in path): path for path in _texts_below(chat.Query.DESCRIPTOR)}


@pytest.mark.parametrize("path", _TEXTS.values(), ids=_TEXTS.keys())
def test_every_text_that_is_sent_is_searched(path: _Path) -> None:
    query = _holding(path, "needle")
    if path[-2:-1] and path[-2].name in ("provider_options", "provider_state"):
        for message in query.messages:
            for part in message.parts:
                if part.WhichOneof("part") is None:
                    part.text = "x"

    assert any("needle" in text for text in texts_anywhere(decode_query(query)))
