"""What of an upstream's message is its own, and what it only quotes of the query that it refuses.

A caller who writes what providers write would else teach, by being quoted, what no provider said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from itertools import chain, islice

from frontdesk_server.domain.query import Query

_WORD = re.compile(r"\w+")
_QUOTED_WORDS = 3
"""So many words in the query's order are a quotation. A text of fewer is one as a whole, and so is a tool's name."""
_MOST_CHARACTERS = 4000
"""What is longer quotes more than it says."""

Run = tuple[str, ...]


def own_words(message: str, query: Query) -> str:
    """The message without what it quotes of the query."""
    message = message[:_MOST_CHARACTERS]
    places = list(_WORD.finditer(message))
    said = [place[0].casefold() for place in places]
    quoted: set[int] = set()
    for length, runs in _runs(query).items():
        for begin, run in enumerate(_in_a_row(said, length)):
            if run in runs:
                quoted.update(range(begin, begin + length))
    pieces, end = [], 0
    for number in sorted(quoted):
        begin = places[number].start()
        pieces.append(message[end:begin])
        end = places[number].end()
    return "".join((*pieces, message[end:]))


def _runs(query: Query) -> dict[int, set[Run]]:
    """By their length, the runs of words by which a quotation is known."""
    runs: dict[int, set[Run]] = {}
    for text in _texts(query):
        words = _WORD.findall(text.casefold())
        runs.setdefault(_QUOTED_WORDS, set()).update(_in_a_row(words, _QUOTED_WORDS))
    names = (tool.name for tool in query.tools)
    for text in chain(names, (message.text for message in query.messages)):
        words = _WORD.findall(text.casefold())
        if 0 < len(words) < _QUOTED_WORDS:
            runs.setdefault(len(words), set()).add(tuple(words))
    return runs


def _in_a_row(words: Sequence[str], length: int) -> Iterator[Run]:
    return zip(*(islice(words, begin, None) for begin in range(length)), strict=False)


def _texts(value: object) -> Iterator[str]:
    """Every text within."""
    match value:
        case str():
            yield value
        case tuple():
            for item in value:
                yield from _texts(item)
        case _ if is_dataclass(value):
            for field in fields(value):
                yield from _texts(getattr(value, field.name))
