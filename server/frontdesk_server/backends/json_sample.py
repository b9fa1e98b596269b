"""JSON that satisfies a simple JSON Schema."""

from __future__ import annotations

import math
from typing import Any

import orjson

_MAX_DEPTH = 16
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
    """
    schema = orjson.loads(schema_json)
    return orjson.dumps(_sample(schema, schema, _MAX_DEPTH)).decode()


def _sample(schema: Any, root: Any, depth: int) -> Any:
    if not isinstance(schema, dict) or depth == 0:
        return None
    schema = _resolved(schema, root)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if choices := schema.get("enum") or schema.get("examples"):
        return choices[0]
    for key in ("anyOf", "oneOf"):
        if options := schema.get(key):
            return _sample(options[0], root, depth - 1)
    match _type(schema):
        case "object":
            properties = schema.get("properties", {})
            # Optional properties of a recursive schema must end somewhere.
            wanted = properties if depth > _MAX_DEPTH // 2 else schema.get("required", ())
            return {name: _sample(properties.get(name), root, depth - 1) for name in wanted}
        case "array":
            count = schema.get("minItems", 1 if depth > _MAX_DEPTH // 2 else 0)
            count = min(count, schema.get("maxItems", count))
            return [_sample(schema.get("items"), root, depth - 1) for _ in range(count)]
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


def _resolved(schema: dict[str, Any], root: Any) -> dict[str, Any]:
    merged: dict[str, Any] = dict(schema)
    for _ in range(_MAX_DEPTH):
        reference = merged.pop("$ref", None)
        if not isinstance(reference, str):
            break
        target = root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step:
                target = target.get(step, {}) if isinstance(target, dict) else {}
        if isinstance(target, dict):
            merged = {**target, **merged}
    for part in merged.pop("allOf", ()):
        part = _resolved(part, root)
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
    text = text.ljust(schema.get("minLength", 0), ".")
    return text[: schema.get("maxLength", len(text))]
