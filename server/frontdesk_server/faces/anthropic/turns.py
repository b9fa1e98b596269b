"""Turns of a conversation in the contract's words: results of tools stand in messages of their own there."""

from __future__ import annotations

from typing import Any

from frontdesk.v1 import chat_pb2 as pb

from frontdesk_server.faces.anthropic.blocks import DIALECT, content_part
from frontdesk_server.faces.asked import Asked
from frontdesk_server.faces.carried import read_foreign, read_reasoning, unsealed
from frontdesk_server.faces.reading import Fields, add_option
from frontdesk_server.rpc.reasons import InvalidReason as Reason

_ROLES = {"user": pb.ROLE_USER, "assistant": pb.ROLE_ASSISTANT, "system": pb.ROLE_SYSTEM}
_RESULT = "tool_result"


def add_system(asked: Asked, system: Any) -> None:
    """The system prompt: a text, or blocks."""
    if system is None or system == "":
        return
    message = asked.add_message(pb.ROLE_SYSTEM, "system")
    if isinstance(system, str):
        asked.add_part(message, pb.ContentPart(text=system), "system")
    elif isinstance(system, list):
        for index, item in enumerate(system):
            at = f"system[{index}]"
            fields = Fields.of(item, at, asked.violations)
            asked.add_part(message, content_part(fields, _object(item), answered=False), at)
    else:
        asked.violations.add("system", Reason.MALFORMED_REQUEST, "is neither a string nor a list of blocks")


def add_turn(asked: Asked, value: Any, at: str) -> None:
    """One turn."""
    fields = Fields.of(value, at, asked.violations)
    said = fields.text("role")
    role = _ROLES.get(said)
    if role is None:
        reason = Reason.UNKNOWN_ENUM_VALUE if said else Reason.ROLE_UNSPECIFIED
        fields.wrong("role", f"is none of {', '.join(_ROLES)}", reason)
        return
    content = fields.any("content")
    first = len(asked.messages)
    if isinstance(content, str):
        message = asked.add_message(role, at)
        if content or role != pb.ROLE_ASSISTANT:
            asked.add_part(message, pb.ContentPart(text=content), fields.path("content"))
    elif isinstance(content, list):
        _add_blocks(asked, role, fields, content)
    else:
        fields.wrong("content", "is neither a string nor a list of blocks")
    if len(asked.messages) > first:
        add_option(asked.query.messages[first], DIALECT, fields.rest())


def _add_blocks(asked: Asked, role: pb.Role.ValueType, fields: Fields, content: list[Any]) -> None:
    message: pb.Message | None = None
    if not content:
        asked.add_message(role, fields.at)
    for index, item in enumerate(content):
        at = f"{fields.path('content')}[{index}]"
        block = Fields.of(item, at, asked.violations)
        speaks = pb.ROLE_TOOL if role == pb.ROLE_USER and block.left.get("type") == _RESULT else role
        if message is None or message.role != speaks:
            message = asked.add_message(speaks, fields.at)
        if role != pb.ROLE_ASSISTANT:
            asked.add_part(message, content_part(block, _object(item), answered=False), at)
        elif block.left.get("type") == "thinking":
            asked.add_part(message, _thought(block), at)
        elif block.left.get("type") == "redacted_thinking":
            _add_sealed(asked, message, block)
        else:
            asked.add_part(message, content_part(block, _object(item), answered=True), at)


def _thought(block: Fields) -> pb.ContentPart:
    """Reasoning; another provider's signature is sealed with its name."""
    block.any("type")
    text, signature = block.text("thinking"), block.text("signature")
    if (carried := unsealed(signature)) is not None:
        part = read_reasoning(block.part(carried, "signature"))
        part.reasoning.text = text
        return part
    dialect = DIALECT if signature else ""
    return pb.ContentPart(reasoning=pb.Reasoning(text=text, signature=signature, dialect=dialect))


def _add_sealed(asked: Asked, message: pb.Message, block: Fields) -> None:
    data = block.text("data")
    carried = unsealed(data)
    if carried is None:
        reasoning = pb.Reasoning(redacted_data=data, dialect=DIALECT)
        asked.add_part(message, pb.ContentPart(reasoning=reasoning), block.at)
        return
    for part in read_foreign(message, block.part(carried, "data")):
        asked.add_part(message, part, block.at)


def _object(item: Any) -> dict[str, Any]:
    return item if isinstance(item, dict) else {}
