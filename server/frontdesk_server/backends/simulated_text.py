"""The prose of a simulated model: as long as its answer is expected to be, and the same each time."""

from __future__ import annotations

import re
from itertools import cycle
from zlib import crc32

TOKEN = re.compile(r"\s?\S{1,6}|\s+")
"""What a simulated model counts as one token."""

_SPREAD = 1.3
_LONGEST_PARAPHRASE_WORDS = 14
_QUOTED_SHARE = 3
_READ_CHARACTERS = 2000
_LONGEST_WORD = 20
_WORD = re.compile(r"[^\W\d_]{5,20}")
_SENTENCES = (
    "It would first say what is asked and what is given.",
    "It would name the parts of “{topic}” and take them one by one.",
    "For each it would weigh the alternatives.",
    "It would say what speaks for “{topic}”, and what against it.",
    "It would point out the cases of “{topic}” that are easily forgotten.",
    "It would check this against the question.",
    "At last it would sum up, and say what remains open about “{topic}”.",
)
_SENTENCES_PER_PARAGRAPH = 7


def prose(model: str, asked: str, opening: str, expected_tokens: int) -> str:
    """An answer that takes the query up and says that nobody thought about it.

    It takes about `expected_tokens`, up to a third more or less by what was asked, as answers do; only one that has no
    room to say whom it simulates is longer.
    """
    room = round(expected_tokens * _SPREAD ** _tilt(model + asked))
    text = f"[simulated {model}] {opening}: “{paraphrase(asked, room // _QUOTED_SHARE)}”"
    room -= _count(text)
    for further in (f" Here {model} would answer; no LLM was called.", " This text is simulated."):
        if (tokens := _count(further)) <= room:
            text += further
            room -= tokens
    return text + _filled(asked, room)


def paraphrase(text: str, most_words: int = _LONGEST_PARAPHRASE_WORDS) -> str:
    """The beginning of a text."""
    words = text[:_READ_CHARACTERS].split()
    kept = [word[:_LONGEST_WORD] for word in words[: max(1, min(most_words, _LONGEST_PARAPHRASE_WORDS))]]
    return " ".join(kept) + (" …" if len(words) > len(kept) else "")


def _filled(asked: str, room: int) -> str:
    """Sentences that fill so many tokens, a paragraph for every handful; none where none fits."""
    _verb, _, rest = asked[:_READ_CHARACTERS].partition(" ")
    topics = cycle(dict.fromkeys(_WORD.findall(rest)) or ("the question",))
    pieces: list[str] = []
    passed_over = 0
    for template in cycle(_SENTENCES):
        breaks = len(pieces) % _SENTENCES_PER_PARAGRAPH == _SENTENCES_PER_PARAGRAPH - 1
        sentence = ("\n\n" if breaks else " ") + template.format(topic=next(topics))
        tokens = _count(sentence)
        if tokens <= room:
            pieces.append(sentence)
            room -= tokens
            passed_over = 0
        elif (passed_over := passed_over + 1) == len(_SENTENCES):
            return "".join(pieces)
    raise AssertionError("a cycle does not end")


def _count(text: str) -> int:
    return len(TOKEN.findall(text))


def _tilt(text: str) -> float:
    """A number in [-1, 1] that hangs on the text alone."""
    return crc32(text.encode()) / 0x7FFFFFFF - 1
