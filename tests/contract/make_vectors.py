"""Writes the golden vectors which the clients of all languages share: `python tests/contract/make_vectors.py`.

messages.json: every message with every field set, one vector for each arm of each oneof, as protobuf JSON and as bytes;
and the same from a newer server, with an enum value and fields that this version does not know.
errors.json: every documented reason as the bytes of its google.rpc.Status, and what a client must read from it.

Beside them lie explanations, events and targets, written by hand so that no implementation is its own judge.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import grpc
from frontdesk.v1 import chat_pb2, router_service_pb2, routing_pb2
from frontdesk_server.domain import errors
from frontdesk_server.domain.attempt import Attempt, AttemptOutcome, Settlement
from frontdesk_server.domain.decision import StepKind
from frontdesk_server.domain.usage import Cost, Usage
from frontdesk_server.rpc.encode import encode_failure
from frontdesk_server.rpc.reasons import InvalidReason
from frontdesk_server.rpc.status import RpcStatus, internal_status, status_of, violations_of
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor, OneofDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import status_pb2

VECTORS = Path(__file__).with_name("vectors")
FILES = (chat_pb2, routing_pb2, router_service_pb2)

Arms = dict[str, str]
"""The chosen field of a oneof, by the oneof's full name; the first where none is named."""

_BEYOND_DOUBLE = 2**53 + 1
_UNKNOWN_ENUM_VALUE = 99
_UNKNOWN_FIELDS = bytes.fromhex("f8ff0407") + bytes.fromhex("82800505") + b"newer"
"""Field 10239, varint 7, and field 10240, "newer": numbers which this version does not use."""


def _scalar(field: FieldDescriptor) -> object:
    """A telling value: characters of 1 to 4 bytes, integers that no double holds, fractions that no float holds."""
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return f"{field.name} ü 漢 😀"
        case FieldDescriptor.TYPE_BYTES:
            return bytes(range(0, 256, 17))
        case FieldDescriptor.TYPE_BOOL:
            return True
        case FieldDescriptor.TYPE_DOUBLE:
            return field.number + 0.1
        case FieldDescriptor.TYPE_INT64:
            return _BEYOND_DOUBLE + 2 * field.number
        case FieldDescriptor.TYPE_INT32:
            return 2**31 - field.number
        case FieldDescriptor.TYPE_ENUM:
            assert field.enum_type is not None
            return field.enum_type.values[-1].number
    raise AssertionError(f"the contract has a field of a new kind: {field.full_name}")


def _fill(message: Message, arms: Arms, within: frozenset[str] = frozenset()) -> Message:
    """Set every field, and of each oneof one; a message that lies within one of its kind stays empty."""
    descriptor = cast("Descriptor", message.DESCRIPTOR)  # its stubs know two classes of descriptors
    for field in descriptor.fields:
        oneof = _real_oneof(field)
        if oneof is not None and arms.get(oneof.full_name, oneof.fields[0].name) != field.name:
            continue
        value = getattr(message, field.name)
        if _is_map(field):
            value["key ü"] = "value 漢"
        elif field.message_type is not None:
            for target in [value.add(), value.add()] if field.is_repeated else [value]:
                _fill_submessage(target, arms, within | {descriptor.full_name})
        elif field.is_repeated:
            value.extend([_scalar(field), _scalar(field)])
        else:
            setattr(message, field.name, _scalar(field))
    return message


def _fill_submessage(message: Message, arms: Arms, within: frozenset[str]) -> None:
    match message.DESCRIPTOR.full_name:
        case "google.protobuf.Timestamp":
            message.MergeFrom(type(message)(seconds=1_800_000_000, nanos=123_456_789))
        case "google.protobuf.Duration":
            message.MergeFrom(type(message)(seconds=3, nanos=7))
        case _:
            message.SetInParent()
            if message.DESCRIPTOR.full_name not in within:
                _fill(message, arms, within)


