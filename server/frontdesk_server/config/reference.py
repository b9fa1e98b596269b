"""The configuration's JSON Schema as a page for people: every section with its keys, types, defaults and meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_BOUNDS = {"minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}"}
_SUFFIX = re.compile(r"Config$")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
_OPENING = """# Configuration

Every key of the configuration file, as `frontdesk schema --markdown` prints it from the JSON Schema; a test compares.
The file is YAML. `${NAME}` is replaced from the environment, money is USD, relative paths start at the file, units
stand in the names. `frontdesk check FILE` reports every fault with its line. A whole example is the
[embedded pool](../server/frontdesk_server/config/default.yaml).
"""


def reference(schema: Schema) -> str:
    """The page, in Markdown; sections stand in the order in which they are first mentioned."""
    definitions = schema["$defs"]
    parts = [_OPENING, _table(schema, definitions)]
    for name in _mentioned(schema, definitions):
        definition = definitions[name]
        body = _table(definition, definitions) if "properties" in definition else f"{_type(definition, definitions)}.\n"
        described = _prose(definition.get("description", ""))
        parts += [f"## {_title(name, definition)}\n", *([f"{described}\n"] if described else ()), body]
    return "\n".join(parts)


def _mentioned(schema: Schema, definitions: Mapping[str, Schema]) -> list[str]:
    """Sections that are reached from here, breadth first; plain choices are spelled out where they are used."""
    found: list[str] = []
    waiting = [schema]
    while waiting:
        for name in _references(waiting.pop(0)):
            if name not in found and "enum" not in definitions[name]:
                found.append(name)
                waiting.append(definitions[name])
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(reference := node.get("$ref"), str):
            yield reference.rpartition("/")[2]
        for key, value in node.items():
            if key not in ("$defs", "default", "discriminator"):
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _table(section: Schema, definitions: Mapping[str, Schema]) -> str:
    required = section.get("required", ())
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key, value in section["properties"].items():
        default = "required" if key in required else _default(value)
        cells = (f"`{key}`", _type(value, definitions), default, _prose(value.get("description", "")))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _type(node: Schema, definitions: Mapping[str, Schema]) -> str:
    """What a value may be, in words."""
    if (reference := node.get("$ref")) is not None:
        name = reference.rpartition("/")[2]
        definition = definitions[name]
        if "enum" in definition:
            return _type(definition, definitions)
        title = _title(name, definition)
        return f"[{title.replace('kind: ', '')}](#{_anchor(title)})"
    for choice in ("anyOf", "oneOf"):
        if choice in node:
            kinds = [_type(one, definitions) for one in node[choice] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if "const" in node:
        return f"`{node['const']}`"
    bounds = ", ".join(words.format(f"{node[key]:g}") for key, words in _BOUNDS.items() if key in node)
    match node.get("type"):
        case "array":
            items = node.get("items") or {}
            return f"list of {_type(items, definitions)}" if items else "list"
        case "object":
            values = node.get("additionalProperties")
            return f"names, each with {_type(values, definitions)}" if isinstance(values, Mapping) else "mapping"
        case "string":
            return "secret" if node.get("format") == "password" else "text"
        case kind:
            words = {"integer": "whole number", "number": "number", "boolean": "true or false"}.get(str(kind), "any")
            return f"{words} {bounds}".strip()


def _default(node: Schema) -> str:
    default = node.get("default")
    if default is None or isinstance(default, dict):
        return ""
    if isinstance(default, list):
        return ", ".join(f"`{json.dumps(one)}`" for one in default) or "none"
    return f"`{json.dumps(default) if not isinstance(default, str) else default}`" if default != "" else ""


def _title(name: str, definition: Schema) -> str:
    """A section's kind where it is one of several, else the words of its name."""
    if (kind := definition.get("properties", {}).get("kind", {}).get("const")) is not None:
        return f"`kind: {kind}`"
    return " ".join(_WORDS.findall(_SUFFIX.sub("", name))).lower()


def _anchor(title: str) -> str:
    """As forges make it of a heading."""
    return re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-")


def _prose(text: str) -> str:
    return " ".join(text.split())
