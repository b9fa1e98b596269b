"""What a caller may set that an API cannot honour."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from frontdesk_server.domain.adjusting import adjusted
from frontdesk_server.domain.objections import objection
from frontdesk_server.domain.query import (
    ContentPart,
    GenerationConfig,
    Message,
    Query,
    ReasoningEffort,
    ReasoningPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolChoiceMode,
    ToolResult,
)

from tests.profiles import ANTHROPIC, COMPATIBLE

_EFFORT = ReasoningEffort.MEDIUM
_SIGNED = ReasoningPart("hm", "signed")
_CALL = ToolCall("a", "f")
_RESULT = Message(Role.TOOL, (ToolResult("a", "1"),))


def user(text: str = "hi") -> Message:
    return Message(Role.USER, (TextPart(text),))


def said(*parts: ContentPart) -> Message:
    return Message(Role.ASSISTANT, parts)


def asking(
    *messages: Message, choice: ToolChoice | None = None, effort: ReasoningEffort | None = _EFFORT, **settings: Any
) -> Query:
    generation = GenerationConfig(reasoning_effort=effort, **settings)
    return Query(messages or (user(),), (Tool("f"),), choice, generation)


@pytest.mark.parametrize(
    "query",
    [
        asking(),
        asking(temperature=1.0, top_p=0.95, choice=ToolChoice(ToolChoiceMode.AUTO)),
        asking(choice=ToolChoice(ToolChoiceMode.NONE)),
        asking(effort=None, temperature=0.3, top_p=0.5, choice=ToolChoice(tool_name="f"), stop_sequences=("END",)),
        asking(effort=None, temperature=1.0),
        asking(user(), said(_SIGNED, _CALL), _RESULT),
        asking(user(), said(ReasoningPart(redacted_data="x"), _CALL), _RESULT),
        asking(user(), said(TextPart(" "), ReasoningPart("unsigned"), _SIGNED, _CALL), _RESULT),
        asking(user(), said(_SIGNED, _CALL), _RESULT, said(ToolCall("b", "f")), _RESULT),
        asking(user(), said(_CALL), _RESULT, said(TextPart("done")), user()),
        asking(user(), said(_CALL), _RESULT, user("and?"), said(_SIGNED, _CALL), _RESULT),
        asking(user(), said(_CALL), _RESULT, effort=None),
    ],
)
def test_what_the_messages_api_honours(query: Query) -> None:
    assert objection(ANTHROPIC, query) is None


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (asking(effort=None, temperature=1.5), "temperature is at most 1, not 1.5"),
        (asking(effort=None, stop_sequences=("END", "\n")), "stop sequence"),
        (asking(temperature=0.5), "temperature"),
        (asking(top_p=0.5), "top_p"),
        (asking(choice=ToolChoice(tool_name="f")), "demanded tool"),
        (asking(choice=ToolChoice(ToolChoiceMode.REQUIRED)), "demanded tool"),
    ],
)
def test_what_the_messages_api_cannot_honour(query: Query, words: str) -> None:
    detail = objection(ANTHROPIC, query)
    assert detail is not None
    assert words in detail
    assert objection(COMPATIBLE, query) is None


@pytest.mark.parametrize(
    "messages",
    [
        (user(), said(_CALL), _RESULT),
        (user(), said(ReasoningPart("another's"), _CALL), _RESULT),
        (user(), said(TextPart("let me see"), _SIGNED, _CALL), _RESULT),
        (user(), said(_CALL), _RESULT, said(_SIGNED, _CALL), _RESULT),
        (user(), said(_CALL), _RESULT, user(" ")),
        (user(), said(_CALL), user("hurry"), _RESULT),
    ],
)
@pytest.mark.parametrize("budget", [None, 2048])
def test_within_a_tool_loop_that_began_otherwise_it_rests_and_that_is_said(
    messages: tuple[Message, ...], budget: int | None
) -> None:
    effort = _EFFORT if budget is None else None
    query = asking(*messages, effort=effort, reasoning_budget_tokens=budget, temperature=0.5)
    assert objection(ANTHROPIC, query) is None
    sent, made = adjusted(query, ANTHROPIC)
    assert not sent.generation.demands_reasoning
    name = "reasoning_effort" if budget is None else "reasoning_budget_tokens"
    assert [one.field for one in made] == [f"query.generation.{name}"]
    assert objection(ANTHROPIC, sent) is None
    assert adjusted(replace(query, generation=sent.generation), ANTHROPIC) == (sent, [])
    assert adjusted(query, COMPATIBLE)[0].generation.reasoning_effort is effort
