"""What a query sets beyond its conversation, setting by setting, so that one of them can be refused and left out.

A setting is named by its field in the contract: `seed`, `tool_choice`, `user_id`. Where a field has several forms, of
which a model may take some, the form belongs to the name: `response_format json_schema`, `tool_choice required`. What
passes through is named by its dialect and its key: `provider_options openai.service_tier`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

import orjson

from frontdesk_server.domain.provider import ProviderOptions
from frontdesk_server.domain.query import GenerationConfig, JsonObjectFormat, JsonSchemaFormat, Query, ToolChoice

OPTION = "provider_options"
_STRICT = "tools.strict"
_UNSET = GenerationConfig()
_GENERATION = tuple(field.name for field in fields(GenerationConfig) if field.name != "max_output_tokens")
"""A limit of the answer is sent whether the caller sets one or not."""


def settings_of(query: Query) -> frozenset[str]:
    """The names of all that the query sets."""
    return frozenset(_named(query))


def sets_anything(query: Query) -> bool:
    """Whether the query sets anything at all."""
    if query.generation == _UNSET and not (query.tools or query.tool_choice or query.user_id or query.provider_options):
        return False  # as most do, told at once
    return next(_named(query), None) is not None


def without(query: Query, setting: str) -> Query:
    """The query without one of its settings."""
    name, _, rest = setting.partition(" ")
    if name == OPTION:
        dialect, _, key = rest.partition(".")
        tools = tuple(
            replace(t, provider_options=_options_without(t.provider_options, dialect, key)) for t in query.tools
        )
        options = _options_without(query.provider_options, dialect, key)
        return replace(query, provider_options=options, tools=tools)
    if name == _STRICT:
        return replace(query, tools=tuple(replace(tool, strict=None) for tool in query.tools))
    emptied: Mapping[str, Any] = {"tools": (), "tool_choice": None, "user_id": ""}
    if name in emptied:
        return replace(query, **{name: emptied[name]})
    return replace(query, generation=replace(query.generation, **{name: getattr(_UNSET, name)}))


def _named(query: Query) -> Iterator[str]:
    generation = query.generation
    for name in _GENERATION:
        value = getattr(generation, name)
        if value != getattr(_UNSET, name):
            yield f"{name} {form}" if (form := _form(value)) else name
    if query.tools:
        yield "tools"
    if query.tool_choice is not None:
        yield f"tool_choice {_form(query.tool_choice)}"
    if any(tool.strict is not None for tool in query.tools):
        yield _STRICT
    if query.user_id:
        yield "user_id"
    yield from _options(query.provider_options)
    for tool in query.tools:
        yield from _options(tool.provider_options)


def _form(value: object) -> str:
    match value:
        case JsonObjectFormat():
            return "json_object"
        case JsonSchemaFormat():
            return "json_schema"
        case ToolChoice(mode, tool_name):
            return "tool" if tool_name else mode.value
    return ""


def _options(options: Iterable[ProviderOptions]) -> Iterator[str]:
    for one in options:
        yield from (f"{OPTION} {one.dialect}.{key}" for key in orjson.loads(one.options_json))


def _options_without(options: Iterable[ProviderOptions], dialect: str, key: str) -> tuple[ProviderOptions, ...]:
    return tuple(_option_without(one, key) if one.dialect == dialect else one for one in options)


def _option_without(options: ProviderOptions, key: str) -> ProviderOptions:
    values = json.loads(options.options_json)  # exact, where numbers are long
    values.pop(key, None)
    return replace(options, options_json=json.dumps(values, ensure_ascii=False))
