"""What is said of a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_MOST_NAMED = 40


def no_such(what: str, name: str, known: Iterable[str]) -> str:
    """That nothing of this kind has the name, which one may have been meant, and what there is."""
    names = sorted(known)
    close = get_close_matches(name, names, 1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return f"no {what} is named {name!r}{meant}; there are {', '.join(names[:_MOST_NAMED]) or 'none'}{more}"
