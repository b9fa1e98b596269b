"""How many tokens a query brings and an answer takes, without a tokenizer: the one estimate of the whole house."""

from __future__ import annotations

from frontdesk_server.domain.query import MediaPart, Message, Query, ReasoningPart, TextPart, ToolCall, ToolResult
from frontdesk_server.domain.signals import Signals, Task

TOKENS_PER_MEDIA = 1000
_EIGHTHS = 8
_TOKENS_PER_MESSAGE = 4
_EXPECTED_OUTPUT = {
    Task.CHAT: 60,
    Task.SUMMARISE: 150,
    Task.EXTRACT: 120,
    Task.TRANSLATE: 120,
    Task.CODE: 500,
    Task.MATH: 200,
    Task.REASONING: 800,
    Task.CREATIVE: 500,
    Task.KNOWLEDGE: 200,
    Task.OTHER: 250,
}
_SPREAD = 4.0


def token_eighths(text: str) -> int:
    """Eighths of a token, which add up over the pieces of a text as tokens do not.

    UTF-8 tells the scripts apart: a Latin letter takes one byte (1/4 token), a Cyrillic one two (5/8), a Chinese one
    three (1), which is near what today's tokenizers make of them.
    """
    characters = len(text)
    if text.isascii():
        return 2 * characters
    return 3 * len(text.encode("utf-8", "surrogatepass")) - characters


def whole_tokens(eighths: int) -> int:
    """So many eighths in whole tokens, rounded up."""
    return -(-eighths // _EIGHTHS)


def estimate_tokens(text: str) -> int:
    """Tokens of a text: a quarter of its characters, up to one a character in scripts that need it."""
    return whole_tokens(token_eighths(text))


def estimate_input_tokens(query: Query, *, per_media: int = TOKENS_PER_MEDIA) -> int:
    """Tokens of the whole query: messages, tool traffic, offered tools; a flat number a media part."""
    tokens = sum(_message_tokens(message, per_media) for message in query.messages)
    for tool in query.tools:
        tokens += _TOKENS_PER_MESSAGE + estimate_tokens(tool.name + tool.description + tool.parameters_json)
    return tokens


def expected_output_tokens(query: Query, signals: Signals | None = None) -> int:
    """Tokens of an answer of middling difficulty, a quarter of it for the easiest query and four times for the hardest.

    A translation is about as long as its original. The query's own limit caps the estimate. A query without signals is
    taken to be of no particular kind.
    """
    if signals is None:
        tokens: float = _EXPECTED_OUTPUT[Task.OTHER]
    else:
        tokens = _EXPECTED_OUTPUT[signals.task] * _SPREAD ** (2 * signals.difficulty - 1)
        if signals.task is Task.TRANSLATE:
            tokens = max(tokens, signals.input_tokens)
    limit = query.generation.max_output_tokens
    return max(1, round(tokens if limit is None else min(tokens, limit)))


def _message_tokens(message: Message, per_media: int) -> int:
    tokens = _TOKENS_PER_MESSAGE
    for part in message.parts:
        match part:
            case TextPart():
                tokens += estimate_tokens(part.text)
            case ToolCall():
                tokens += estimate_tokens(part.name + part.arguments_json)
            case ToolResult():
                tokens += estimate_tokens(part.text) + per_media * len(tuple(part.media()))
            case ReasoningPart():
                tokens += estimate_tokens(part.text)
            case MediaPart():
                tokens += per_media
    return tokens
