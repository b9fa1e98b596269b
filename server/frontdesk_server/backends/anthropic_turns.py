"""A conversation as the turns of an Anthropic Messages request."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

from frontdesk_server.backends.alternation import alternating
from frontdesk_server.backends.cache_marks import within_limit
from frontdesk_server.backends.extensions import answered_block, cache_control, demanded_block, extended, given_back
from frontdesk_server.backends.json_reading import given_value
from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.history import fitting_tool_name
from frontdesk_server.domain.query import (
    ContentPart,
    MediaPart,
    Message,
    ProviderPart,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
    ToolResult,
)

Json = dict[str, Any]

_SAID = frozenset({"text", "image", "document"})
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
_SILENCE: Json = {"type": "text", "text": "(no text)"}
"""What a user says who says nothing, where the API demands something: first, and after the assistant."""
_FAILED = "The tool failed."
_INVALID_JSON = "INVALID_JSON"
"""The key under which the API's documentation hands broken arguments of a tool call back."""


def turns_of(history: Sequence[Message], call: BackendCall) -> list[Json]:
    """Turns of user and assistant by turns, the user's first, and last unless the answer continues the assistant's.

    What says nothing is left out.
    """
    turns = [_turn(message, call) for message in history]
    return alternating(turns, _is_thought, _SILENCE, call)


def without_prompt(history: Sequence[Message], call: BackendCall) -> tuple[Sequence[Message], Sequence[Message]]:
    """The system's messages that are the system prompt, and what follows.

    Those that come later stay where they are if the model takes such, or if they say what is no text for a prompt.
    """
    first = next((place for place, message in enumerate(history) if message.role is not Role.SYSTEM), len(history))
    prompt, rest = history[:first], history[first:]
    later = [message for message in rest if message.role is Role.SYSTEM]
    bound = any(isinstance(part, ProviderPart) for message in later for part in message.parts)
    if not later or call.profile.later_system_messages or bound:
        return prompt, rest
    call.dispatch.adjustments.append(Adjustment("query.messages", "system messages were put together at the beginning"))
    return (*prompt, *later), [message for message in rest if message.role is not Role.SYSTEM]


def _turn(message: Message, call: BackendCall) -> Json:
    role = message.role.value if message.role in (Role.ASSISTANT, Role.SYSTEM) else "user"
    return extended({"role": role, "content": _blocks(message, call)}, message.provider_options, call)


def _is_thought(block: Json) -> bool:
    return block["type"] in _THOUGHTS


def system_of(systems: Sequence[Message], call: BackendCall) -> str | list[Json]:
    """The system prompt: one text, or blocks where something stands at one of them."""
    if all(_is_plain(message, call) for message in systems):
        return "\n\n".join(filter(str.strip, (message.text for message in systems)))
    return [block for message in systems for block in _blocks(message, call)]


def within_cache_limit(body: Json, call: BackendCall) -> Json:
    """The body with those cache breakpoints that the API allows."""
    turns = [piece for turn in body["messages"] for block in turn["content"] for piece in _with_pieces(block)]
    system = body.get("system", ())
    items = [*body.get("tools", ()), *(system if isinstance(system, list) else ()), *turns]
    within_limit(items, call)
    return body


def _with_pieces(block: Json) -> Iterator[Json]:
    """A block after what it holds, as of a tool's result."""
    pieces = block.get("content")
    if isinstance(pieces, list):
        yield from pieces
    yield block


def _is_plain(message: Message, call: BackendCall) -> bool:
    """Whether a text says all of it."""
    if message.cache_hint or not all(isinstance(part, TextPart) and not part.cache_hint for part in message.parts):
        return False
    return not any(options.dialect in call.dialects for part in message.parts for options in part.provider_options)