def _real_oneof(field: FieldDescriptor) -> OneofDescriptor | None:
    oneof = field.containing_oneof
    return oneof if oneof is not None and len(oneof.fields) > 1 else None


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _arms(descriptor: Descriptor) -> Iterator[Arms]:
    """The first arm everywhere, then every other arm of the message's own oneofs."""
    yield {}
    for oneof in descriptor.oneofs:
        for field in oneof.fields[1:]:
            yield {oneof.full_name: field.name}


def _message_vectors() -> Iterator[dict[str, object]]:
    for descriptor in _descriptors():
        for arms in _arms(descriptor):
            message = _fill(GetMessageClass(descriptor)(), arms)
            arm = "".join(f", {name.rpartition('.')[2]}: {field}" for name, field in arms.items())
            yield _vector(f"{descriptor.name}{arm}", message, message.SerializeToString(deterministic=True))


def _newer_vectors() -> Iterator[dict[str, object]]:
    """Messages of a server that knows more."""
    for descriptor in _descriptors():
        message = _fill(GetMessageClass(descriptor)(), {})
        for field in descriptor.fields:
            if field.enum_type is not None:
                _set_unknown_enum(message, field)
        raw = message.SerializeToString(deterministic=True) + _UNKNOWN_FIELDS
        yield _vector(f"{descriptor.name} of a newer server", message, raw)
    event = router_service_pb2.StreamCompleteResponse()
    yield _vector("StreamCompleteResponse, an event of a newer server", event, _UNKNOWN_FIELDS)


def _set_unknown_enum(message: Message, field: FieldDescriptor) -> None:
    if field.is_repeated:
        getattr(message, field.name).append(_UNKNOWN_ENUM_VALUE)
    else:
        setattr(message, field.name, _UNKNOWN_ENUM_VALUE)


def _descriptors() -> Iterator[Descriptor]:
    for file in FILES:
        for name in sorted(file.DESCRIPTOR.message_types_by_name):
            yield file.DESCRIPTOR.message_types_by_name[name]


def _vector(name: str, message: Message, raw: bytes) -> dict[str, object]:
    return {
        "name": name,
        "type": message.DESCRIPTOR.full_name,
        "json": json_format.MessageToDict(message),
        "base64": base64.b64encode(raw).decode(),
    }


def _error_vectors() -> Iterator[dict[str, object]]:
    """Every reason once, and the failures of completions."""
    for reason in InvalidReason:
        violations = [
            errors.FieldViolation("query.messages[0].name", f"größe: {reason.value}", reason.name),
            errors.FieldViolation("policy.router", "another fault", InvalidReason.FIELD_TOO_LONG.name),
        ]
        yield _error_vector(reason.name, errors.InvalidRequest(violations))
    for error in _ERRORS:
        yield _error_vector(error.reason, error)
    for cause in (errors.UpstreamCut("the response ended without its end"), errors.DeadlineExceeded("5 s are over")):
        for committed in (False, True):
            settlement = dataclasses.replace(_SETTLEMENT, committed=committed)
            name = f"{cause.reason} of a completion, {'' if committed else 'not '}committed"
            yield _error_vector(name, errors.CompletionFailed(cause, settlement, "01JC3Q9W7T8V5E2N4K6M0P1R3S"))
    yield _vector_of("INTERNAL", internal_status(), reason="INTERNAL")
    yield _status_without_details()


