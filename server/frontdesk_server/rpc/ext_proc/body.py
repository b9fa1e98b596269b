"""The one thing that changes in a request's body: its model. All else stays as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import JSONDecoder

import orjson

_BLANKS = re.compile(r"[ \t\n\r]*")
_decode = JSONDecoder().raw_decode


def with_model(body: bytes, model: str) -> bytes:
    """A JSON object with this `model`: in place of every member of that name, else before all others.

    Numbers beyond all bounds, the order of members and blanks stay as they are.

    Raises:
        ValueError: the body is no JSON object, or is nested too deeply to be read.
    """
    text = body.decode()
    value = orjson.dumps(model).decode()
    try:
        places = [(begin, end) for name, begin, end in _members(text) if name == "model"]
    except (IndexError, RecursionError) as error:
        raise ValueError("the body is no JSON object that can be read") from error
    if not places:
        at = text.index("{") + 1
        comma = "" if text[_skip(text, at)] == "}" else ","
        return f'{text[:at]}"model":{value}{comma}{text[at:]}'.encode()
    pieces: list[str] = []
    last = 0
    for begin, end in places:
        pieces += text[last:begin], value
        last = end
    return "".join((*pieces, text[last:])).encode()


def _members(text: str) -> Iterator[tuple[str, int, int]]:
    """The name of every member of the object, and where its value begins and ends."""
    at = _skip(text, 0)
    if text[at] != "{":
        raise ValueError("the body is no JSON object")
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, at = _decode(text, at)
        begin = _skip(text, _skip(text, at) + 1)
        _, end = _decode(text, begin)
        yield name, begin, end
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return at if found is None else found.end()
