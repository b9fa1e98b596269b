"""A chat request in any of the shapes that clients send means, on its way through Frontdesk, what it meant."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.profile import Profile
from frontdesk_server.faces.openai.request import read_chat_request
from hypothesis import given, settings
from hypothesis import strategies as st

Json = dict[str, Any]

PNG = "data:image/png;base64,iVBORw0KGgo="
_PROFILE = Profile(refusals=True, names=True, output_limit_field="max_tokens", user_field="user")
_WORDS = st.text("abcÄ漢 .", min_size=1, max_size=12).filter(str.strip)


def sent(body: Json) -> Json:
    """What the same API is asked in the end."""
    query, _, _ = read_chat_request(body, {}).decoded()
    call = BackendCall("m", query, False, profile=_PROFILE, dialects=frozenset({"openai"}), provider="openai")
    return chat_completion_body(call)


def pieces_of(content: Any, *, glue: str) -> tuple[str, list[str]]:
    """The text and the pictures of a content, in whatever shape."""
    if content is None or isinstance(content, str):
        return content or "", []
    texts, images = [], []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif part["type"] == "text":
            texts.append(part["text"])
        else:
            image = part["image_url"]
            images.append(image if isinstance(image, str) else image["url"])
    return glue.join(texts), images


def meaning_of(messages: Sequence[Json]) -> list[Any]:
    """Who says what, calls what, and got what back."""
    told: list[Any] = []
    for message in messages:
        role = "system" if message["role"] == "developer" else message["role"]
        calls = [(one["id"], one["function"]) for one in message.get("tool_calls") or ()]
        if message.get("function_call"):
            calls = [("legacy", message["function_call"])]
        called = [("legacy" if of.startswith("call_") else of, f["name"], f["arguments"]) for of, f in calls]
        glue = "" if role == "assistant" else "\n"
        answered = message.get("tool_call_id", "")
        if role == "function":
            role, answered = "tool", "legacy"
        told.append(
            (
                role,
                pieces_of(message.get("content"), glue=glue),
                called,
                message.get("refusal"),
                "legacy" if answered.startswith("call_") else answered,
                message.get("name") if role in ("user", "system") else None,
            )
        )
    return told


texts = _WORDS.map(lambda word: {"type": "text", "text": word})
images = st.sampled_from(
    [{"type": "image_url", "image_url": {"url": url}} for url in (PNG, "https://example.org/a.png")]
)
contents = st.one_of(_WORDS, st.lists(texts, min_size=1, max_size=3), st.lists(_WORDS, min_size=1, max_size=2))
users = st.builds(
    lambda content, name: {"role": "user", "content": content, **({"name": name} if name else {})},
    st.one_of(contents, st.tuples(texts, images).map(list)),
    st.sampled_from(["", "ann"]),
)
systems = st.builds(
    lambda role, content: {"role": role, "content": content}, st.sampled_from(["system", "developer"]), contents
)
answers = st.one_of(
    st.builds(lambda content: {"role": "assistant", "content": content}, contents),
    st.builds(lambda text: {"role": "assistant", "content": None, "refusal": text}, _WORDS),
)


@st.composite
def tool_rounds(draw: st.DrawFn) -> list[Json]:
    """An assistant's calls with the results of all of them, today's way or the one of old."""
    said = draw(st.one_of(st.none(), _WORDS))
    arguments = draw(st.dictionaries(st.sampled_from(["city", "day"]), _WORDS).map(json.dumps))
    if draw(st.booleans()):
        call = {"name": "look", "arguments": arguments}
        return [
            {"role": "assistant", "content": said, "function_call": call},
            {"role": "function", "name": "look", "content": draw(_WORDS)},
        ]
    ids = draw(st.lists(st.sampled_from(["a1", "b2", "c3"]), min_size=1, max_size=3, unique=True))
    calls = [{"id": one, "type": "function", "function": {"name": "look", "arguments": arguments}} for one in ids]
    message = {"role": "assistant", "tool_calls": calls, **({} if said is None else {"content": said})}
    return [message, *({"role": "tool", "tool_call_id": one, "content": draw(contents)} for one in ids)]


@st.composite
def conversations(draw: st.DrawFn) -> list[Json]:
    """Instructions, then rounds of a user with an answer or with calls, and a user at last."""
    messages = draw(st.lists(systems, max_size=1))
    for _ in range(draw(st.integers(0, 2))):
        messages.append(draw(users))
        messages += draw(st.one_of(answers.map(lambda one: [one]), tool_rounds()))
    return [*messages, draw(users)]


@given(conversations())
@settings(max_examples=150)
def test_a_conversation_in_any_shape_keeps_its_meaning(messages: list[Json]) -> None:
    body = sent({"model": "default", "messages": messages})
    assert meaning_of(body["messages"]) == meaning_of(messages)


_HI = [{"role": "user", "content": "hi"}]
_TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}, "strict": True}}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"temperature": 0, "top_p": 0.5}, {"temperature": 0.0, "top_p": 0.5}),
        ({"stop": "x"}, {"stop": ["x"]}),
        ({"stop": ["x", "y"]}, {"stop": ["x", "y"]}),
        ({"seed": 2**40, "frequency_penalty": -1}, {"seed": 2**40, "frequency_penalty": -1.0}),
        ({"logprobs": True, "top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
        ({"logprobs": False, "top_logprobs": None}, {}),
        ({"user": "ann"}, {"user": "ann"}),
        ({"user": "a" * 200}, {"user": "a" * 200}),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}),
        ({"response_format": {"type": "grammar", "g": 1}}, {"response_format": {"type": "grammar", "g": 1}}),
        ({"tools": [_TOOL], "tool_choice": "required"}, {"tools": [_TOOL], "tool_choice": "required"}),
        (
            {"tools": [_TOOL], "parallel_tool_calls": False},
            {"tools": [_TOOL], "parallel_tool_calls": False},
        ),
        (
            {"functions": [{"name": "look"}], "function_call": {"name": "look"}},
            {
                "tools": [{"type": "function", "function": {"name": "look"}}],
                "tool_choice": {"type": "function", "function": {"name": "look"}},
            },
        ),
        ({"parallel_tool_calls": True, "tool_choice": "auto"}, {}),
        ({"n": 1, "stream": False, "stream_options": None}, {}),
        ({"verbosity": "low", "prediction": {"a": [1]}}, {"verbosity": "low", "prediction": {"a": [1]}}),
        ({"metadata": {"team": "a"}}, {}),
    ],
)
def test_settings_keep_their_meaning(members: Json, expected: Json) -> None:
    body = sent({"model": "default", "messages": _HI, **members})
    assert body == {"model": "m", "messages": _HI, **expected}


def test_what_a_provider_wants_back_comes_back_with_the_message() -> None:
    carried = {"provider_state": [{"dialect": "openai", "json": '{"reasoning_details":[{"a":1}]}'}]}
    messages = [*_HI, {"role": "assistant", "content": "yo", "frontdesk": carried}, *_HI]
    query, _, _ = read_chat_request({"model": "default", "messages": messages}, {}).decoded()
    (state,) = query.messages[1].provider_state
    assert (state.dialect, state.json) == ("openai", '{"reasoning_details":[{"a":1}]}')
