"""Texts folded so that one keyword fits every spelling of a word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import re2

from frontdesk_server.domain.scripts import UNSEEN, UNSPACED
from frontdesk_server.routing.characters import PLAIN_SIGNS, ReadSingly, is_raised, is_unseen
from frontdesk_server.routing.strategies.words import Writing, writing_of

ZERO_WIDTH_SPACE = "\u200b"
_FILLERS = "\u115f\u1160"
"""The unseen that Unicode counts among the letters, and that stay as they are."""
_SINGULAR = re2.compile(rf"[{UNSEEN}\p{{S}}\p{{No}}]")
"""What is not simply folded as NFKC would: the unseen, and signs, of which some would become letters or digits."""
_VARIED = re2.compile(
    r"[\p{Hebrew}\p{Arabic}\x{300}-\x{390}\x{3aa}-\x{3b0}\x{3ca}-\x{3ce}\x{1f00}-\x{1fff}\x{2bc}\x{2010}\x{2011}\x{2019}]"
)
"""Wherever something of the following may stand, or come of by folding."""
_POINTS = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew accents and points
    "\u0610-\u061a\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]"  # Arabic; no hamza
)
"""What Hebrew and Arabic write or leave out at will: vowels, accents, and the stroke that widens a word."""
_ACCENTED_GREEK = re.compile("[\u0390\u03ac-\u03b0\u03ca-\u03ce\u1f00-\u1fff]")
_DIVIDED = re2.compile(f"[{UNSPACED}] [{UNSPACED}]")
_LETTERED = re.compile("[\u2100-\u214f\u2460-\u24ff\u3200-\u33ff\U0001f100-\U0001f2ff]")
"""The blocks of signs that stand for letters or digits."""


def folded(text: str, *, lettered: bool = True) -> str:
    """The text without regard to case, width, compatibility forms, unseen characters, and how much white space.

    It is case-folded in full (ß is ss), and both Turkish letters i are one; Greek accents, Hebrew points, and Arabic
    vowels and tatweel go. Signs become what they stand for if `lettered` (㎏, ⓐ; not what is raised or lowered, as ™).
    Unseen characters go, but for the zero-width space, which separates. White space between characters of scripts
    without spaces, where lines are broken anywhere, goes too.
    """
    if text.isascii():
        return _single_spaced(text.lower())
    if _SINGULAR.search(text) is not None:
        table = _LETTERS if lettered else _SIGNS
        plain = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).translate(table))
    else:
        plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    plain = plain.replace("i\u0307", "i").replace("ı", "i")  # noqa: RUF001 - the Turkish one
    if _VARIED.search(plain) is not None:
        plain = _ACCENTED_GREEK.sub(_without_accent, _POINTS.sub("", plain))
        for sign, common in PLAIN_SIGNS.items():
            plain = plain.replace(sign, common)
        plain = unicodedata.normalize("NFC", plain)
    return _undivided(_single_spaced(plain))


def spellings(text: str) -> Sequence[str]:
    """The folded text, and what else it may say.

    A zero-width space separates words, or is hidden in one; a sign such as ⓘ is a letter of a word, or stands beside.
    """
    found = [folded(text)]
    if not text.isascii():
        if ZERO_WIDTH_SPACE in text:
            found.append(folded(text.replace(ZERO_WIDTH_SPACE, "")))
        if _LETTERED.search(text) is not None:
            found.append(folded(text, lettered=False))
    return found


def _single_spaced(text: str) -> str:
    """One space for white space of any kind and length."""
    if text.isprintable() and "  " not in text and text[:1] != " " != text[-1:]:
        return text  # as most texts are, which saves taking them to pieces
    return " ".join(text.split())


def _undivided(text: str) -> str:
    """The text without the spaces that stand between two characters of scripts without spaces."""
    if _DIVIDED.search(text) is None:
        return text
    words = text.split(" ")
    joined = [words[0]]
    for before, after in pairwise(words):
        unspaced = writing_of(before[-1]) is Writing.UNSPACED and writing_of(after[0]) is Writing.UNSPACED
        joined += ["" if unspaced else " ", after]
    return "".join(joined)


def _without_accent(letter: re.Match[str]) -> str:
    return unicodedata.normalize("NFD", letter[0])[0]


def _read_as(character: str, *, lettered: bool) -> str:
    """What a character is folded to where it stands alone."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())
    if plain == character and unicodedata.category(character)[0] in "LNPS" and character not in _FILLERS:
        return plain  # as most are: the expressions below take many times as long
    if character != ZERO_WIDTH_SPACE and is_unseen(character):
        return ""
    if writing_of(character) is not Writing.SIGN or all(writing_of(each) is Writing.SIGN for each in plain):
        return plain
    return plain if lettered and not is_raised(character) else character.casefold()


_LETTERS, _SIGNS = (ReadSingly(partial(_read_as, lettered=lettered)) for lettered in (True, False))
