"""Whatever a request repeats is bounded: no caller keeps the others waiting by one request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from frontdesk.v1 import chat_pb2 as chat
from frontdesk.v1 import router_service_pb2 as pb
from frontdesk_server.domain.errors import InvalidRequest
from frontdesk_server.rpc.decode import decode_query
from frontdesk_server.rpc.validation import (
    validate_batch_request,
    validate_outcome_request,
    validate_query_request,
)
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

_MANY = 200_000
_REQUESTS: dict[type[Message], Callable[[Any], None]] = {
    pb.RouteRequest: validate_query_request,
    pb.RouteBatchRequest: validate_batch_request,
    pb.ReportOutcomeRequest: validate_outcome_request,
}
_IGNORED = {"citations"}
_WITHIN_BATCH = "queries."
"""Queries of a batch are validated as those of other requests, one at a time."""

Path = tuple[FieldDescriptor, ...]


def repeated_paths(descriptor: Descriptor, above: Path = ()) -> Iterator[Path]:
    """The way to every repeated field below a message. The contract nests without circles."""
    for field in cast("list[FieldDescriptor]", descriptor.fields):
        if field.is_repeated:
            yield (*above, field)
        inner = field.message_type
        if inner is not None and not inner.GetOptions().map_entry:
            yield from repeated_paths(inner, (*above, field))


def named(path: Path) -> str:
    return ".".join(field.name for field in path)


def holding_many(request_type: type[Message], path: Path) -> Message:
    """A request whose field at the path holds many of the smallest entries, and what leads to it one each."""
    request = holder = request_type()
    for field in path[:-1]:
        inner = getattr(holder, field.name)
        holder = inner.add() if field.is_repeated else inner
        holder.SetInParent()
        if isinstance(holder, chat.Message):
            in_result = "tool_result" in named(path)
            holder.role = chat.ROLE_TOOL if in_result else chat.ROLE_ASSISTANT  # who alone may have state
        elif isinstance(holder, chat.ContentPart) and "tool_result" not in named(path):
            holder.text = "a"
    field, many = path[-1], getattr(holder, path[-1].name)
    if field.message_type is None:
        many.extend([1 if field.type == FieldDescriptor.TYPE_ENUM else "a"] * _MANY)
    elif field.message_type.GetOptions().map_entry:
        many.update({str(place): "" for place in range(_MANY)})
    else:
        many.MergeFrom([many.add()] * (_MANY - 1))
    return request


_CASES = [
    (request_type, path)
    for request_type in _REQUESTS
    for path in repeated_paths(cast("Descriptor", request_type.DESCRIPTOR))
    if not named(path).startswith(_WITHIN_BATCH)
]


@pytest.mark.parametrize(("request_type", "path"), _CASES, ids=[f"{t.__name__}.{named(p)}" for t, p in _CASES])
def test_every_repeated_field_is_bounded(request_type: type[Message], path: Path) -> None:
    """Processor time, far above what it takes: a busy machine must not fail this."""
    request = holding_many(request_type, path)
    started = time.process_time()
    found: list[str] = []
    try:
        _REQUESTS[request_type](request)
    except InvalidRequest as error:
        found = [violation.field for violation in error.violations if "more than" in violation.description]
    if path[-1].name in _IGNORED:
        decode_query(cast("pb.RouteRequest", request).query)
    else:
        assert found
    assert time.process_time() - started < 0.1


def of_messages(count: int, **extensions: Any) -> chat.Query:
    part = chat.ContentPart(text="a", **extensions)
    said = chat.Message(role=chat.ROLE_ASSISTANT, parts=[part], **extensions)
    return chat.Query(messages=[*[said] * count, chat.Message(role=chat.ROLE_USER, parts=[chat.ContentPart(text="b")])])


_OPTION = chat.ProviderOptions(dialect="openai", options_json="{}")
_STATE = chat.ProviderState(dialect="openai", json="{}")


@pytest.mark.parametrize(
    ("count", "extensions", "field"),
    [
        (1250, {"provider_options": [_OPTION] * 16}, None),
        (1251, {"provider_options": [_OPTION] * 16}, "query.messages[1250]"),
        (1251, {"provider_state": [_STATE] * 16}, "query.messages[1250]"),
        (5001, {"provider_options": [_OPTION] * 2, "provider_state": [_STATE] * 2}, "query.messages[5000]"),
    ],
)
def test_what_stands_at_messages_and_parts_is_bounded_together(
    count: int, extensions: dict[str, Any], field: str | None
) -> None:
    request = pb.RouteRequest(query=of_messages(count, **extensions))
    found: list[tuple[str, str]] = []
    try:
        validate_query_request(request)
    except InvalidRequest as error:
        found = [(violation.field, violation.reason) for violation in error.violations]
    assert found == ([] if field is None else [(field, "FIELD_TOO_LONG")])
