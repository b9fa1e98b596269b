"""JSON that satisfies a simple JSON Schema."""

from __future__ import annotations

import math
from typing import Any

import orjson

from frontdesk_server.domain.errors import UpstreamRequestRefused

_MAX_DEPTH = 16
_OPTIONAL_DEPTH = 3
"""Optional properties and items are filled in down to here, so that a recursive schema ends."""
_MAX_VALUES = 10_000
_MAX_CHARACTERS = 100_000
_FORMATS = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "simulated@example.com",
    "uri": "https://example.com/simulated",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def sample_json(schema_json: str) -> str:
    """One JSON value, the same each time.

    It understands types, enum, const, default, properties, items, local $ref, combinations, and limits of length and
    size; not patterns and not conditions.

    Raises:
        UpstreamRequestRefused: it cannot follow the schema, or only by a value of absurd size.

    """
    try:
        schema = orjson.loads(schema_json)
        return orjson.dumps(_Sampler(schema).sample(schema, 0)).decode()
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError) as error:
        raise UpstreamRequestRefused("the JSON schema cannot be followed") from error


class _Sampler:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._values_left = _MAX_VALUES

    def sample(self, schema: Any, depth: int) -> Any:
        self._values_left -= 1
        if self._values_left < 0 or depth > _MAX_DEPTH:
            raise ValueError("too large")
        if not isinstance(schema, dict):
            return None
        schema = self._resolved(schema)
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        if choices := schema.get("enum") or schema.get("examples"):
            return choices[0]
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return self.sample(options[0], depth + 1)
        match _type(schema):
            case "object":
                properties = schema.get("properties", {})
                wanted = properties if depth < _OPTIONAL_DEPTH else schema.get("required", ())
                return {name: self.sample(properties.get(name), depth + 1) for name in wanted}
            case "array":
                count = schema.get("minItems", 1 if depth < _OPTIONAL_DEPTH else 0)
                count = min(count, schema.get("maxItems", count))
                return [self.sample(schema.get("items"), depth + 1) for _ in range(count)]
            case "integer":
                return math.ceil(_number(schema, 1))
            case "number":
                return _number(schema, 0.01)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return _string(schema)

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema with its references and what all of it demands merged into it."""
        merged = dict(schema)
        for _ in range(_MAX_DEPTH):
            reference = merged.pop("$ref", None)
            if reference is None:
                break
            target = self._root
            for step in reference.removeprefix("#").strip("/").split("/"):
                target = target[step] if step else target
            merged = {**target, **merged}
        for part in map(self._resolved, merged.pop("allOf", ())):
            merged = {
                **part,
                **merged,
                "properties": {**part.get("properties", {}), **merged.get("properties", {})},
                "required": [*part.get("required", ()), *merged.get("required", ())],
            }
        return merged


def _type(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    if kind:
        return str(kind)
    return "object" if schema.get("properties") else "array" if "items" in schema else "string"


def _number(schema: dict[str, Any], step: float) -> Any:
    """The least number that is allowed, or the greatest, or 0; `step` leads past exclusive limits."""
    if "minimum" in schema:
        number = schema["minimum"]
    elif "exclusiveMinimum" in schema:
        number = schema["exclusiveMinimum"] + step
    elif "maximum" in schema:
        number = min(0, schema["maximum"])
    elif "exclusiveMaximum" in schema:
        number = min(0, schema["exclusiveMaximum"] - step)
    else:
        number = 0
    multiple = schema.get("multipleOf")
    return math.ceil(number / multiple) * multiple if multiple else number


def _string(schema: dict[str, Any]) -> str:
    text = _FORMATS.get(schema.get("format", ""), "simulated")
    if schema.get("minLength", 0) > _MAX_CHARACTERS:
        raise ValueError("too long")
    text = text.ljust(schema.get("minLength", 0), ".")
    return text[: schema.get("maxLength", len(text))]
