"""The sentences: our own, one a line, a file a language and kind.

Those of `sentences` fall into a tuning and an untouched half. Those of `blind` are of other styles (chats, pasted error
messages, shop talk of many trades, requests buried in small talk), were written before the table was trained on wider
texts, and are only counted. Those of `strangers` were written by somebody who knew neither the code nor any other set;
those of `newcomers` by somebody else still, and were counted once, after table and weights were chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_FOLDER = Path(__file__).parent
LANGUAGES = ("en", "de", "fr", "es", "pt", "zh", "ja")
KINDS = ("hard", "easy", "code")
"""Short and hard; easy (in English, long, too); about programming without saying so."""


def sentences(language: str, kind: str) -> Sequence[str]:
    """All sentences of a language and kind, but the blind ones."""
    return _lines("sentences", language, kind)


def tuning(language: str, kind: str) -> Sequence[str]:
    """Those that weights and thresholds may be chosen on: the odd lines."""
    return sentences(language, kind)[::2]


def untouched(language: str, kind: str) -> Sequence[str]:
    """Those that are only counted: the even lines."""
    return sentences(language, kind)[1::2]


def blind(language: str, kind: str) -> Sequence[str]:
    """Those of other styles, that are only counted."""
    return _lines("blind", language, kind)


def strangers(language: str, kind: str) -> Sequence[str]:
    """Those of somebody else, that are only counted."""
    return _lines("strangers", language, kind)


def newcomers(language: str, kind: str) -> Sequence[str]:
    """Those that were counted once."""
    return _lines("newcomers", language, kind)


def _lines(folder: str, language: str, kind: str) -> Sequence[str]:
    return (_FOLDER / folder / f"{language}.{kind}.txt").read_text(encoding="utf-8").splitlines()
