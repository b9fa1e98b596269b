"""JSON as upstreams write it, and its values in the types that the APIs promise."""

from __future__ import annotations

import json
from typing import Any

import orjson

from frontdesk_server.backends.halves import whole_text
from frontdesk_server.domain.errors import UpstreamProtocolError

Json = dict[str, Any]

_LONGEST_INDEX = 10
_DIGITS = bytes(ord("0") if chr(byte).isdigit() else byte for byte in range(128)) + bytes(range(128, 256))
_LONG = b"0" * 19
"""So many digits in a row may be a whole number beyond 64 bits, which orjson makes a float of."""


def json_value(data: str | bytes) -> Any:
    """The value of a JSON text.

    As JSON allows, its strings may hold escapes of half a character, and its numbers may be beyond all bounds; whole
    ones stay exact. A byte order mark before it is passed over.

    Raises:
        ValueError: it is no JSON.

    """
    try:
        return given_value(data)
    except orjson.JSONDecodeError:
        text = (data if isinstance(data, str) else data.decode()).removeprefix("\ufeff")
        try:
            return json.loads(text, parse_constant=_refuse)
        except RecursionError as error:
            raise ValueError("nested too deep") from error


def given_value(data: str | bytes) -> Any:
    """The value of a JSON text that a caller or an LLM wrote: whole numbers are exact, however long.

    Raises:
        ValueError: it is no JSON, or holds half a character.

    """
    value = orjson.loads(data)
    digits = (data.encode() if isinstance(data, str) else data).translate(_DIGITS)
    return json.loads(data) if _LONG in digits else value


def json_object(data: str | bytes) -> Json:
    """The JSON object in an event's data.

    Raises:
        UpstreamProtocolError: it holds anything else.

    """
    try:
        value = json_value(data)
    except ValueError as error:
        raise UpstreamProtocolError("a chunk is not valid JSON") from error
    if not isinstance(value, dict):
        raise UpstreamProtocolError("a chunk is not a JSON object")
    return value


def json_text(value: Any) -> str:
    """The value as JSON text; half a character becomes U+FFFD."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return whole_text(_dumped(value))


def json_bytes(value: Any) -> bytes:
    """The value as JSON in UTF-8.

    Raises:
        TypeError: JSON has no such value.
        ValueError: it holds half a character.

    """
    try:
        return orjson.dumps(value)
    except TypeError:  # half a character, or a number beyond 64 bits
        return _dumped(value).encode()


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def piece(value: Any) -> str:
    """A piece of a text, null for none; it may end in half a character."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UpstreamProtocolError("a text is not a string")
    return value


def word(value: Any) -> str:
    """A name, an id or another short text; empty for null."""
    return whole_text(piece(value))


def remark(value: Any) -> str:
    """A word on which the answer does not depend; empty for anything else."""
    return whole_text(value) if isinstance(value, str) else ""


def place(value: Any) -> int | None:
    """An index, written `1`, `1.0` or `"1"`; None for null."""
    match value:
        case None | int() if not isinstance(value, bool):
            return value
        case float() if value.is_integer():
            return int(value)
        case str() if value.isascii() and value.isdigit() and len(value) < _LONGEST_INDEX:
            return int(value)
    raise UpstreamProtocolError("an index is not a whole number")


class PromisedForm:
    """What cannot be read within `with promised_form:` breaks the API's promise: an `UpstreamProtocolError`."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)):
            raise UpstreamProtocolError("the response is not of the form the API promises") from error


promised_form = PromisedForm()


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
