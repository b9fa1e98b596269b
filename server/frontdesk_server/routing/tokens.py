"""Estimates how many tokens a query brings, without a tokenizer."""

from __future__ import annotations

from frontdesk_server.domain.query import MediaPart, Message, Query, ReasoningPart, TextPart, ToolCall, ToolResult

_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_MEDIA = 1000


def estimate_tokens(text: str) -> int:
    """Tokens of a text: a quarter of its characters, up to one a character in scripts that need it.

    UTF-8 tells the scripts apart: a Latin letter takes one byte (1/4 token), a Cyrillic one two (5/8), a Chinese one
    three (1), which is near what today's tokenizers make of them.
    """
    characters = len(text)
    if text.isascii():
        return -(-characters // _CHARACTERS_PER_TOKEN)
    extra_bytes = len(text.encode("utf-8", "surrogatepass")) - characters
    return -(-(2 * characters + 3 * extra_bytes) // (2 * _CHARACTERS_PER_TOKEN))


def estimate_input_tokens(query: Query) -> int:
    """Tokens of the whole query: messages, tool traffic, offered tools; a flat 1,000 a media part."""
    tokens = sum(map(_message_tokens, query.messages))
    for tool in query.tools:
        tokens += _TOKENS_PER_MESSAGE + estimate_tokens(tool.name + tool.description + tool.parameters_json)
    return tokens


def _message_tokens(message: Message) -> int:
    tokens = _TOKENS_PER_MESSAGE
    for part in message.parts:
        match part:
            case TextPart():
                tokens += estimate_tokens(part.text)
            case ToolCall():
                tokens += estimate_tokens(part.name + part.arguments_json)
            case ToolResult():
                tokens += estimate_tokens(part.content)
            case ReasoningPart():
                tokens += estimate_tokens(part.text)
            case MediaPart():
                tokens += _TOKENS_PER_MEDIA
    return tokens
