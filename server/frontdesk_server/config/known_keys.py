"""Which keys a section of the configuration knows, and the likeliest of them for one that it does not know."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

_MOST_LISTED = 12


def unknown(word: str, known: Iterable[str], kind: str) -> str:
    """That there is no such word: with the one that was likely meant, else with all where they are few."""
    words = sorted(known)
    if close := difflib.get_close_matches(word, words, n=1):
        return f"is no {kind}; did you mean {close[0]}?"
    listed = ", ".join(words) if len(words) <= _MOST_LISTED else ""
    return f"is no {kind}{f'; known: {listed}' if listed else ''}"


def known_keys(schema: Schema, location: Sequence[int | str]) -> set[str]:
    """The keys of the section at a location of pydantic's, which names the members of unions, too."""
    definitions = schema.get("$defs", {})
    nodes: list[Schema] = [schema]
    for step in location:
        alternatives = [one for node in nodes for one in _alternatives(node, definitions)]
        nodes = [inner for one in alternatives for inner in _inside(one, step)] or [
            one for one in alternatives if _kind(one) in (None, step)
        ]
    return {key for node in nodes for one in _alternatives(node, definitions) for key in one.get("properties", ())}


def _alternatives(node: Schema, definitions: Mapping[str, Schema]) -> Iterator[Schema]:
    if "$ref" in node:
        yield from _alternatives(definitions[node["$ref"].rpartition("/")[2]], definitions)
    elif (choices := node.get("anyOf") or node.get("oneOf")) is not None:
        for choice in choices:
            yield from _alternatives(choice, definitions)
    else:
        yield node


def _inside(node: Schema, step: int | str) -> Iterator[Schema]:
    if step in node.get("properties", {}):
        yield node["properties"][step]
    elif isinstance(step, int) and "items" in node:
        yield node["items"]
    elif isinstance(values := node.get("additionalProperties"), Mapping):
        yield values


def _kind(node: Schema) -> Any:
    return node.get("properties", {}).get("kind", {}).get("const")
