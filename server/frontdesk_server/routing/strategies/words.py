"""Where words begin and end in any script, and texts folded so that one keyword fits every spelling of a word.

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

_REMEMBERED = 10_000
_ZERO_WIDTH_SPACE = "\u200b"
_WORD_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "Pc"})
_STACKERS = frozenset("\u1039\u17d2\u1a60")
"""The invisible signs of Burmese, Khmer and Tai Tham that put the next consonant under the one before."""
_VARIATIONS = r"\x{180b}-\x{180d}\x{180f}\x{fe00}-\x{fe0f}\x{e0100}-\x{e01ef}"
_UNSEEN = re2.compile(rf"[\p{{Cf}}{_VARIATIONS}]")
_SINGULAR = re2.compile(rf"[\p{{Cf}}{_VARIATIONS}\p{{S}}\p{{No}}]")
"""What is not folded as NFKC would: the unseen, and signs of which it makes letters or digits, such as ™ and ²."""
_UNSPACED = re2.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\x{3031}-\x{3035}\x{309b}\x{309c}\x{30fc}\p{Bopomofo}\p{Tangut}\p{Nushu}"
    r"\p{Khitan_Small_Script}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}"
    r"\p{Ahom}]"
)
_HANGUL = re2.compile(r"\p{Hangul}")


class _Writing(Enum):
    """What a character does to the words around it."""

    SIGN = "sign"
    MARK = "mark"
    WORD = "word"
    UNSPACED = "unspaced"
    HANGUL = "hangul"


def folded(text: str) -> str:
    """The text without regard to case, width, compatibility forms, unseen characters, and how much white space.

    It is case-folded in full (ß is ss), and both Turkish letters i are one. Unseen are format characters, such as
    soft hyphens and marks of direction, and variation selectors; a zero-width space separates, and stays.
    """
    if text.isascii():
        return _single_spaced(text.lower())
    if _SINGULAR.search(text) is not None:
        plain = unicodedata.normalize("NFC", text.translate(_SINGLY))
    else:
        plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _single_spaced(plain.replace("i\u0307", "i").replace("ı", "i"))  # noqa: RUF001 - the Turkish one


def has_word(text: str, word: str) -> bool:
    """Whether a folded text holds a folded word, or several with spaces between them, and not within a longer word."""
    place = text.find(word)
    while place >= 0:
        if _begins(text, place) and _ends(text, place + len(word)):
            return True
        place = text.find(word, place + 1)
    return False


def _single_spaced(text: str) -> str:
    """One space for white space of any kind and length."""
    if text.isprintable() and "  " not in text and text[:1] != " " != text[-1:]:
        return text  # as most texts are, which saves taking them to pieces
    return " ".join(text.split())


def _begins(text: str, place: int) -> bool:
    """Whether a word may begin at this place."""
    writing = _writing(text[place])
    if writing is _Writing.SIGN or not place:
        return True
    if writing is _Writing.UNSPACED:
        return text[place - 1] not in _STACKERS
    return _last_writing(text, place) is not writing


def _ends(text: str, place: int) -> bool:
    """Whether a word may end before this place."""
    if place == len(text):
        return True
    following = _writing(text[place])
    writing = _last_writing(text, place)
    if writing is _Writing.WORD:
        return following is not _Writing.WORD and following is not _Writing.MARK
    return writing is _Writing.SIGN or unicodedata.category(text[place])[0] != "M"


def _last_writing(text: str, end: int) -> _Writing:
    """What is written before this place, marks aside."""
    for place in range(end - 1, -1, -1):
        writing = _writing(text[place])
        if writing is not _Writing.MARK:
            return writing
    return _Writing.SIGN


@lru_cache(_REMEMBERED)
def _writing(character: str) -> _Writing:
    if _UNSPACED.fullmatch(character):
        return _Writing.UNSPACED
    if _HANGUL.fullmatch(character):
        return _Writing.HANGUL
    category = unicodedata.category(character)
    if category in _WORD_CATEGORIES:
        return _Writing.WORD
    return _Writing.MARK if category[0] == "M" else _Writing.SIGN


class _Singly(dict[int, str]):
    """What each character is folded to, where it stands alone. Remembers the first it is asked for."""

    def __missing__(self, code: int) -> str:
        result = self._folded(chr(code))
        if len(self) < _REMEMBERED:
            self[code] = result
        return result

    @staticmethod
    def _folded(character: str) -> str:
        if character != _ZERO_WIDTH_SPACE and _UNSEEN.fullmatch(character):
            return ""
        plain = unicodedata.normalize("NFKC", character)
        if _writing(character) is _Writing.SIGN and any(_writing(each) is not _Writing.SIGN for each in plain):
            return character.casefold()
        return unicodedata.normalize("NFKC", plain.casefold())


_SINGLY = _Singly()
