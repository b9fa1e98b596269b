"""A logged query, rebuilt as far as the ledger keeps it, so that a router can be asked about it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from frontdesk_server.domain.decision import Candidate, Exclusion, ExclusionReason
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.provider import ProviderBlock
from frontdesk_server.domain.query import (
    ContentPart,
    MediaPart,
    Message,
    ProviderPart,
    Query,
    ReasoningPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
)
from frontdesk_server.learning.data.tables import Row

__all__ = ["LoggedQuery", "read_query"]

_KEPT_EXCLUSIONS = frozenset(
    {
        ExclusionReason.CAPABILITY,
        ExclusionReason.BREAKER_OPEN,
        ExclusionReason.BUDGET,
        ExclusionReason.DEADLINE,
    }
)
"""Why a model could not answer at that moment, and that the log cannot tell again; other reasons are found anew."""

_POLICY = TypeAdapter(RoutingPolicy)
_CANDIDATES = TypeAdapter(tuple[Candidate, ...])


@dataclass(frozen=True, slots=True)
class LoggedQuery:
    """A query, who asked it with which wishes, and how the pool fared at that moment.

    Tools are known to have been offered or not; attachments by their type; generation settings not at all.
    """

    query: Query
    policy: RoutingPolicy
    caller: str = ""
    exclusions: Mapping[str, Exclusion] = field(default_factory=dict)
    """By model: what the query needed beyond its messages, breakers, budgets, what was left of the deadline."""
    time_to_first_token_seconds: Mapping[str, float] = field(default_factory=dict)
    """By model, as it was expected then."""


def read_query(
    row: Row, messages: Any, policy: Any, candidates: Sequence[Any], signals: Mapping[str, Any]
) -> LoggedQuery:
    """Rebuild the query from the row's JSON. Raises DatasetError that names the column."""
    try:
        column = "policy"
        wishes = _POLICY.validate_python(policy)
        column = "candidates"
        considered = _CANDIDATES.validate_python(candidates)
        column = "prompt"
        conversation = tuple(_message(message) for message in messages)
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise row.error(column, f"not as the ledger writes it: {error}") from error
    return LoggedQuery(
        Query(conversation, tools=(Tool("unknown"),) if signals.get("tools") else ()),
        wishes,
        row.optional_text("caller") or "",
        {c.model: c.exclusion for c in considered if c.exclusion and c.exclusion.reason in _KEPT_EXCLUSIONS},
        {c.model: seconds for c in considered if (seconds := c.predicted_time_to_first_token_seconds) is not None},
    )


def _message(values: Mapping[str, Any]) -> Message:
    return Message(Role(values["role"]), tuple(_part(part) for part in values["parts"]))


def _part(values: Mapping[str, str]) -> ContentPart:
    match values:
        case {"text": text}:
            return TextPart(text)
        case {"reasoning": text}:
            return ReasoningPart(text)
        case {"tool_call": name, "arguments_json": arguments}:
            return ToolCall("", name, arguments)
        case {"tool_result": content}:
            return ToolResult("", content)
        case {"media": mime_type}:
            return MediaPart(mime_type)
        case {"provider_block": dialect}:
            return ProviderPart(ProviderBlock(dialect, "{}"))
    raise ValueError(f"unknown part {sorted(values)}")
