"""What is said of a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def no_such(what: str, name: str, known: Iterable[str]) -> str:
    """That nothing of this kind has the name, which one may have been meant, and what there is."""
    names = sorted(known)
    close = get_close_matches(name, names, 1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    return f"no {what} is named {name!r}{meant}; there are {', '.join(names) or 'none'}"
