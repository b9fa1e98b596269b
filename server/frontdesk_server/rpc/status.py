"""From errors to statuses: code, message and rich details, small enough for every client's trailer limit."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from frontdesk.v1 import router_service_pb2
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from frontdesk_server.domain.errors import (
    CompletionFailed,
    DecisionNotFound,
    FieldViolation,
    FrontdeskError,
    InvalidRequest,
    ModelsUnavailable,
    UnknownModel,
    UnknownRouter,
)
from frontdesk_server.rpc.encode import encode_duration, encode_failure
from frontdesk_server.rpc.reasons import DOMAIN, INTERNAL

_CODES = {code.name: code for code in grpc.StatusCode}
_DETAILS_KEY = "grpc-status-details-bin"
_NO_RETRIES = ("grpc-retry-pushback-ms", "-1")
_RETRY_IN_VAIN = (CompletionFailed, ModelsUnavailable)
"""What a client's own immediate retry would only meet again."""

# HTTP/2 stacks refuse header lists above 8 KB by default. Base64 adds a third to the details; percent-encoding makes up
# to 12 bytes of a character of the message.
_DETAILS_BYTES = 3584
_ENVELOPE_BYTES = 320
_METADATA_BYTES = 1536
_MESSAGE_CHARACTERS = 256
_TEXT_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class RpcStatus:
    """What `ServicerContext.abort` needs."""

    code: grpc.StatusCode
    message: str
    trailing_metadata: tuple[tuple[str, str | bytes], ...]


def status_of(error: FrontdeskError) -> RpcStatus:
    """The status of an error."""
    cause = error.cause if isinstance(error, CompletionFailed) else error
    message = _cut(str(error), _MESSAGE_CHARACTERS)
    details: list[Message] = [_error_info(error)]
    room = _DETAILS_BYTES - _ENVELOPE_BYTES - len(message.encode()) - details[0].ByteSize()
    if (delay := cause.retry_after_seconds) is not None:
        details.append(RetryInfo(retry_delay=encode_duration(delay)))
    if isinstance(error, CompletionFailed):
        details.append(_failure(error, room))
    elif violations := violations_of(error):
        details.append(_bad_request(violations, room))
    trailing = _trailer(_CODES[cause.code], message, details)
    return RpcStatus(
        _CODES[cause.code], message, (trailing, _NO_RETRIES) if isinstance(error, _RETRY_IN_VAIN) else (trailing,)
    )


def internal_status() -> RpcStatus:
    """The status of a fault of our own, which tells nothing of it."""
    code, message = grpc.StatusCode.INTERNAL, "internal error"
    return RpcStatus(code, message, (_trailer(code, message, [ErrorInfo(reason=INTERNAL, domain=DOMAIN)]),))


def violations_of(error: FrontdeskError) -> tuple[FieldViolation, ...]:
    """The fields at fault; none when the error is about no field."""
    if isinstance(error, InvalidRequest):
        return error.violations
    if isinstance(error, UnknownRouter | UnknownModel | DecisionNotFound):
        return (FieldViolation(error.field, str(error), error.reason),)
    return ()


def _error_info(error: FrontdeskError) -> ErrorInfo:
    info = ErrorInfo(reason=error.reason, domain=DOMAIN)
    for key, value in error.metadata.items():
        name = _cut(key, _TEXT_CHARACTERS)
        info.metadata[name] = _cut(value, _TEXT_CHARACTERS)
        if info.ByteSize() > _METADATA_BYTES:
            del info.metadata[name]
            break
    return info


def _bad_request(violations: tuple[FieldViolation, ...], room: int) -> BadRequest:
    bad_request = BadRequest()
    for violation in violations:
        bad_request.field_violations.add(
            field=_cut(violation.field, _TEXT_CHARACTERS),
            description=_cut(violation.description, _TEXT_CHARACTERS),
            reason=violation.reason,
        )
        if bad_request.ByteSize() > room:
            del bad_request.field_violations[-1]
            break
    return bad_request


def _failure(error: CompletionFailed, room: int) -> router_service_pb2.CompletionFailure:
    failure = encode_failure(error.settlement, error.completion_id)
    for attempt in failure.attempts:
        attempt.error_message = _cut(attempt.error_message, _TEXT_CHARACTERS)
        for check in attempt.checks:
            check.detail = _cut(check.detail, _TEXT_CHARACTERS)
    while failure.ByteSize() > room and len(failure.attempts) > 1:
        del failure.attempts[0]
    return failure


def _trailer(code: grpc.StatusCode, message: str, details: list[Message]) -> tuple[str, bytes]:
    status = Status(code=code.value[0], message=message)
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return (_DETAILS_KEY, status.SerializeToString())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
