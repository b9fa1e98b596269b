"""Splits a text into words, numbers and signs, and words into the pieces of a vocabulary, in any script.

A word of a script with spaces begins with the mark of SentencePiece and falls into the longest pieces known, from its
beginning on. Scripts without spaces have no words to find: their runs fall into the longest pieces known right away.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from frontdesk_server.domain.scripts import UNSPACED_BASIC

__all__ = ["LONG_NUMBER", "NUMBER", "WORD_START", "Vocabulary", "words_of"]

WORD_START = "\u2581"
NUMBER, LONG_NUMBER = "0", "00"
"""What stands for numbers of one or two digits, and of more."""

_WORD = re.compile(rf"[{UNSPACED_BASIC}]+|[^\W\d_{UNSPACED_BASIC}]+|\d+|[^\w\s]|_")
_ASCII_WORD = re.compile(r"[a-z]+|[0-9]+|[^\w\s]|_")
"""Finds the same in lower-case ASCII, in two thirds of the time."""
_IS_UNSPACED = re.compile(rf"[{UNSPACED_BASIC}]")
_LONGEST_SHORT_NUMBER = 2
_READ_SIGNS = frozenset(("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk"))
"""Punctuation, and the signs of mathematics and money; not emoji, nor the marks of letters of unknown scripts."""


def words_of(text: str) -> list[str]:
    """The words, numbers and signs of a text, in order, in lower case; compatibility forms (full-width) resolved."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


class Vocabulary:
    """Pieces by their number. Immutable, and safe to share."""

    __slots__ = ("_longest", "_numbers", "_pieces")

    def __init__(self, pieces: Sequence[str]) -> None:
        self._numbers = {piece: number for number, piece in enumerate(pieces)}
        self._longest = max(map(len, pieces), default=0)
        self._pieces = pieces

    def split(self, word: str) -> list[int]:
        """The numbers of the pieces that a word of `words_of` falls into; what is no piece is left out."""
        if word[0].isdigit():
            word = NUMBER if len(word) <= _LONGEST_SHORT_NUMBER else LONG_NUMBER
        elif _IS_UNSPACED.match(word):
            pass
        elif word[0].isalpha():
            word = WORD_START + word
        elif unicodedata.category(word) not in _READ_SIGNS:
            return []
        numbers, found, start = self._numbers, [], 0
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                number = numbers.get(word[start:end])
                if number is not None:
                    found.append(number)
                    start = end
                    break
            else:
                start += 1
        return found

    def letters_of(self, numbers: Sequence[int]) -> int:
        """How many letters these pieces have together."""
        return sum([letter.isalpha() for number in numbers for letter in self._pieces[number]])
