"""Characters whose two halves arrive apart: UTF-16 surrogates, as JSON escapes spell what lies beyond U+FFFF."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")
TextKey = tuple[str | int, int]
"""What kind of text it is, or the index of its tool call, and its part."""

REPLACEMENT = "\ufffd"
"""What stands for half a character."""


def whole_text(text: str) -> str:
    """The text with its halves joined; one that is alone becomes U+FFFD."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class HalfCharacters:
    """Joins halves across the pieces of a text. Texts that arrive side by side are told apart by a key."""

    def __init__(self) -> None:
        self._first_halves: dict[TextKey, str] = {}

    def join(self, key: TextKey, piece: str) -> str:
        """The piece as it can be passed on: with the half that was kept before it, without the half that ends it."""
        if not piece or (not self._first_halves and (piece.isascii() or not _SURROGATE.search(piece))):
            return piece
        piece = self._first_halves.pop(key, "") + piece
        if "\ud800" <= piece[-1] <= "\udbff":
            self._first_halves[key] = piece[-1]
            piece = piece[:-1]
        return whole_text(piece)

    def alone(self) -> list[TextKey]:
        """The keys of the texts that ended in a half; nothing is kept any more."""
        keys = list(self._first_halves)
        self._first_halves.clear()
        return keys
