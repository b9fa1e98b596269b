"""What is wrong with a value, in our words: the validator's own name its types and not the file's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from frontdesk_server.config.known_keys import unknown

Context = Mapping[str, Any]

_TYPES = {
    "bool": "is neither true nor false",
    "int": "is no whole number",
    "float": "is no number",
    "finite": "is no finite number",
    "dict": "is no mapping of keys to values",
    "model": "is no mapping of keys to values",
    "list": "is no list",
    "tuple": "is no list",
    "set": "is no list",
    "frozen": "is no list",
    "string": "is no text",
    "path": "is no path",
    "date": "is no date",
    "timedelta": "is no duration",
}
"""By the first word of the validator's type of error, where that says of which type a value is not."""

_FORMS = {
    r"^[^\x00-\x1f\x7f]+$": "must be text of one line",
    r"^[A-Za-z0-9._:-]+$": "may hold letters, digits and . _ : - alone",
    r"^[\x21-\x7e]+$": "may hold neither blanks nor anything beyond ASCII",
    r"^[0-9a-f]{8}$": "must be 8 hexadecimal digits, as `frontdesk key` prints them",
    r"^[0-9a-f]{64}$": "must be 64 hexadecimal digits, as `frontdesk key` prints them",
}
"""What the pattern of a text asks for."""

_BOUNDS: Mapping[str, Callable[[Context], str]] = {
    "missing": lambda _: "is missing",
    "greater_than": lambda context: f"must be above {context['gt']:g}",
    "greater_than_equal": lambda context: f"must be at least {context['ge']:g}",
    "less_than": lambda context: f"must be below {context['lt']:g}",
    "less_than_equal": lambda context: f"must be at most {context['le']:g}",
    "too_short": lambda context: f"needs {context['min_length']} at least",
    "too_long": lambda context: f"needs {context['max_length']} at most",
    "string_too_short": lambda context: "is empty" if context["min_length"] == 1 else "is too short",
    "string_too_long": lambda context: f"is longer than {context['max_length']} characters",
    "string_pattern_mismatch": lambda context: _FORMS.get(
        context["pattern"], f"is not of the form {context['pattern']}"
    ),
    "string_unicode": lambda _: "is no UTF-8",
    "multiple_of": lambda context: f"must be a multiple of {context['multiple_of']:g}",
    "url_parsing": lambda _: "is no URL such as https://api.example.com/v1",
}
_CHOICES = {"literal_error": "expected", "enum": "expected"}


def said(detail: ErrorDetails) -> str:
    """The fault without the value, which may be secret."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _BOUNDS:
        return _BOUNDS[kind](context)
    if kind in _CHOICES:
        return unknown(str(detail["input"]), _named(str(context["expected"])), "choice here")
    if kind.endswith(("_type", "_parsing", "_from_float", "_number", "_set_type")):
        return _TYPES.get(kind.partition("_")[0], _given(detail))
    return _given(detail)


def _given(detail: ErrorDetails) -> str:
    return detail["msg"].removeprefix("Value error, ")


def _named(expected: str) -> list[str]:
    """The choices of "'a', 'b' or 'c'"."""
    return [part.strip().strip("'") for part in expected.replace(" or ", ", ").split(",")]
