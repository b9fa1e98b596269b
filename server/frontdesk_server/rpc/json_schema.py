"""Whether a text is a JSON Schema a provider could use: its shape, not its every subtlety."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import orjson

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_DEEPEST = 64


def schema_fault(text: str, *, of_type_object: bool = False) -> str | None:
    """What is wrong with the JSON Schema in `text`; None when nothing is.

    With `of_type_object` the schema itself must describe an object, as a tool's parameters do.
    """
    try:
        schema = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error.msg} at character {error.pos}"
    if not isinstance(schema, dict):
        return "a JSON Schema is a JSON object"
    if of_type_object and schema.get("type") != "object":
        return 'the schema must have "type": "object"'
    return _fault(schema, "", 0)


def _fault(schema: Any, place: str, depth: int) -> str | None:
    if isinstance(schema, bool):
        return None
    if not isinstance(schema, dict):
        return f"{place or 'the schema'} must be an object or a boolean"
    if depth > _DEEPEST:
        return f"nested deeper than {_DEEPEST} levels"
    for keyword, value in schema.items():
        check = _KEYWORDS.get(keyword)
        if check is not None:
            fault = check(value, f"{place}/{keyword}", depth)
            if fault is not None:
                return fault
    return None


def _schema(value: Any, place: str, depth: int) -> str | None:
    return _fault(value, place, depth + 1)


def _schemas(value: Any, place: str, depth: int) -> str | None:
    if not isinstance(value, list) or not value:
        return f"{place} must be a non-empty array of schemas"
    return _first(_fault(entry, f"{place}/{index}", depth + 1) for index, entry in enumerate(value))


def _schemas_by_name(value: Any, place: str, depth: int) -> str | None:
    if not isinstance(value, dict):
        return f"{place} must be an object of schemas"
    return _first(_fault(entry, f"{place}/{name}", depth + 1) for name, entry in value.items())


def _items(value: Any, place: str, depth: int) -> str | None:
    return _schemas(value, place, depth) if isinstance(value, list) else _schema(value, place, depth)


def _type(value: Any, place: str, depth: int) -> str | None:
    names = value if isinstance(value, list) and value else [value]
    if all(isinstance(name, str) and name in _TYPES for name in names):
        return None
    return f"{place} must be one or several of {', '.join(sorted(_TYPES))}"


def _names(value: Any, place: str, depth: int) -> str | None:
    if isinstance(value, list) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value):
        return None
    return f"{place} must be an array of different strings"


def _enum(value: Any, place: str, depth: int) -> str | None:
    return None if isinstance(value, list) and value else f"{place} must be a non-empty array"


def _string(value: Any, place: str, depth: int) -> str | None:
    return None if isinstance(value, str) else f"{place} must be a string"


def _number(value: Any, place: str, depth: int) -> str | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return None if good else f"{place} must be a number"


def _count(value: Any, place: str, depth: int) -> str | None:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return None if good else f"{place} must be a whole number >= 0"


def _first(faults: Any) -> str | None:
    return next((fault for fault in faults if fault is not None), None)


_KEYWORDS: dict[str, Callable[[Any, str, int], str | None]] = {
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
