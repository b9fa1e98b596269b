"""Conversations of nothing but text take a short way, with the same result as the long one."""

from __future__ import annotations

import pytest
from frontdesk.v1 import chat_pb2 as chat
from frontdesk.v1 import router_service_pb2 as pb
from frontdesk_server.domain.errors import InvalidRequest
from frontdesk_server.rpc.decode import decode_query
from frontdesk_server.rpc.plain import plain_messages
from frontdesk_server.rpc.validation import validate_query_request
from frontdesk_server.rpc.violations import DEFAULT_LIMITS, Limits
from hypothesis import given
from hypothesis import strategies as st

ROLES = [*chat.Role.values(), 99]
NO_TEXTS = [
    chat.ContentPart(),
    chat.ContentPart(text="No.", refusal=True),
    chat.ContentPart(text="Hi", cache_hint=chat.CacheHint()),
    chat.ContentPart(media=chat.Media(mime_type="image/png", data=b"x")),
    chat.ContentPart(tool_call=chat.ToolCall(id="1", name="f")),
    chat.ContentPart(text="Hi", provider_options=[chat.ProviderOptions(dialect="openai", options_json="{}")]),
]
parts = st.builds(lambda text: chat.ContentPart(text=text), st.text(max_size=5)) | st.sampled_from(NO_TEXTS)
texts = st.builds(lambda text: chat.ContentPart(text=text), st.text(max_size=5))
messages = st.builds(
    lambda role, parts, name: chat.Message(role=role, parts=parts, name=name),
    st.sampled_from(ROLES),
    st.lists(texts, min_size=1, max_size=3) | st.lists(parts, max_size=3),
    st.sampled_from(["", "", "", "ada"]),
)
LIMITS = Limits(messages=4, parts=6)


@given(st.lists(messages, max_size=5))
def test_what_is_plain_is_valid_and_decoded_as_on_the_long_way(said: list[chat.Message]) -> None:
    query = chat.Query(messages=said)
    decoded = plain_messages(query, LIMITS)
    if decoded is not None:
        validate_query_request(pb.RouteRequest(query=query), LIMITS)
        assert decode_query(query, decoded) == decode_query(query)


def speaking(*roles: chat.Role.ValueType) -> chat.Query:
    return chat.Query(messages=[chat.Message(role=role, parts=[chat.ContentPart(text="Hi")]) for role in roles])


def test_text_of_system_user_and_assistant_is_plain() -> None:
    query = speaking(chat.ROLE_SYSTEM, chat.ROLE_USER, chat.ROLE_ASSISTANT, chat.ROLE_USER)
    assert plain_messages(query, DEFAULT_LIMITS) == decode_query(query).messages


@pytest.mark.parametrize(
    "query",
    [
        chat.Query(),
        speaking(chat.ROLE_UNSPECIFIED),
        speaking(chat.ROLE_TOOL),
        speaking(chat.ROLE_USER, chat.ROLE_ASSISTANT),
        speaking(*[chat.ROLE_USER] * 5),
        chat.Query(messages=[chat.Message(role=chat.ROLE_USER)]),
        chat.Query(messages=[chat.Message(role=chat.ROLE_USER, parts=[chat.ContentPart(text="Hi")] * 7)]),
        *[chat.Query(messages=[chat.Message(role=chat.ROLE_USER, parts=[part])]) for part in NO_TEXTS],
    ],
)
def test_everything_else_is_not(query: chat.Query) -> None:
    assert plain_messages(query, LIMITS) is None


def test_the_rest_of_a_plain_query_is_looked_at_all_the_same() -> None:
    query = speaking(chat.ROLE_USER)
    query.generation.temperature = -1
    with pytest.raises(InvalidRequest):
        validate_query_request(pb.RouteRequest(query=query), plain=True)
