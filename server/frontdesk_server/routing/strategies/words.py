"""Where words begin and end in any script.

After Unicode's own rules: a word is letters, marks, digits and connectors (UTS #18, RL1.4), and a mark belongs to the
character before it (UAX #29, WB4). Scripts without spaces between words, which are UAX #29's ideographs, kana and
scripts of complex context, have a boundary beside every character. Hangul writes particles behind a word without a
space, so that a word in it has a beginning, and an end after any syllable. Where one of these kinds of writing meets
another is a boundary, as in "IBAN을".
"""

from __future__ import annotations

import unicodedata
from enum import Enum
from functools import lru_cache

import re2

from frontdesk_server.domain.scripts import UNSPACED

_REMEMBERED = 10_000
_WORD_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "Pc"})
_STACKERS = frozenset("\u1039\u17d2\u1a60")
"""The invisible signs of Burmese, Khmer and Tai Tham that put the next consonant under the one before."""
_UNSPACED = re2.compile(f"[{UNSPACED}]")
_HANGUL = re2.compile(r"\p{Hangul}")


class Writing(Enum):
    """What a character does to the words around it."""

    SIGN = "sign"
    MARK = "mark"
    WORD = "word"
    UNSPACED = "unspaced"
    HANGUL = "hangul"


def has_word(text: str, word: str) -> bool:
    """Whether a folded text holds a folded word, or several with spaces between them, and not within a longer word."""
    place = text.find(word)
    while place >= 0:
        if _begins(text, place) and _ends(text, place + len(word)):
            return True
        place = text.find(word, place + 1)
    return False


def _begins(text: str, place: int) -> bool:
    """Whether a word may begin at this place."""
    writing = writing_of(text[place])
    if writing is Writing.SIGN or not place:
        return True
    if writing is Writing.UNSPACED:
        return text[place - 1] not in _STACKERS
    return _last_writing(text, place) is not writing


def _ends(text: str, place: int) -> bool:
    """Whether a word may end before this place."""
    if place == len(text):
        return True
    following = writing_of(text[place])
    writing = _last_writing(text, place)
    if writing is Writing.WORD:
        return following is not Writing.WORD and following is not Writing.MARK
    return writing is Writing.SIGN or unicodedata.category(text[place])[0] != "M"


def _last_writing(text: str, end: int) -> Writing:
    """What is written before this place, marks aside."""
    for place in range(end - 1, -1, -1):
        writing = writing_of(text[place])
        if writing is not Writing.MARK:
            return writing
    return Writing.SIGN


@lru_cache(_REMEMBERED)
def writing_of(character: str) -> Writing:
    """Of which kind a character is."""
    if _UNSPACED.fullmatch(character):
        return Writing.UNSPACED
    if _HANGUL.fullmatch(character):
        return Writing.HANGUL
    category = unicodedata.category(character)
    if category in _WORD_CATEGORIES:
        return Writing.WORD
    return Writing.MARK if category[0] == "M" else Writing.SIGN
