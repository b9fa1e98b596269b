"""JSON as upstreams write it, and its values in the types that the APIs promise."""

from __future__ import annotations

import json
from typing import Any

import orjson

from frontdesk_server.backends.halves import whole_text
from frontdesk_server.domain.errors import UpstreamProtocolError

Json = dict[str, Any]

_LONGEST_INDEX = 10


def json_value(data: str | bytes) -> Any:
    """The value of a JSON text.

    As JSON allows, its strings may hold escapes of half a character, and its numbers may be beyond all bounds. A byte
    order mark before it is passed over.

    Raises:
        ValueError: it is no JSON.

    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        text = (data if isinstance(data, str) else data.decode()).removeprefix("\ufeff")
        try:
            return json.loads(text, parse_constant=_refuse)
        except RecursionError as error:
            raise ValueError("nested too deep") from error


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
    """The value as JSON text."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # half a character
        return whole_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


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
