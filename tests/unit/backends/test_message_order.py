"""Some APIs demand that certain roles take turns."""

from __future__ import annotations

import pytest
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.query import ContentPart, MediaPart, Message, Query, Role, TextPart, ToolCall, ToolResult

ANY = Profile()
REPLIED = Profile(user_after_tool=False)
ALTERNATING = Profile(repeated_roles=False, empty_answers=False)


def said(role: Role, *parts: ContentPart | str) -> Message:
    return Message(role, tuple(TextPart(part) if isinstance(part, str) else part for part in parts))


SYSTEM, USER, ASSISTANT = said(Role.SYSTEM, "Be brief."), said(Role.USER, "Hi"), said(Role.ASSISTANT, "Yes?")
CALL = said(Role.ASSISTANT, ToolCall("a", "f"))
RESULT = said(Role.TOOL, ToolResult("a", "1"))
IMAGE = MediaPart("image/png", b"x")


@pytest.mark.parametrize(
    ("profile", "messages", "expected"),
    [
        (ANY, (USER, CALL, RESULT, USER), ["user: Hi", "assistant: None", "tool: 1", "user: Hi"]),
        (REPLIED, (USER, CALL, RESULT, USER), ["user: Hi", "assistant: None", "tool: 1", "assistant: OK.", "user: Hi"]),
        (REPLIED, (USER, CALL, RESULT), ["user: Hi", "assistant: None", "tool: 1"]),
        (ANY, (USER, USER), ["user: Hi", "user: Hi"]),
        (ALTERNATING, (said(Role.USER, ""), said(Role.USER, "")), ["user: "]),
        (ALTERNATING, (SYSTEM, USER, USER), ["system: Be brief.", "user: Hi\n\nHi"]),
        (
            ALTERNATING,
            (SYSTEM, ASSISTANT, USER),
            ["system: Be brief.", "user: (no text)", "assistant: Yes?", "user: Hi"],
        ),
        (ALTERNATING, (USER, said(Role.ASSISTANT), USER), ["user: Hi\n\nHi"]),
        (ALTERNATING, (USER, ASSISTANT, CALL, RESULT), ["user: Hi", "assistant: Yes?", "tool: 1"]),
    ],
)
def test_roles_follow_each_other_as_the_api_demands(
    profile: Profile, messages: tuple[Message, ...], expected: list[str]
) -> None:
    call = BackendCall("m", Query(messages), stream=False, profile=profile)
    sent = chat_completion_body(call)["messages"]
    assert [f"{item['role']}: {item['content']}" for item in sent] == expected
    assert bool(call.dispatch.adjustments) == (len(sent) != sum(bool(message.parts) for message in messages))


def test_calls_and_images_of_messages_that_become_one_stay() -> None:
    query = Query((USER, said(Role.USER, IMAGE), ASSISTANT, CALL, RESULT))
    sent = chat_completion_body(BackendCall("m", query, stream=False, profile=ALTERNATING))["messages"]
    assert [part["type"] for part in sent[0]["content"]] == ["text", "image_url"]
    assert [call["id"] for call in sent[1]["tool_calls"]] == ["a"]
