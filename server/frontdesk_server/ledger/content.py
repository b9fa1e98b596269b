"""What of a query's and an answer's content is stored, and in which form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from frontdesk_server.domain.query import (
    ContentPart,
    MediaPart,
    ProviderPart,
    Query,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolResult,
)
from frontdesk_server.ledger.redaction import BLANK, Redactor


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    """What of a query's and an answer's content is stored."""

    redactor: Redactor
    store_prompts: bool = False

    def nothing(self) -> ContentPolicy:
        """What is left when the redactor fails."""
        return ContentPolicy(_Blank())


class _Blank:
    def redact(self, text: str) -> str:
        return BLANK if text else ""


def messages(query: Query, redactor: Redactor) -> list[dict[str, Any]]:
    """The conversation as replay reads it: texts redacted, media by their type."""
    return [
        {"role": message.role.value, "parts": [_part(part, redactor) for part in message.parts]}
        for message in query.messages
    ]


def _part(part: ContentPart, redactor: Redactor) -> dict[str, str]:
    match part:
        case TextPart(text):
            return {"text": redactor.redact(text)}
        case ReasoningPart(text):
            return {"reasoning": redactor.redact(text)}
        case ToolCall(_, name, arguments):
            return {"tool_call": name, "arguments_json": redactor.redact(arguments)}
        case ToolResult():
            return {"tool_result": redactor.redact(part.text)}
        case MediaPart(mime_type):
            return {"media": mime_type}
        case ProviderPart(block):
            return {"provider_block": block.dialect}


def plain(text: str) -> str:
    """What both databases take: PostgreSQL's text holds no NUL, and neither driver half a surrogate pair."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
