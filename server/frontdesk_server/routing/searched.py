"""The texts in which rules look for words and patterns: all that is sent to a model, also in JSON and across joints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from frontdesk_server.domain.provider import Extensible
from frontdesk_server.domain.query import (
    ContentPart,
    JsonSchemaFormat,
    MediaPart,
    Message,
    ProviderPart,
    Query,
    ReasoningPart,
    ResultPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
)

_DEEPEST_JSON = 4
"""How often JSON is unwrapped of JSON that is a string of JSON."""
_ESCAPED_BACKSLASH = "\\\\"
_NO_CHARACTER = "\uffff"  # stands for a backslash while other escapes are read
_SIMPLE_ESCAPES = {'\\"': '"', "\\/": "/", "\\b": "\b", "\\f": "\f", "\\n": "\n", "\\r": "\r", "\\t": "\t"}
_CODE_UNITS = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")


def texts_of_last(query: Query, text: str) -> Sequence[str]:
    """The text of the last user message, and the same with nothing between its parts."""
    for message in reversed(query.messages):
        if message.role is Role.USER:
            return (text,) if len(message.parts) == 1 else (text, *_jointless((message,)))
    return (text,)


def texts_anywhere(query: Query) -> list[str]:
    """All texts of a query: what was said in its order, what else is sent, and what is divided at a joint.

    Left out are the bytes of media that are no text, and what a provider has signed or encrypted.
    """
    said = "\n".join(filter(None, (text for message in query.messages for text in _said(message))))
    beside = "\n".join(filter(None, _beside(query)))
    turns = (tuple(turn) for _, turn in groupby(query.messages, lambda message: message.role))
    return [said, *filter(None, (beside,)), *(text for turn in turns for text in _jointless(turn))]


def unescaped(text: str) -> Iterator[str]:
    """What a text says that holds escapes of JSON, wherever these stand; nothing where it holds none."""
    for _ in range(_DEEPEST_JSON):
        plain = _unescaped(text) if "\\" in text else text
        if plain == text:
            return
        yield plain
        text = plain


def _said(message: Message) -> Iterator[str]:
    for part in message.parts:
        match part:
            case TextPart() | ReasoningPart():
                yield part.text
            case ToolCall():
                yield part.arguments_json
            case ToolResult():
                yield part.text


def _beside(query: Query) -> Iterator[str]:
    """What is sent and nobody said: names, ids, addresses, tools, schemas, options and state of providers."""
    yield query.user_id
    yield from (options.options_json for options in query.provider_options)
    yield from query.generation.stop_sequences
    if isinstance(form := query.generation.response_format, JsonSchemaFormat):
        yield from (form.name, form.description, form.schema_json)
    for tool in query.tools:
        yield from _of_tool(tool)
    for message in query.messages:
        yield message.name
        yield from _extensions(message)
        for part in message.parts:
            yield from _of_part(part)


def _of_tool(tool: Tool) -> Iterator[str]:
    yield from (tool.name, tool.description, tool.parameters_json)
    if tool.provider_tool is not None:
        yield tool.provider_tool.json
    yield from _extensions(tool)


def _of_part(part: ContentPart | ResultPart) -> Iterator[str]:
    yield from _extensions(part)
    match part:
        case MediaPart():
            yield from (part.mime_type, part.uri or "", part.filename)
            if part.data and part.mime_type.lower().startswith(("text/", "application/json")):
                yield part.data.decode("utf-8", "replace")
        case ToolCall():
            yield from (part.id, part.name)
        case ToolResult():
            yield part.tool_call_id
            for piece in part.parts:
                yield from _of_part(piece)
                yield from _extensions(piece)
        case ProviderPart():
            yield part.block.json


def _extensions(holder: Extensible) -> Iterator[str]:
    yield from (options.options_json for options in holder.provider_options)
    yield from (state.json for state in holder.provider_state)


def _jointless(turn: Sequence[Message]) -> Iterator[str]:
    """Texts of several parts with nothing between them, all and two by two: so a provider may put them together."""
    parts = [part for message in turn for part in message.parts]
    yield from _joined(parts)
    for part in parts:
        if isinstance(part, ToolResult):
            yield from _joined(part.parts)


def _joined(parts: Sequence[ContentPart | ResultPart]) -> Iterator[str]:
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    if len(texts) > 1:
        yield "".join(texts)
    if len(texts) > 2:
        yield "\n".join(text + following for text, following in pairwise(texts))


def _unescaped(text: str) -> str:
    text = text.replace(_ESCAPED_BACKSLASH, _NO_CHARACTER)
    for escape, character in _SIMPLE_ESCAPES.items():
        text = text.replace(escape, character)
    if "\\u" in text:
        text = _CODE_UNITS.sub(_of_code_units, text)
    return text.replace(_NO_CHARACTER, "\\")


def _of_code_units(escapes: re.Match[str]) -> str:
    units = bytes.fromhex(escapes[0].replace("\\u", ""))
    return units.decode("utf-16-be", "replace")
