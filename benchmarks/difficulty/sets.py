"""The sentences: our own, one a line, a file a language and kind.

Those of `sentences` fall into a tuning and an untouched half. Those of `blind` are of other styles (chats, pasted error
messages, shop talk of many trades, requests buried in small talk), were written before the table was trained on wider
texts, and are only counted. Those of `strangers` were written by somebody who knew neither the code nor any other set;
those of `newcomers` and of `latecomers` by others still, each counted once, after a table and its weights were chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_FOLDER = Path(__file__).parent
LANGUAGES = ("en", "de", "fr", "es", "pt", "zh", "ja")
KINDS = ("hard", "easy", "code")
"""Short and hard; easy, some of them long; about programming without saying so."""
SETS = ("tuning", "untouched", "blind", "strangers", "newcomers", "latecomers")
_LONG_WORDS = 50
_LONG_CHARACTERS = {"zh": 100, "ja": 100}


def sentences(which: str, language: str, kind: str) -> Sequence[str]:
    """Those of one set, language and kind; of `sentences` odd lines are for tuning, even ones untouched."""
    if which in ("tuning", "untouched"):
        return _lines("sentences", language, kind)[which == "untouched" :: 2]
    return _lines(which, language, kind)


def is_long(language: str, text: str) -> bool:
    """Whether it is a long text of its language."""
    characters = _LONG_CHARACTERS.get(language)
    return len(text) >= characters if characters else len(text.split()) >= _LONG_WORDS


def _lines(folder: str, language: str, kind: str) -> Sequence[str]:
    return (_FOLDER / folder / f"{language}.{kind}.txt").read_text(encoding="utf-8").splitlines()
