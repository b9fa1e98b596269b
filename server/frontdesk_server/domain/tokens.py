"""How many tokens a query brings and an answer takes, without a tokenizer: the one estimate of the whole house."""

from __future__ import annotations

import re
from collections.abc import Callable

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
_RUN = 16
_RUN_FACTOR = 16
_LONG_RUNS = re.compile(rf"\s{{{_RUN + 1},}}|(\S)\1{{{_RUN},}}")
_SEALED_CHARACTERS_PER_TOKEN = 16 / 3


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


def sealed_tokens(characters: int) -> int:
    """Tokens of what is encrypted, by the length of its Base64: a quarter of its bytes."""
    return round(characters / _SEALED_CHARACTERS_PER_TOKEN)


class TokenCount:
    """Counts a text in pieces as `estimate_tokens` does, but a run of one character, or of blanks, for less.

    Tokenizers have tokens for many spaces, dashes or line ends together: what goes beyond 16 of them counts a
    sixteenth. However a text is cut, it counts the same.
    """

    __slots__ = ("_eighths", "_last", "_run", "_surplus")

    def __init__(self) -> None:
        self._eighths = 0
        self._surplus = 0
        self._last: str | None = ""
        self._run = 0

    def add(self, text: str) -> None:
        """Take the next piece."""
        if not text:
            return
        self._eighths += token_eighths(text)
        first, last = _kind(text[0]), _kind(text[-1])
        before = self._run if first == self._last else 0
        leading = len(text) - len(text.lstrip(first))
        self._surplus += (_beyond(before + leading) - _beyond(before)) * token_eighths(text[0])
        if len(text) - leading > _RUN:
            for run in _LONG_RUNS.finditer(text, leading):
                self._surplus += _beyond(run.end() - run.start()) * token_eighths(text[run.start()])
        self._last = last
        self._run = before + leading if leading == len(text) else len(text) - len(text.rstrip(last))

    @property
    def tokens(self) -> int:
        """What has come, in whole tokens."""
        return whole_tokens(self._eighths - self._surplus + self._surplus // _RUN_FACTOR)


def estimate_few_tokens(text: str) -> int:
    """Tokens of a text whose runs of one character count little."""
    count = TokenCount()
    count.add(text)
    return count.tokens


def _kind(character: str) -> str | None:
    """What a run is made of that holds the character: of nothing else, or of blanks (None, as `strip` takes it)."""
    return None if character.isspace() else character


def _beyond(run: int) -> int:
    return max(0, run - _RUN)


def estimate_input_tokens(
    query: Query, *, per_media: int = TOKENS_PER_MEDIA, tokens_of: Callable[[str], int] = estimate_tokens
) -> int:
    """Tokens of the whole query: messages, tool traffic, offered tools; a flat number a media part."""
    tokens = sum(_message_tokens(message, per_media, tokens_of) for message in query.messages)
    for tool in query.tools:
        tokens += _TOKENS_PER_MESSAGE + tokens_of(tool.name + tool.description + tool.parameters_json)
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


def _message_tokens(message: Message, per_media: int, tokens_of: Callable[[str], int]) -> int:
    tokens = _TOKENS_PER_MESSAGE
    for part in message.parts:
        match part:
            case TextPart():
                tokens += tokens_of(part.text)
            case ToolCall():
                tokens += tokens_of(part.name + part.arguments_json)
            case ToolResult():
                tokens += tokens_of(part.text) + per_media * len(tuple(part.media()))
            case ReasoningPart():
                tokens += tokens_of(part.text)
            case MediaPart():
                tokens += per_media
    return tokens
