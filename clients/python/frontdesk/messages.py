"""Short ways to write the messages of a conversation."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message as AnyMessage

from frontdesk.v1.chat_pb2 import (
    ROLE_ASSISTANT,
    ROLE_SYSTEM,
    ROLE_TOOL,
    ROLE_USER,
    ContentPart,
    Media,
    Message,
    ToolResult,
    ToolResultPart,
)

__all__ = ["assistant", "system", "text_of", "to_json", "tool_result", "user"]


def system(text: str) -> Message:
    """Instructions of the application."""
    return Message(role=ROLE_SYSTEM, parts=[_text(text)])


def user(*parts: str | ContentPart) -> Message:
    """What the end user says or shows."""
    contents = [_text(part) if isinstance(part, str) else part for part in parts]
    return Message(role=ROLE_USER, parts=contents)


def assistant(text: str) -> Message:
    """What the LLM said. Pass a completion's own `message` where there is one: it keeps tool calls and reasoning."""
    return Message(role=ROLE_ASSISTANT, parts=[_text(text)])


def tool_result(tool_call_id: str, content: str | Iterable[str | Media], *, is_error: bool = False) -> Message:
    """What a called tool returned: a text, or several texts, images and documents."""
    result = ToolResult(tool_call_id=_sendable(tool_call_id, "tool_call_id"), is_error=is_error)
    if isinstance(content, str):
        result.content = _sendable(content, "content")
    else:
        result.parts.extend(
            ToolResultPart(text=_sendable(part, "content")) if isinstance(part, str) else ToolResultPart(media=part)
            for part in content
        )
    return Message(role=ROLE_TOOL, parts=[ContentPart(tool_result=result)])


def _text(text: str) -> ContentPart:
    return ContentPart(text=_sendable(text, "text"))


def _sendable(text: str, field: str) -> str:
    """The text, if it can be sent.

    Raises:
        ValueError: it holds half of a surrogate pair, as bytes that are no UTF-8 become where they are read leniently.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        found = f"character {error.start + 1} is U+{ord(text[error.start]):04X}, half of a surrogate pair"
        raise ValueError(f"{field}: it cannot be sent as UTF-8: {found}") from error
    return text


def text_of(message: Message) -> str:
    """All text of a message."""
    return "".join(part.text for part in message.parts)


def to_json(message: AnyMessage) -> str:
    """A message of the contract on one line of JSON, in protobuf's own mapping: 64-bit integers are strings."""
    return MessageToJson(message, indent=None, ensure_ascii=False)
