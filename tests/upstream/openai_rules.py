"""What the documentation and refusals of OpenAI-compatible APIs demand of a /chat/completions request.

A judge that shares no code with the client. Sources: the references of OpenAI, Groq and Mistral, and the texts of their
400 answers: "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'", "An assistant
message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'", "string too long.
Expected a string with maximum length 40", "Tool call id ... must be a-z, A-Z, 0-9, with a length of 9", "property
'reasoning_content' is unsupported", "Assistant message must have either content or tool_calls", "Unexpected
role 'user' after role 'tool'" (Mistral), "After the (optional) system message(s), user or tool message(s) should
alternate with assistant message(s)" (Perplexity).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Json = dict[str, Any]

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_SPEAKER = re.compile(r"[^\s<|\\/>]{1,64}")
_FIELDS = {
    "system": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "tool_calls"},
    "tool": {"role", "content", "tool_call_id"},
}


@dataclass(frozen=True, slots=True)
class Strictness:
    """In what the APIs differ: ids, fields of an assistant message beside OpenAI's, and who may follow whom.

    `after` maps a role to those that may not follow it; None is the beginning. `empty_answers`: the assistant may say
    nothing.
    """

    ids: re.Pattern[str] = field(default=re.compile(r".+", re.DOTALL))
    assistant_fields: frozenset[str] = frozenset()
    after: Mapping[str | None, frozenset[str]] = field(default_factory=dict)
    empty_answers: bool = True


def broken_rules(body: Json, strictness: Strictness) -> list[str]:
    """Every rule that the request breaks."""
    messages = body["messages"]
    faults = [fault for message in messages for fault in _of_message(message, strictness)]
    faults += _of_order(messages)
    roles = [None, *(message["role"] for message in messages)]
    faults += [
        f"{next_role} follows {role}"
        for role, next_role in pairwise(roles)
        if next_role in strictness.after.get(role, ())
    ]
    if not messages or messages[-1]["role"] == "assistant":
        faults.append("the last message is the assistant's")
    if "tool_choice" in body and not body.get("tools"):
        faults.append("a tool choice without tools")
    if "stream_options" in body and not body.get("stream"):
        faults.append("stream_options without stream")
    return faults


def _of_message(message: Json, strictness: Strictness) -> Iterator[str]:
    role, content = message["role"], message["content"]
    allowed = _FIELDS[role] | (strictness.assistant_fields if role == "assistant" else set())
    if unknown := message.keys() - allowed:
        yield f"unknown fields {unknown}"
    if "name" in message and not _SPEAKER.fullmatch(message["name"]):
        yield f"a malformed name {message['name']!r}"
    if role == "assistant" and not (content or message.get("tool_calls") or strictness.empty_answers):
        yield "an assistant message without content and calls"
    if content is None and not message.get("tool_calls"):
        yield "no content"
    if isinstance(content, list) and (not content or any(part.get("text") == "" for part in content)):
        yield "an empty content array, or an empty part"
    if "tool_calls" in message:
        yield from _of_calls(message["tool_calls"], strictness)


def _of_calls(calls: list[Json], strictness: Strictness) -> Iterator[str]:
    ids = [call["id"] for call in calls]
    if not calls or len(set(ids)) < len(ids) or not all(map(strictness.ids.fullmatch, ids)):
        yield f"ids of calls are malformed or not unique: {ids}"
    for call in calls:
        function = call["function"]
        if call["type"] != "function" or not _TOOL_NAME.fullmatch(function["name"]):
            yield f"a malformed call {call}"
        if not isinstance(function["arguments"], str) or not function["arguments"]:
            yield "arguments are no text"


def _of_order(messages: list[Json]) -> Iterator[str]:
    open_ids: set[str] = set()
    for place, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_ids:
                yield f"message {place} answers no call of the turn before it, or for the second time"
            open_ids.discard(message["tool_call_id"])
            continue
        if open_ids:
            yield f"before message {place}, {open_ids} are not answered"
        open_ids = {call["id"] for call in message.get("tool_calls", ())}
    if open_ids:
        yield f"at the end, {open_ids} are not answered"
