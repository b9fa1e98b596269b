"""Hypothesis strategies for requests: anything the wire can carry, and what the contract allows."""

from __future__ import annotations

from typing import Any, TypeVar

from frontdesk.v1.chat_pb2 import (
    ROLE_ASSISTANT,
    ROLE_SYSTEM,
    ROLE_TOOL,
    ROLE_USER,
    ContentPart,
    GenerationConfig,
    Media,
    Query,
    Reasoning,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from frontdesk.v1.chat_pb2 import Message as ChatMessage
from frontdesk.v1.routing_pb2 import RoutingPolicy
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

_M = TypeVar("_M", bound=Message)
_F = FieldDescriptor
_TEXT = st.text(max_size=20)
_NAME = st.from_regex(r"[a-zA-Z0-9_-]{1,64}", fullmatch=True)
_FRACTION = st.floats(0, 1)
_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    _F.TYPE_STRING: _TEXT,
    _F.TYPE_BYTES: st.binary(max_size=20),
    _F.TYPE_BOOL: st.booleans(),
    _F.TYPE_DOUBLE: st.floats(),
    _F.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    _F.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    _F.TYPE_ENUM: st.integers(-1, 12),
}


def anything(kind: type[_M]) -> st.SearchStrategy[_M]:
    """Messages of this type with any values in any of their fields."""
    return _message(kind.DESCRIPTOR)  # type: ignore[arg-type]


def _message(descriptor: Descriptor) -> st.SearchStrategy[Any]:
    kind = GetMessageClass(descriptor)
    fields = {field.name: _field(field) for field in descriptor.fields}
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: kind(**values))


def _field(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        return st.dictionaries(_TEXT, _TEXT, max_size=3)
    single = _message(inner) if inner is not None else _SCALARS[field.type]
    return st.lists(single, max_size=3) if field.is_repeated else single


@st.composite
def valid_queries(draw: st.DrawFn) -> Query:
    """Queries that the contract allows."""
    messages = draw(st.lists(_turns(), max_size=3))
    calls = [part.tool_call.id for m in messages for part in m.parts if part.HasField("tool_call")]
    for index, part in enumerate(p for m in messages for p in m.parts if p.HasField("tool_call")):
        part.tool_call.id = f"{index}-{part.tool_call.id}"
        calls[index] = part.tool_call.id
    if calls:
        result = ToolResult(
            tool_call_id=draw(st.sampled_from(calls)), content=draw(_TEXT), is_error=draw(st.booleans())
        )
        messages.append(ChatMessage(role=ROLE_TOOL, parts=[ContentPart(tool_result=result)]))
    if not calls or draw(st.booleans()):
        parts = st.lists(st.one_of(_text_parts(), _media_parts()), min_size=1, max_size=3)
        messages.append(ChatMessage(role=ROLE_USER, parts=draw(parts), name=draw(_TEXT)))
    names = draw(st.lists(_NAME, unique=True, max_size=3))
    tools = [Tool(name=name, parameters_json=draw(st.sampled_from(["", '{"type":"object"}']))) for name in names]
    choice = draw(st.sampled_from([None, ToolChoice(tool_name=names[0]), ToolChoice(mode=2)])) if names else None  # type: ignore[arg-type]
    return Query(messages=messages, tools=tools, tool_choice=choice, generation=draw(st.none() | _generation()))


def valid_policies() -> st.SearchStrategy[RoutingPolicy]:
    """Policies that the contract allows."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "router": _TEXT,
        "quality_floor": _FRACTION,
        "cost_weight": _FRACTION,
        "latency_weight": _FRACTION,
        "max_cost_nano_usd": st.integers(0, 2**63 - 1),
        "allowed_models": st.lists(_NAME, max_size=3),
        "required_capabilities": st.lists(st.integers(1, 13), max_size=3),
        "affinity_key": _TEXT,
        "max_attempts": st.integers(1, 2**31 - 1),
    }
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: RoutingPolicy(**values))


def _turns() -> st.SearchStrategy[ChatMessage]:
    system = st.lists(_text_parts(), min_size=1, max_size=2).map(lambda ps: ChatMessage(role=ROLE_SYSTEM, parts=ps))
    said = st.one_of(
        _text_parts(),
        st.builds(ToolCall, id=_TEXT, name=_NAME).map(lambda call: ContentPart(tool_call=call)),
        st.builds(Reasoning, text=_TEXT, signature=_TEXT).map(lambda r: ContentPart(reasoning=r)),
    )
    assistant = st.lists(said, min_size=1, max_size=3).map(lambda ps: ChatMessage(role=ROLE_ASSISTANT, parts=ps))
    return st.one_of(system, assistant)


def _text_parts() -> st.SearchStrategy[ContentPart]:
    return _TEXT.map(lambda text: ContentPart(text=text))


def _media_parts() -> st.SearchStrategy[ContentPart]:
    data = st.builds(
        lambda content, name, detail: Media(mime_type="image/png", data=content, filename=name, detail=detail),
        st.binary(min_size=1, max_size=20),
        _TEXT,
        st.integers(0, 3),
    )
    uri = st.just(Media(mime_type="audio/wav", uri="https://example.org/a.wav"))
    return st.one_of(data, uri).map(lambda media: ContentPart(media=media))


def _generation() -> st.SearchStrategy[GenerationConfig]:
    fields: dict[str, st.SearchStrategy[Any]] = {
        "max_output_tokens": st.integers(1, 2**31 - 1),
        "temperature": st.floats(0, 2),
        "top_p": st.floats(0, 1, exclude_min=True),
        "stop_sequences": st.lists(st.text(min_size=1, max_size=5), max_size=8),
        "seed": _SCALARS[_F.TYPE_INT64],
        "frequency_penalty": st.floats(-2, 2),
        "presence_penalty": st.floats(-2, 2),
        "logprobs": st.booleans(),
        "reasoning_effort": st.integers(0, 7),
        "top_k": st.integers(1, 2**31 - 1),
    }
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: GenerationConfig(**values))
