"""Histories as callers send them, and in the order in which every API takes them."""

from __future__ import annotations

import re

import pytest
from frontdesk_server.domain.history import NO_RESULT, IdRule, fitting_tool_name, sendable
from frontdesk_server.domain.query import (
    ContentPart,
    Message,
    Query,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
    ToolResult,
)

_NINE = IdRule(re.compile("[a-zA-Z0-9]{9}"), 9)
_MISSING = ToolResult("a", NO_RESULT, is_error=True)


def user(text: str) -> Message:
    return Message(Role.USER, (TextPart(text),))


def calls(*ids: str) -> Message:
    return Message(Role.ASSISTANT, tuple(ToolCall(call_id, "f") for call_id in ids))


def said(*parts: ContentPart) -> Message:
    return Message(Role.ASSISTANT, parts)


def results(*pairs: tuple[str, str]) -> Message:
    return Message(Role.TOOL, tuple(ToolResult(call_id, content) for call_id, content in pairs))


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([user("hi"), said(TextPart("yes?")), user("go")], None),
        ([user("hi"), calls("a"), results(("a", "1"))], None),
        (
            [calls("a"), user("hurry"), results(("a", "1"))],
            [calls("a"), results(("a", "1")), user("hurry")],
        ),
        (
            [calls("a", "b"), results(("b", "2")), results(("a", "1"))],
            [calls("a", "b"), results(("a", "1"), ("b", "2"))],
        ),
        (
            [calls("a"), calls("b"), results(("a", "1"), ("b", "2"))],
            [calls("a", "b"), results(("a", "1"), ("b", "2"))],
        ),
        (
            [said(ReasoningPart("hm", "s")), calls("a"), results(("a", "1"))],
            [said(ReasoningPart("hm", "s"), ToolCall("a", "f")), results(("a", "1"))],
        ),
        ([calls("a"), user("never mind")], [calls("a"), Message(Role.TOOL, (_MISSING,)), user("never mind")]),
        (
            [calls("a"), results(("a", "1")), results(("a", "again"))],
            [calls("a"), results(("a", "1\nagain"))],
        ),
        (
            [calls("0"), results(("0", "1")), calls("0"), results(("0", "2"))],
            None,
        ),
        (
            [calls("a"), user("x"), said(TextPart("wait")), results(("a", "1"))],
            [
                calls("a"),
                Message(Role.TOOL, (_MISSING,)),
                user("x"),
                said(TextPart("wait")),
                user("The result of the earlier call of f {}:\n1"),
            ],
        ),
        ([user("hi"), results(("unknown", "1"))], None),
    ],
    ids=[
        "no tools",
        "a plain loop",
        "a user between",
        "results out of order",
        "parallel calls in messages of their own",
        "reasoning in a message of its own",
        "a call that was never run",
        "a result told twice",
        "ids that repeat in later turns",
        "a result that comes when the assistant has spoken",
        "a result of no call",
    ],
)
def test_results_follow_the_turn_of_their_calls(history: list[Message], expected: list[Message] | None) -> None:
    assert list(sendable(history, None)) == (history if expected is None else expected)


def _ids(history: list[Message], rule: IdRule) -> list[str]:
    """Ids of calls and results in their order."""
    parts = [part for message in sendable(history, rule) for part in message.parts]
    return [part.id if isinstance(part, ToolCall) else part.tool_call_id for part in parts if not _is_text(part)]  # type: ignore[union-attr]


def _is_text(part: ContentPart) -> bool:
    return isinstance(part, TextPart)


def test_ids_that_fit_stay_and_others_are_replaced_in_calls_and_results_alike() -> None:
    history = [user("hi"), calls("abcdefgh1", "functions.f:0"), results(("functions.f:0", "2"), ("abcdefgh1", "1"))]
    kept, replaced, kept_result, replaced_result = _ids(history, _NINE)
    assert kept == kept_result == "abcdefgh1"
    assert replaced == replaced_result
    assert _NINE.accepted.fullmatch(replaced)
    assert _ids(history, _NINE)[1] == replaced


def test_ids_are_unique_over_all_turns_even_where_a_caller_uses_one_that_was_made() -> None:
    once = [calls("0"), results(("0", "1"))]
    (made, _) = _ids(once, _NINE)
    history = once * 3 + [calls(made, "abcdefgh1"), results((made, "x"), ("abcdefgh1", "y"))] * 2
    ids = _ids(history, _NINE)
    assert ids[:2] == [made, made]
    assert len(set(ids)) == 3 + 2 * 2


def test_many_turns_with_one_id_take_no_longer_each() -> None:
    """The number of hashes is that of the calls, not its square."""
    ids = _ids([calls("0"), results(("0", "1"))] * 2000, _NINE)
    assert len(set(ids)) == 2000


def test_tool_names_are_brought_within_the_pattern_of_all_apis() -> None:
    assert fitting_tool_name("get_weather-2") == "get_weather-2"
    assert fitting_tool_name("functions.get weather") == "functions_get_weather"
    assert fitting_tool_name("t" * 80) == "t" * 64


def test_a_conversation_without_tools_is_not_copied() -> None:
    messages = Query((user("hi"),)).messages
    assert sendable(messages, _NINE) is messages
