from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from frontdesk import GenerationConfig, Query, RoutingPolicy, _requests, assistant, system, to_json, tool_result, user
from frontdesk._requests import GenerationFields, PolicyFields, to_policy, to_query
from frontdesk.v1.chat_pb2 import (
    ROLE_SYSTEM,
    ROLE_TOOL,
    ROLE_USER,
    ContentPart,
    JsonObjectFormat,
    Media,
    Message,
    ResponseFormat,
)
from frontdesk.v1.routing_pb2 import CAPABILITY_TOOLS


def test_a_text_is_one_user_message() -> None:
    assert to_query("hi") == Query(messages=[Message(role=ROLE_USER, parts=[ContentPart(text="hi")])])


def test_a_conversation_is_its_messages() -> None:
    query = to_query([system("be brief"), user("hi"), assistant("hello"), tool_result("1", "42", is_error=True)])
    assert [message.role for message in query.messages] == [ROLE_SYSTEM, ROLE_USER, 3, ROLE_TOOL]
    assert query.messages[3].parts[0].tool_result.is_error


def test_a_user_shows_media() -> None:
    media = ContentPart(media=Media(mime_type="image/png", data=b"x"))
    assert list(user("look", media).parts) == [ContentPart(text="look"), media]


def test_a_query_is_passed_as_it_is() -> None:
    query = Query(messages=[user("hi")])
    assert to_query(query) is query


def test_no_wish_is_no_policy() -> None:
    assert to_policy(None, {}) is None


def test_keywords_win_over_the_policy_and_leave_it_alone() -> None:
    policy = RoutingPolicy(router="a", quality_floor=0.5, allowed_models=["x"])
    merged = to_policy(
        policy,
        {
            "router": "b",
            "cost_weight": 0.0,
            "allowed_models": {"y"},
            "required_capabilities": [CAPABILITY_TOOLS],
            "max_time_to_first_token_seconds": 1.5,
        },
    )
    assert merged is not None
    assert (merged.router, merged.quality_floor, list(merged.allowed_models)) == ("b", 0.5, ["y"])
    assert merged.HasField("cost_weight")
    assert list(merged.required_capabilities) == [CAPABILITY_TOOLS]
    assert merged.max_time_to_first_token.ToMilliseconds() == 1500
    assert policy == RoutingPolicy(router="a", quality_floor=0.5, allowed_models=["x"])


def test_settings_of_the_generation_are_arguments_and_leave_the_query_alone() -> None:
    query = Query(messages=[user("hi")], generation=GenerationConfig(seed=7, temperature=1))
    json_object = ResponseFormat(json_object=JsonObjectFormat())
    request = _requests.complete(
        query,
        None,
        None,
        {
            "max_output_tokens": 9,
            "temperature": 0,
            "stop_sequences": ["\n"],
            "response_format": json_object,
            "router": "a",
        },
    )
    wanted = GenerationConfig(
        seed=7, temperature=0, max_output_tokens=9, stop_sequences=["\n"], response_format=json_object
    )
    assert request.query == Query(messages=[user("hi")], generation=wanted)
    assert request.policy == RoutingPolicy(router="a")
    assert query.generation == GenerationConfig(seed=7, temperature=1)


def test_every_setting_of_the_contract_is_an_argument_and_no_name_means_two() -> None:
    settings, wishes = GenerationFields.__annotations__.keys(), PolicyFields.__annotations__.keys()
    assert settings == set(GenerationConfig.DESCRIPTOR.fields_by_name)
    assert {name.removesuffix("_seconds") for name in wishes} == set(RoutingPolicy.DESCRIPTOR.fields_by_name)
    assert not settings & wishes


def test_a_misspelt_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'temprature'"):
        _requests.complete("hi", None, None, {"temprature": 0})  # type: ignore[typeddict-unknown-key]


def test_a_message_is_one_line_of_json() -> None:
    assert json.loads(to_json(user("größe"))) == {"role": "ROLE_USER", "parts": [{"text": "größe"}]}
    assert "\n" not in to_json(user("a\nb"))


@pytest.mark.parametrize(
    ("write", "field"),
    [
        (lambda: to_query("a\udcff"), "text"),
        (lambda: system("a\udcff"), "text"),
        (lambda: assistant("a\udcff"), "text"),
        (lambda: user("b", "a\udcff"), "text"),
        (lambda: tool_result("1", "a\udcff"), "content"),
        (lambda: tool_result("1", ["a\udcff"]), "content"),
        (lambda: tool_result("a\udcff", "42"), "tool_call_id"),
    ],
)
def test_a_text_that_is_no_unicode_is_refused_with_its_field(write: Callable[[], object], field: str) -> None:
    with pytest.raises(ValueError, match=rf"^{field}: .* character 2 is U\+DCFF") as caught:
        write()
    assert not isinstance(caught.value, UnicodeError)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"router": "a\udcff"}, "router"), ({"allowed_models": ["small", "a\udcff"]}, "allowed_models")],
)
def test_a_wish_that_is_no_unicode_is_refused_with_its_field(fields: PolicyFields, field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: it cannot be sent as UTF-8"):
        to_policy(None, fields)
