"""Where the cache of a provider is to end that keeps what conversations have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from frontdesk_server.domain.provider import CacheHint, Extensible
from frontdesk_server.domain.query import Message, Query, ReasoningPart, Role, TextPart

_HINT = CacheHint()
_OWN = ("cache_control", "cachePoint", "cachedContent", "prompt_cache")
"""What options call it that a caller sets for a provider."""


def with_cache_hints(query: Query, *, goes_on: bool) -> Query:
    """The query with hints after its tools and instructions; and, where it goes on, after its turns.

    Of the turns the last is kept for the next call, and the one that the call before ended with is asked for, as
    providers look only so many blocks back from a hint.
    """
    tools, messages = list(query.tools), list(query.messages)
    if tools:
        tools[-1] = replace(tools[-1], cache_hint=_HINT)
    places = [_last(messages, is_system=True)]
    if goes_on or query.tools or any(message.role is Role.ASSISTANT for message in messages):
        places += [_before_answer(messages), _last(messages, is_system=False)]
    for place in places:
        if place is not None:
            messages[place] = _hinted(messages[place])
    return replace(query, tools=tuple(tools), messages=tuple(messages))


def speaks_of_caching(query: Query) -> bool:
    """Whether the caller gives hints, or a provider's own settings for its cache."""
    return any(map(_caches, _pieces(query)))


def _hinted(message: Message) -> Message:
    """With a hint at its last part that becomes a block, where it stays however messages are joined."""
    parts = list(message.parts)
    for place in reversed(range(len(parts))):
        part = parts[place]
        if not (isinstance(part, ReasoningPart) or (isinstance(part, TextPart) and not part.text.strip())):
            parts[place] = replace(part, cache_hint=_HINT)
            break
    return replace(message, parts=tuple(parts))


def history_of(query: Query) -> tuple[Message, ...]:
    """The messages that an earlier call held or answered: up to the last of the assistant's."""
    answers = [place for place, message in enumerate(query.messages) if message.role is Role.ASSISTANT]
    return query.messages[: answers[-1] + 1] if answers else ()


def _last(messages: list[Message], *, is_system: bool) -> int | None:
    places = (place for place, message in enumerate(messages) if (message.role is Role.SYSTEM) is is_system)
    return max(places, default=None)


def _before_answer(messages: list[Message]) -> int | None:
    """Where the call ended that the assistant's last message answered."""
    answers = [place for place, message in enumerate(messages) if message.role is Role.ASSISTANT]
    asked = messages[: answers[-1]] if answers else []
    return _last(asked, is_system=False)


def _pieces(query: Query) -> Iterator[Extensible | Query]:
    yield query
    yield from query.tools
    for message in query.messages:
        yield message
        yield from message.parts


def _caches(piece: Extensible | Query) -> bool:
    if isinstance(piece, Extensible) and piece.cache_hint is not None:
        return True
    return any(word in options.options_json for options in piece.provider_options for word in _OWN)
