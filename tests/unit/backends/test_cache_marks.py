"""Which cache marks go to APIs of Anthropic's form: the last four, those for an hour before all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.provider import CacheHint
from frontdesk_server.domain.query import Message, Query, Role, TextPart, Tool

from tests.profiles import ANTHROPIC, profile_at

SHORT, LONG = CacheHint(), CacheHint(3600)


def _anthropic(call: BackendCall) -> dict[str, Any]:
    return messages_body(call, 4096)


def _marks(value: Any) -> list[str]:
    """How long every mark lasts, in the order tools, system, messages."""
    match value:
        case {"tools": _} | {"messages": _}:
            return [mark for name in ("tools", "system", "messages") for mark in _marks(value.get(name))]
        case dict():
            inner = [mark for name, held in value.items() if name != "cache_control" for mark in _marks(held)]
            return inner + ([value["cache_control"].get("ttl", "5m")] if "cache_control" in value else [])
        case list():
            return [mark for item in value for mark in _marks(item)]
    return []


@pytest.mark.parametrize(
    ("build", "profile"),
    [
        (_anthropic, ANTHROPIC),
        (chat_completion_body, profile_at("openai", "openrouter.ai", "anthropic/claude-sonnet-4.5")),
    ],
)
@pytest.mark.parametrize(
    ("hints", "expected", "told"),
    [
        ([LONG, LONG, SHORT], ["1h", "1h", "5m"], ""),
        ([None, SHORT, LONG], ["5m", "5m"], "for an hour"),
        ([SHORT, LONG, SHORT], ["5m", "5m", "5m"], "for an hour"),
        ([SHORT, None, None, LONG, LONG, LONG, LONG], ["1h"] * 4, "the last 4"),
        ([LONG, SHORT, None, SHORT, SHORT, SHORT], ["5m"] * 4, "the last 4"),
    ],
)
def test_marks_are_those_that_the_api_allows(
    build: Callable[[BackendCall], dict[str, Any]],
    profile: Profile,
    hints: list[CacheHint | None],
    expected: list[str],
    told: str,
) -> None:
    tool, system, *said = hints
    messages = (
        Message(Role.SYSTEM, (TextPart("Be brief.", cache_hint=system),)),
        Message(Role.USER, tuple(TextPart("a", cache_hint=hint) for hint in said)),
    )
    call = BackendCall("m", Query(messages, (Tool("f", cache_hint=tool),)), stream=False, profile=profile)
    assert _marks(build(call)) == expected
    assert [told in one.detail for one in call.dispatch.adjustments] == ([True] if told else [])
