"""Whether a text is a JSON Schema, by the schema that JSON Schema (draft 2020-12) has of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import orjson
import re2
from cachetools import LRUCache

_DEEPEST = 64
_REMEMBERED = 4096
_MAPS = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})
"""Keywords whose objects hold schemas by names and are none themselves."""
_TYPES = "array, boolean, integer, null, number, object, string"

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False

_META_SCHEMA = jsonschema_rs.Draft202012Validator(
    {
        "$id": "frontdesk:schema",
        "$dynamicAnchor": "meta",
        "$ref": "https://json-schema.org/draft/2020-12/schema",
        "properties": {"enum": {"minItems": 1}},  # what holds for nothing, providers refuse
    },
    validate_formats=True,
    mask="it",
)
"""Says nothing of what a schema refers to, so that nothing is ever fetched."""


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

    def take_subschemas(self, count: int) -> None:
        """Raise `SchemasTooLarge` when fewer subschemas are left."""
        if count > self.subschemas:
            raise SchemasTooLarge("the schemas of the query hold more subschemas than allowed together")
        self.subschemas -= count


@dataclass(frozen=True, slots=True)
class _Examined:
    """What is known of a text: how many subschemas it holds, what is wrong with it, whether it describes an object."""

    subschemas: int
    fault: str | None
    of_type_object: bool = False


_examined: LRUCache[bytes, _Examined] = LRUCache(_REMEMBERED)
"""By the digest of the text: a conversation brings the same tools with every turn."""


def schema_fault(text: str, room: SchemaRoom, *, of_type_object: bool = False) -> str | None:
    """What is wrong with the JSON Schema in `text`; None when nothing is.

    With `of_type_object` the schema itself must describe an object, as a tool's parameters do.

    Raises:
        SchemasTooLarge: there is no room for it; it is not examined then.
    """
    room.take_text(text)
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
    examined = _examined.get(digest)
    if examined is None:
        examined = _examined_first(text, room)
        _examined[digest] = examined
    room.take_subschemas(examined.subschemas)
    if examined.fault is None and of_type_object and not examined.of_type_object:
        return 'the schema must have "type": "object"'
    return examined.fault


def _examined_first(text: str, room: SchemaRoom) -> _Examined:
    try:
        schema = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return _Examined(0, f"not JSON: {error.msg} at character {error.pos}")
    if not isinstance(schema, dict):
        return _Examined(0, "a JSON Schema is a JSON object")
    count = _measured(schema, room.subschemas)
    if count is None:
        return _Examined(0, f"nested deeper than {_DEEPEST} levels")
    fault = next(filter(None, map(_told, _META_SCHEMA.iter_errors(schema))), None)
    return _Examined(count, fault, schema.get("type") == "object")


def _measured(schema: dict[str, Any], most: int) -> int | None:
    """The number of objects that may be schemas; None where they are nested too deep. Lists of `items` are renamed.

    Before draft 2020-12 `items` could be what is `prefixItems` now, and many schemas still say it so.

    Raises:
        SchemasTooLarge: there are more than `most`.
    """
    count = 0
    waiting: list[tuple[Any, int, bool]] = [(schema, 0, False)]
    while waiting:
        value, depth, is_map = waiting.pop()
        if isinstance(value, list):
            waiting += [(entry, depth, False) for entry in value]
        elif isinstance(value, dict):
            if not is_map:
                count += 1
                if count > most:
                    raise SchemasTooLarge("the schemas of the query hold more subschemas than allowed together")
                if depth > _DEEPEST:
                    return None
                if isinstance(value.get("items"), list):
                    value["prefixItems"] = value.pop("items")
            below = depth if is_map else depth + 1
            waiting += [(entry, below, not is_map and key in _MAPS) for key, entry in value.items()]
    return count


def _told(error: jsonschema_rs.ValidationError) -> str | None:
    """The fault with its place; None for a pattern that is no JavaScript, but one that other languages read."""
    place = _pointer(error.instance_path)
    kind = type(error.kind).__name__
    if kind == "Format" and place.endswith("/pattern") and _is_re2(error.instance):
        return None
    if kind == "AnyOf" and place.endswith("/type"):
        return f"{place} must be one or several of {_TYPES}"
    return f"{place}: {error.message}"


def _is_re2(pattern: object) -> bool:
    try:
        re2.compile(pattern, _OPTIONS)
    except re2.error:
        return False
    return True


def _pointer(path: Sequence[str | int]) -> str:
    return "".join(f"/{part}" for part in path) or "the schema"
