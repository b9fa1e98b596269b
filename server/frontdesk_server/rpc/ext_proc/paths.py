"""Which path a request means, however it is spelt: what an upstream may read as a query's is one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

_DECODINGS = 4
"""A proxy before the upstream may decode once more; nobody decodes as often as this."""
_SLASHES = re.compile(r"[/\\]")
_PARAMETERS = re.compile(r"[;?#\x00]")
_BLANKS = re.compile(r"[\x00-\x20\x7f-\xa0+]")


def parts_of(path: str) -> tuple[str, ...]:
    """The parts of a plain path, such as `/chat/completions`."""
    return tuple(path.strip("/").split("/"))


def ends_with(path: str, parts: tuple[str, ...]) -> bool:
    """Whether an upstream may read this path, its query string included, as one that ends with these parts.

    Upstreams differ in what they make equal: escapes (of escapes, too), case, backslashes, doubled and trailing
    slashes, dots, blanks, `;parameters`. All of it is, here; what is taken for a query's path by mistake is refused
    by its body.
    """
    return any(read[-len(parts) :] == parts for read in _readings(path.partition("?")[0]))


def _readings(path: str) -> Iterator[tuple[str, ...]]:
    for _ in range(_DECODINGS):
        yield _normal(path)
        yield _normal(_PARAMETERS.split(path, maxsplit=1)[0])
        decoded = unquote(path)
        if decoded == path:
            return
        path = decoded


def _normal(path: str) -> tuple[str, ...]:
    parts: list[str] = []
    for written in _SLASHES.split(unicodedata.normalize("NFKC", path)):
        part = _BLANKS.sub("", _PARAMETERS.split(written, maxsplit=1)[0]).casefold()
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)