_ERRORS: tuple[errors.FrontdeskError, ...] = (
    errors.RequestTooLarge(9_000_000, 8_388_608),
    errors.UnknownRouter("größe", ["default"]),
    errors.UnknownModel("policy.allowed_models[0]", "no-llm", ["small-llm"]),
    errors.DecisionNotFound("01JC3Q9W7T8V5E2N4K6M0P1R3S"),
    errors.ModelsUnavailable({"small-llm": "circuit breaker is open"}, 2.5),
    errors.NoEligibleModel({"small-llm": "capability: tools"}),  # one entry: maps have no order
    errors.Unauthenticated("the token is missing"),
    errors.PermissionDenied("team-a may not use frontier-llm"),
    errors.Overloaded("1024 calls run", 0.25),
    errors.BudgetExhausted("the day's budget is spent", 3600.0),
    errors.RateLimited("600 requests a minute", 1.5),
    errors.LimitsUnavailable("limits cannot be checked at the moment", 1.0),
    errors.ShuttingDown("the server is stopping"),
    errors.LedgerUnavailable("the ledger cannot be written"),
    errors.DeadlineExceeded("the deadline was past on arrival"),
    errors.UpstreamUnreachable("no connection"),
    errors.UpstreamOverloaded("429", status=429, retry_after_seconds=2.0),
    errors.UpstreamFailed("500", status=500),
    errors.UpstreamTimedOut("first token", 5.0),
    errors.UpstreamCredentialsRefused("401", status=401),
    errors.UpstreamRequestRefused("422", status=422),
    errors.UpstreamContextExceeded("too long", status=400),
    errors.UpstreamProtocolError("not JSON"),
    errors.UpstreamResponseTooLong("the response", 1_000_000),
    errors.UpstreamCut("the response ended without its end"),
)

_SETTLEMENT = Settlement(
    attempts=(
        Attempt(
            index=0,
            model="small-llm",
            kind=StepKind.PRIMARY,
            outcome=AttemptOutcome.FAILED,
            backend="simulated",
            usage=Usage(input_tokens=5, output_tokens=2),
            cost_nano_usd=12_000,
            duration_seconds=0.25,
            error_reason="UPSTREAM_CUT",
            error_message="größe 漢 😀",
        ),
    ),
    cost=Cost(attempts_nano_usd=12_000, checks_nano_usd=0, router_nano_usd=None),
)


def _error_vector(name: str, error: errors.FrontdeskError) -> dict[str, object]:
    """The status as the server sends it, and the typed error that a client must make of it."""
    failure = None
    delay = error.retry_after_seconds
    if isinstance(error, errors.CompletionFailed):
        failure = json_format.MessageToDict(encode_failure(error.settlement, error.completion_id))
        delay = error.cause.retry_after_seconds
    return _vector_of(
        name,
        status_of(error),
        reason=error.reason,
        metadata=error.metadata,
        violations=[dataclasses.asdict(violation) for violation in violations_of(error)],
        retryDelayMs=None if delay is None else round(delay * 1000),
        failure=failure,
    )


def _status_without_details() -> dict[str, object]:
    """What gRPC itself makes; the code stands in for the reason."""
    status = status_pb2.Status(code=grpc.StatusCode.UNIMPLEMENTED.value[0], message="unknown method")
    trailer = ("grpc-status-details-bin", status.SerializeToString())
    return _vector_of(
        "no details", RpcStatus(grpc.StatusCode.UNIMPLEMENTED, status.message, (trailer,)), reason="UNIMPLEMENTED"
    )


def _vector_of(name: str, status: RpcStatus, **expected: object) -> dict[str, object]:
    raw = status.trailing_metadata[0][1]
    assert isinstance(raw, bytes)
    return {
        "name": name,
        "status": base64.b64encode(raw).decode(),
        "code": status.code.name,
        "message": status.message,
        "metadata": {},
        "violations": [],
        "retryDelayMs": None,
        "failure": None,
        **expected,
    }


def _write(name: str, vectors: object) -> None:
    text = json.dumps(vectors, ensure_ascii=False, indent=1, sort_keys=True)
    (VECTORS / name).write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Write the files."""
    VECTORS.mkdir(exist_ok=True)
    _write("messages.json", {"current": list(_message_vectors()), "newer": list(_newer_vectors())})
    _write("errors.json", list(_error_vectors()))


if __name__ == "__main__":
    main()
