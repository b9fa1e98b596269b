"""Our own secrets in what an upstream says: whole, in fragments, or encoded."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from urllib.parse import quote

_FRAGMENT = 8
"""Characters from which on a fragment is masked. A shorter secret is no secret, but may well be a word."""
_MASK = "***"


class SecretMask:
    """Masks every stretch of a text that repeats at least `_FRAGMENT` characters of a secret, or of its encodings."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._fragments = frozenset(
            form[start : start + _FRAGMENT]
            for secret in secrets
            for word in _words(secret)
            for form in _forms(word)
            for start in range(len(form) - _FRAGMENT + 1)
        )

    def mask(self, text: str, max_characters: int) -> str:
        """The text, masked and shortened."""
        # What is cut off may be the rest of a fragment: more is masked than shown, and the seam dropped.
        seen = text[: 8 * max_characters]
        masked = self._masked(seen)
        if len(seen) < len(text):
            masked = masked[:-_FRAGMENT]
        if len(masked) > max_characters or len(seen) < len(text):
            return masked[:max_characters] + "…"
        return masked

    def _masked(self, text: str) -> str:
        pieces: list[str] = []
        end = 0  # of the stretch that is masked last
        for start in range(len(text) - _FRAGMENT + 1):
            if text[start : start + _FRAGMENT] in self._fragments:
                if start > end or not pieces:
                    pieces += (text[end:start], _MASK)
                end = start + _FRAGMENT
        return "".join((*pieces, text[end:]))


def _words(secret: str) -> Iterator[str]:
    """The parts of a header's value that are not common to all: without `Bearer` and `https://`."""
    for word in secret.split():
        secret_part = word.rpartition("://")[2]
        if len(secret_part) >= _FRAGMENT:
            yield secret_part


def _forms(secret: str) -> Iterator[str]:
    """The secret and its encodings; base64 at each of the three offsets which it may have within a longer text."""
    data = secret.encode()
    yield secret
    yield quote(secret, safe="")
    yield data.hex()
    yield data.hex().upper()
    yield "".join(f"%{byte:02x}" for byte in data)
    yield "".join(f"%{byte:02X}" for byte in data)
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode()
        # The characters at the ends may hold bits of the neighbours, too.
        own = encoded[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
        yield own
        yield own.replace("+", "-").replace("/", "_")
