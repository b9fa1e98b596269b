"""Renders a conversation as plain text, within a bound, for router LLMs."""

from __future__ import annotations

from frontdesk_server.domain.query import ContentPart, MediaPart, Message, Query, TextPart, ToolCall, ToolResult
from frontdesk_server.domain.tokens import estimate_tokens

_GAP = " [...] "
_HEAD_SHARE = 0.7


def trimmed_transcript(query: Query, max_tokens: int) -> str:
    """The turns with their roles, oldest first; the newest are kept when not all fit.

    Of a turn that does not fit whole, head and tail are kept, where instructions stand; of the newest always.
    """
    turns: list[str] = []
    left = max_tokens
    for message in reversed(query.messages):
        turn = f"{message.role.value}: {_rendered(message)}"
        tokens = estimate_tokens(turn)
        if tokens > left:
            if not turns:
                turns.append(_abridged(turn, left / tokens))
            break
        turns.append(turn)
        left -= tokens
    return "\n".join(reversed(turns))


def _rendered(message: Message) -> str:
    return " ".join(filter(None, map(_shown, message.parts)))


def _shown(part: ContentPart) -> str:
    match part:
        case ToolCall():
            return f"[calls {part.name} {part.arguments_json}]"
        case MediaPart():
            return f"[{part.mime_type}]"
    return _text(part)


def _text(part: ContentPart) -> str:
    match part:
        case TextPart():
            return part.text
        case ToolCall():
            return part.arguments_json
        case ToolResult():
            return part.text
    return ""


def _abridged(text: str, share: float) -> str:
    kept = max(1, int(len(text) * share) - len(_GAP))
    head = max(1, int(kept * _HEAD_SHARE))
    return f"{text[:head]}{_GAP}{text[len(text) - (kept - head) :]}"
