"""Characters one by one, as both keywords and cues read them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import re2

from frontdesk_server.domain.scripts import UNSEEN

__all__ = ["PLAIN_SIGNS", "ReadSingly", "is_raised", "is_unseen"]

_REMEMBERED = 10_000
_UNSEEN = re2.compile(f"[{UNSEEN}]")
_RAISED = ("<super>", "<sub>", "<fraction>")
PLAIN_SIGNS = {"\u2019": "'", "\u02bc": "'", "\u2010": "-", "\u2011": "-"}
"""Apostrophes and hyphens of print, and what is typed for them."""


class ReadSingly(dict[int, str]):
    """What each character is read as, for `str.translate`. Remembers the first it is asked for."""

    def __init__(self, read: Callable[[str], str]) -> None:
        self._read = read

    def __missing__(self, code: int) -> str:
        result = self._read(chr(code))
        if len(self) < _REMEMBERED:
            self[code] = result
        return result


def is_unseen(character: str) -> bool:
    """Whether nothing is shown of it."""
    return _UNSEEN.fullmatch(character) is not None


def is_raised(character: str) -> bool:
    """Whether it stands for others that are raised, lowered or a fraction, as ™ and ½ do."""
    return unicodedata.decomposition(character).startswith(_RAISED)
