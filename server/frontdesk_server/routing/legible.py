"""A text as its cues and its wording are read: words in plain letters, whatever stands around and between them.

What people see as one question may come in full width, in mathematical bold, with soft hyphens, as entities of HTML,
with spaces that do not break, or with emoji between its words. None of that says anything of the question.
"""

from __future__ import annotations

import html
import re
import unicodedata

from frontdesk_server.routing.characters import PLAIN_SIGNS, ReadSingly, is_raised, is_unseen

__all__ = ["legible"]

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z][A-Za-z\d]{1,30});")
_BLANKS = re.compile(r"[^\S\n]*\n[^\S\n]*|[^\S\n]+")
_STRAY_ACCENTS = re.compile("[\u0300-\u036f]+")
_ODD = re.compile(
    "[^\n -~\u00a1-\u00a5\u00a7\u00ab\u00ac\u00b1-\u00b3\u00b6\u00b7\u00b9-\u0131\u0134-\u013e\u0141-\u0148"
    "\u014a-\u017e\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03cf\u0400-\u0481\u048a-\u052f\u05d0-\u05ea\u0620-\u064a"
    "\u0e01-\u0e30\u1e00-\u1e99\u1ea0-\u1ef9\u2012-\u2016\u2018\u201a-\u2022\u2026\u2030-\u2032\u2039\u203a\u20a0-\u20a7\u20a9-\u20bf\u2200-\u222b\u2260-\u2265"
    "\u3001-\u3003\u3005-\u3011\u3014-\u301f\u3041-\u3096\u30a1-\u30fe\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
    "\uff01\uff08\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\uff3b\uff3d\uff5b\uff5d-\uff65]"
)
"""Finds what is not written as most texts are, which saves looking at every character of these."""
_COMMON = {**PLAIN_SIGNS, "\u00b4": "'", "\u2028": "\n", "\u2029": "\n"}
_AS_WRITTEN = frozenset("\n^`°…！（），．：；？［］｛｝～｟｠｡｢｣､･")  # noqa: RUF001 - of full width, as sentences end
_NO_WORDS = frozenset(("Zs", "Cc", "Cn", "Co", "Cs", "Me"))
_SYMBOLS = frozenset(("So", "Sk"))
"""Of which some stand for letters or digits, such as ㎏."""


def legible(text: str) -> str:
    """The text in common letters, digits and signs, with one blank between words; lines stay lines.

    What is not seen goes, and so do emoji and other signs that are neither punctuation nor of mathematics or money.
    """
    if "&" in text and ";" in text:
        text = _ENTITY.sub(_unescaped, text)
    if not text.isascii() and _ODD.search(text) is not None:
        plain = unicodedata.normalize("NFC", text.translate(_PLAIN))
        text = _STRAY_ACCENTS.sub("", plain)
    if "  " in text or not text.isprintable():
        text = _BLANKS.sub(_blank, text)
    return text


def _unescaped(entity: re.Match[str]) -> str:
    return html.unescape(entity[0])


def _blank(found: re.Match[str]) -> str:
    return "\n" if "\n" in found[0] else " "


def _read_as(character: str) -> str:
    if character in _AS_WRITTEN:
        return character
    if character in _COMMON:
        return _COMMON[character]
    category = unicodedata.category(character)
    if category in _NO_WORDS:
        return " "
    if is_unseen(character):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    plain = unicodedata.normalize("NFKC", character)
    raised = is_raised(character)
    if category in _SYMBOLS:
        return plain if plain.isalnum() and not raised else " "
    return character if raised else plain


_PLAIN = ReadSingly(_read_as)
"""What is read in place of each character."""
