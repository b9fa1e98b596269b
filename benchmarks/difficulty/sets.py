"""The sentences: our own, one a line, a file a language and kind, each in a tuning and an untouched half."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent / "sentences"
LANGUAGES = ("en", "de", "fr", "es", "pt", "zh", "ja")
KINDS = ("hard", "easy", "code")
"""Short and hard; easy (in English, long, too); about programming without saying so."""


def sentences(language: str, kind: str) -> Sequence[str]:
    """All sentences of a language and kind."""
    return (FOLDER / f"{language}.{kind}.txt").read_text(encoding="utf-8").splitlines()


def tuning(language: str, kind: str) -> Sequence[str]:
    """Those that weights and thresholds may be chosen on: the odd lines."""
    return sentences(language, kind)[::2]


def untouched(language: str, kind: str) -> Sequence[str]:
    """Those that are only counted: the even lines."""
    return sentences(language, kind)[1::2]
