"""The seam to the memory of which model serves which conversation."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.decision import RoutedQuery
from frontdesk_server.domain.query import Message, Query, Role, ToolCall

_DIGEST_BYTES = 16


class Affinity(Protocol):
    """Remembers models by conversation for a while."""

    async def model(self, key: str) -> str | None:
        """The model that served the conversation last; None when none is remembered, or the memory does not answer."""

    def remember(self, keys: Sequence[str], model: str) -> None:
        """From now on this model serves these conversations; returns at once."""


class NoAffinity:
    """Remembers nothing."""

    async def model(self, key: str) -> str | None:
        """Nothing is remembered."""
        return None

    def remember(self, keys: Sequence[str], model: str) -> None:
        """Forgets at once."""


NO_AFFINITY: Affinity = NoAffinity()


def affinity_key(caller: str, router: str, key: str) -> str:
    """The key of a conversation that the caller has named; a digest, which tells nothing of the name."""
    return _digest("conversation", caller, router, key)


def tool_loop_key(caller: str, router: str, query: Query) -> str | None:
    """The key of the tool loop that the query goes on with; None when the LLM waits for no results."""
    if not query.in_tool_loop:
        return None
    asking = next((message for message in reversed(query.messages) if message.role is Role.ASSISTANT), None)
    return None if asking is None else _calls_key(caller, router, query, asking)


def conversation_keys(routed: RoutedQuery, answer: Answer | None = None) -> list[str]:
    """The keys by which a decision, or an answer, is to be remembered."""
    caller, router = routed.caller, routed.decision.router
    keys = [affinity_key(caller, router, routed.policy.affinity_key)] if routed.policy.affinity_key else []
    loop = None if answer is None else _calls_key(caller, router, routed.query, answer.message)
    return keys if loop is None else [*keys, loop]


def _calls_key(caller: str, router: str, query: Query, message: Message) -> str | None:
    """By the tool calls' ids and the question that led to them, for some upstreams number their calls from 0."""
    ids = [part.id for part in message.parts if isinstance(part, ToolCall)]
    return _digest("tools", caller, router, query.last_user_text, *ids) if ids else None


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=_DIGEST_BYTES).hexdigest()
