"""Reads a dialect's JSON member by member: what has another type than the dialect promises is a violation, at its path.

What is left unread in the end belongs to the dialect alone, and passes on to it.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterator
from typing import Any

import orjson
from frontdesk.v1 import chat_pb2 as pb

from frontdesk_server.rpc.reasons import InvalidReason as Reason
from frontdesk_server.rpc.violations import Violations

Json = dict[str, Any]

_DATA_URI = re.compile(r"data:([^;,]*)((?:;[^;,]*)*?);base64,(.*)", re.DOTALL)
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)


class Fields:
    """The members of one JSON object, each of which is taken once."""

    __slots__ = ("_found", "at", "left")

    def __init__(self, value: Json, at: str, violations: Violations) -> None:
        self.at = at
        self.left = dict(value)
        self._found = violations

    @classmethod
    def of(cls, value: Any, at: str, violations: Violations) -> Fields:
        """The members of what must be an object; none where it is not."""
        if isinstance(value, dict):
            return cls(value, at, violations)
        violations.add(at, Reason.MALFORMED_REQUEST, "is no object")
        return cls({}, at, violations)

    def path(self, name: str) -> str:
        """Where a member stands."""
        return f"{self.at}.{name}" if self.at else name

    def part(self, value: Any, name: str) -> Fields:
        """The members of what stands below, at that name."""
        return Fields.of(value, self.path(name), self._found)

    def wrong(self, name: str, description: str, reason: Reason = Reason.MALFORMED_REQUEST) -> None:
        """Note what is wrong with a member."""
        self._found.add(self.path(name), reason, description)

    def any(self, name: str) -> Any:
        """A member of any type; null is as good as none."""
        return self.left.pop(name, None)

    def text(self, name: str, default: str = "") -> str:
        """A string."""
        value = self.left.pop(name, None)
        if value is None:
            return default
        if isinstance(value, str):
            return value
        self.wrong(name, "is no string")
        return default

    def required_text(self, name: str) -> str:
        """A string that must be there."""
        if self.left.get(name) is None:
            self.wrong(name, Reason.FIELD_REQUIRED.value, Reason.FIELD_REQUIRED)
        return self.text(name)

    def flag(self, name: str) -> bool | None:
        """A boolean."""
        value = self.left.pop(name, None)
        if value is None or isinstance(value, bool):
            return value
        self.wrong(name, "is no boolean")
        return None

    def number(self, name: str) -> float | None:
        """A number."""
        value = self.left.pop(name, None)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        self.wrong(name, "is no number")
        return None

    def integer(self, name: str, within: range = _INT32) -> int | None:
        """A whole number."""
        value = self.left.pop(name, None)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value in within:
            return value
        self.wrong(name, "is no whole number of that size")
        return None

    def long_integer(self, name: str) -> int | None:
        """A whole number of up to sixty-four bits."""
        return self.integer(name, _INT64)

    def members(self, name: str) -> Fields | None:
        """An object's members."""
        value = self.left.pop(name, None)
        return None if value is None else Fields.of(value, self.path(name), self._found)

    def items(self, name: str) -> list[Any]:
        """A list."""
        value = self.left.pop(name, None)
        if value is None:
            return []
        if isinstance(value, list):
            return value
        self.wrong(name, "is no list")
        return []

    def objects(self, name: str) -> Iterator[Fields]:
        """The objects of a list."""
        for index, item in enumerate(self.items(name)):
            yield Fields.of(item, f"{self.path(name)}[{index}]", self._found)

    def texts(self, name: str) -> list[str]:
        """A list of strings, or one alone."""
        value = self.left.get(name)
        if isinstance(value, str):
            return [self.text(name)]
        values = self.items(name)
        if all(isinstance(one, str) for one in values):
            return values
        self.wrong(name, "is neither a string nor a list of strings")
        return []

    def rest(self) -> Json:
        """What has not been taken, and says something."""
        return {name: value for name, value in self.left.items() if value is not None}


def json_of(value: Any) -> str:
    """A value as JSON."""
    return orjson.dumps(value).decode()


def add_option(holder: pb.Query | pb.Message | pb.ContentPart | pb.Tool, dialect: str, values: Json) -> None:
    """Pass values on to the dialect at this place."""
    if values:
        holder.provider_options.add(dialect=dialect, options_json=json_of(values))


def add_state(holder: pb.Message | pb.ContentPart, dialect: str, values: Json) -> None:
    """Give back what a provider has said beside what the contract has words for."""
    if values:
        holder.provider_state.add(dialect=dialect, json=json_of(values))


def block_of(dialect: str, value: Json) -> pb.ProviderBlock:
    """What only the dialect understands."""
    return pb.ProviderBlock(dialect=dialect, json=json_of(value))


def data_uri(url: str) -> tuple[str, bytes] | None:
    """The media type and the bytes of a data URI in base 64; None for what is none."""
    found = _DATA_URI.fullmatch(url)
    data = None if found is None else from_base64(found[3])
    return None if found is None or data is None else (found[1], data)


def from_base64(text: str) -> bytes | None:
    """The bytes; None where the text is no base 64."""
    try:
        return b64decode(text, validate=True)
    except (NoBase64, ValueError):
        return None
