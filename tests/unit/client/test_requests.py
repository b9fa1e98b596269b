from __future__ import annotations

from frontdesk import Query, RoutingPolicy, assistant, system, tool_result, user
from frontdesk._requests import to_policy, to_query
from frontdesk.v1.chat_pb2 import ROLE_SYSTEM, ROLE_TOOL, ROLE_USER, ContentPart, Media, Message
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