def _blocks(message: Message, call: BackendCall) -> list[Json]:
    answered = message.role is Role.ASSISTANT
    blocks = [block for part in message.parts if (block := _extended_block(part, call, answered=answered))]
    if message.cache_hint is not None:
        last = next((block for block in reversed(blocks) if block["type"] not in _THOUGHTS), {})
        last["cache_control"] = cache_control(message.cache_hint)
    said = next((place for place, block in enumerate(blocks) if block["type"] in _SAID), None)
    if message.name and said is not None:  # the API has no field for it
        blocks.insert(said, {"type": "text", "text": f"{message.name}:"})
    return blocks


def called_tools(history: Sequence[Message]) -> list[str]:
    """The names of all tools that the conversation speaks of."""
    calls = (part for message in history for part in message.parts if isinstance(part, ToolCall))
    return list(dict.fromkeys(fitting_tool_name(call.name) for call in calls))


def _extended_block(part: ContentPart, call: BackendCall, *, answered: bool) -> Json | None:
    block = answered_block(part.block, call) if isinstance(part, ProviderPart) and answered else _block(part, call)
    if block is None:
        return None
    block = given_back(extended(block, part.provider_options, call), part.provider_state, call)
    if part.cache_hint is not None and block["type"] not in _THOUGHTS:
        block["cache_control"] = cache_control(part.cache_hint)
    return block


def _block(part: ContentPart, call: BackendCall) -> Json | None:
    match part:
        case ProviderPart(block):
            return demanded_block(block, call)
        case TextPart(text=text):
            return {"type": "text", "text": text} if text.strip() else None  # the API refuses blank blocks
        case MediaPart():
            return _media(part)
        case ToolCall(id, name, arguments_json):
            return {"type": "tool_use", "id": id, "name": fitting_tool_name(name), "input": _arguments(arguments_json)}
        case ToolResult():
            return _tool_result(part, call)
        case ReasoningPart(dialect=maker) if maker not in ("", call.provider):
            return None  # the API refuses what it has not signed
        case ReasoningPart(redacted_data=str(data)) if data:
            return {"type": "redacted_thinking", "data": data}
        case ReasoningPart(text, signature) if signature:
            return {"type": "thinking", "thinking": text, "signature": signature}
        case ReasoningPart():
            return None  # without a signature it is another provider's, which the API refuses


def _arguments(arguments_json: str) -> Json:
    """The API takes objects only; what a model wrote otherwise it documents to be wrapped."""
    try:
        arguments = given_value(arguments_json or "{}")
    except ValueError:
        arguments = None
    return arguments if isinstance(arguments, dict) else {_INVALID_JSON: arguments_json}


def _tool_result(result: ToolResult, call: BackendCall) -> Json:
    block: Json = {"type": "tool_result", "tool_use_id": result.tool_call_id}
    if content := [piece for part in result.parts if (piece := _extended_block(part, call, answered=False))]:
        block["content"] = content
    elif result.content.strip():
        block["content"] = result.content
    elif result.is_error:
        block["content"] = _FAILED  # an error without words is refused
    return {**block, "is_error": True} if result.is_error else block


def _media(part: MediaPart) -> Json:
    if part.mime_type.startswith("image/"):
        kind = "image"
    elif part.mime_type in ("application/pdf", "text/plain"):
        kind = "document"
    else:
        raise UpstreamRequestRefused(f"the API takes images, PDF and plain text, not {part.mime_type}")
    block: Json = {"type": kind, "source": _source(part)}
    if kind == "document" and part.filename:
        block["title"] = part.filename
    return block


def _source(part: MediaPart) -> Json:
    if part.data is None:
        return {"type": "url", "url": part.uri}
    if part.mime_type == "text/plain":
        return {"type": "text", "media_type": part.mime_type, "data": part.data.decode(errors="replace")}
    return {"type": "base64", "media_type": part.mime_type, "data": b64encode(part.data).decode()}


def container_of(history: Sequence[Message], call: BackendCall) -> str | None:
    """The container that the provider's own tools last worked in."""
    for message in reversed(history):
        container = given_back({}, message.provider_state, call).get("container")
        if isinstance(container, dict) and isinstance(container.get("id"), str):
            return str(container["id"])
    return None
