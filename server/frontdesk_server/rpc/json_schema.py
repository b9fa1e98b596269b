"""Whether a text is a JSON Schema a provider could use: its shape, not its every subtlety."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_DEEPEST = 64


class SchemasTooLarge(Exception):
    """The schemas of a query hold more than is read."""


@dataclass(slots=True)
class SchemaRoom:
    """How much all schemas of a query may hold together; reading them uses it up."""

    characters: int
    subschemas: int

    def take_text(self, text: str) -> None:
        """Raise `SchemasTooLarge` when the text is longer than what is left."""
        if len(text) > self.characters:
            raise SchemasTooLarge("the schemas of the query are longer than allowed together")
        self.characters -= len(text)

    def take_subschema(self) -> None:
        """Raise `SchemasTooLarge` when no subschema is left."""
        if not self.subschemas:
            raise SchemasTooLarge("the schemas of the query hold more subschemas than allowed together")
        self.subschemas -= 1


def schema_fault(text: str, room: SchemaRoom, *, of_type_object: bool = False) -> str | None:
    """What is wrong with the JSON Schema in `text`; None when nothing is.

    With `of_type_object` the schema itself must describe an object, as a tool's parameters do.

    Raises:
        SchemasTooLarge: there is no room for it; it is not examined to its end then.
    """
    room.take_text(text)
    try:
        schema = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error.msg} at character {error.pos}"
    if not isinstance(schema, dict):
        return "a JSON Schema is a JSON object"
    if of_type_object and schema.get("type") != "object":
        return 'the schema must have "type": "object"'
    return _fault(schema, "", 0, room)


def _fault(schema: Any, place: str, depth: int, room: SchemaRoom) -> str | None:
    room.take_subschema()
    if isinstance(schema, bool):
        return None
    if not isinstance(schema, dict):
        return f"{place or 'the schema'} must be an object or a boolean"
    if depth > _DEEPEST:
        return f"nested deeper than {_DEEPEST} levels"
    for keyword, value in schema.items():
        check = _KEYWORDS.get(keyword)
        if check is not None:
            fault = check(value, f"{place}/{keyword}", depth, room)
            if fault is not None:
                return fault
    return None


def _schema(value: Any, place: str, depth: int, room: SchemaRoom) -> str | None:
    return _fault(value, place, depth + 1, room)


def _schemas(value: Any, place: str, depth: int, room: SchemaRoom) -> str | None:
    if not isinstance(value, list) or not value:
        return f"{place} must be a non-empty array of schemas"
    return _first(_fault(entry, f"{place}/{index}", depth + 1, room) for index, entry in enumerate(value))


def _schemas_by_name(value: Any, place: str, depth: int, room: SchemaRoom) -> str | None:
    if not isinstance(value, dict):
        return f"{place} must be an object of schemas"
    return _first(_fault(entry, f"{place}/{name}", depth + 1, room) for name, entry in value.items())


def _items(value: Any, place: str, depth: int, room: SchemaRoom) -> str | None:
    return _schemas(value, place, depth, room) if isinstance(value, list) else _schema(value, place, depth, room)


def _type(value: Any, place: str, depth: int, room: SchemaRoom) -> str | None:
    names = value if isinstance(value, list) and value else [value]
    if all(isinstance(name, str) and name in _TYPES for name in names):
        return None
    return f"{place} must be one or several of {', '.join(sorted(_TYPES))}"


def _names(value: Any, place: str, depth: int, room: SchemaRoom) -> str | None:
    if isinstance(value, list) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value):
        return None
    return f"{place} must be an array of different strings"


def _enum(value: Any, place: str, depth: int, room: SchemaRoom) -> str | None:
    return None if isinstance(value, list) and value else f"{place} must be a non-empty array"


def _string(value: Any, place: str, depth: int, room: SchemaRoom) -> str | None:
    return None if isinstance(value, str) else f"{place} must be a string"


def _number(value: Any, place: str, depth: int, room: SchemaRoom) -> str | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return None if good else f"{place} must be a number"


def _count(value: Any, place: str, depth: int, room: SchemaRoom) -> str | None:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return None if good else f"{place} must be a whole number >= 0"


def _first(faults: Any) -> str | None:
    return next((fault for fault in faults if fault is not None), None)


_KEYWORDS: dict[str, Callable[[Any, str, int, SchemaRoom], str | None]] = {
    "type": _type,
    "enum": _enum,
    "required": _names,
    "items": _items,
} | {
    keyword: check
    for check, keywords in {
        _schema: ("additionalProperties", "contains", "else", "if", "not", "propertyNames", "then"),
        _schemas: ("allOf", "anyOf", "oneOf", "prefixItems"),
        _schemas_by_name: ("$defs", "definitions", "patternProperties", "properties"),
        _string: ("$id", "$ref", "$schema", "description", "format", "pattern", "title"),
        _number: ("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"),
        _count: ("maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"),
    }.items()
    for keyword in keywords
}
