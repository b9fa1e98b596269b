"""Errors as every face tells them: the HTTP status, when to come back, and our own particulars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from frontdesk_server.desk.calls import code_of
from frontdesk_server.domain.errors import (
    CompletionFailed,
    FrontdeskError,
    ModelsUnavailable,
    RequestTooLarge,
    Unauthenticated,
)
from frontdesk_server.rpc.status import violations_of

_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_INTERNAL = 500
_TOO_LARGE = 413
_NOT_ALLOWED = 405
_UNSUPPORTED = 415
_BAD_GATEWAY = 502
_RETRY_IN_VAIN = (CompletionFailed, ModelsUnavailable)
_HOW_TO_SAY_WHO = ("www-authenticate", 'Bearer realm="frontdesk"')
_SAY_WAIT = frozenset({429, 503})


class NoSuchPath(FrontdeskError):
    """Nothing is served at the path, or not with that method."""

    code = "NOT_FOUND"
    reason = "NO_SUCH_PATH"


class MethodNotAllowed(FrontdeskError):
    """Something is served at the path, but with other methods."""

    code = "UNIMPLEMENTED"
    reason = "METHOD_NOT_ALLOWED"

    def __init__(self, path: str, allowed: Sequence[str]) -> None:
        self.allowed = tuple(allowed)
        super().__init__(f"{path} is served to {', '.join(self.allowed)}")


class UnsupportedMediaType(FrontdeskError):
    """The body is not of a type, or in an encoding, that is read."""

    code = "INVALID_ARGUMENT"
    reason = "UNSUPPORTED_MEDIA_TYPE"


def http_status(error: FrontdeskError) -> int:
    """The status of an error."""
    if isinstance(error, RequestTooLarge):
        return _TOO_LARGE
    if isinstance(error, MethodNotAllowed):
        return _NOT_ALLOWED
    if isinstance(error, UnsupportedMediaType):
        return _UNSUPPORTED
    if isinstance(error, CompletionFailed):
        cause = error.cause
        if cause.code == "RESOURCE_EXHAUSTED":  # of an upstream whose answer is too long
            return _BAD_GATEWAY
    return _STATUS.get(code_of(error), _INTERNAL)


def message_of(error: FrontdeskError) -> str:
    """What the error says, with what the upstream said of it."""
    cause = error.cause if isinstance(error, CompletionFailed) else error
    quoted = getattr(cause, "quoted", "")
    return f"{error}: {quoted}" if quoted else str(error)


def error_headers(error: FrontdeskError) -> list[tuple[str, str]]:
    """When to come back, and whether at all: both SDKs repeat by themselves what may succeed later."""
    cause = error.cause if isinstance(error, CompletionFailed) else error
    headers = [("x-frontdesk-error", error.reason)]
    if isinstance(error, Unauthenticated):
        headers.append(_HOW_TO_SAY_WHO)
    if isinstance(error, MethodNotAllowed):
        headers.append(("allow", ", ".join(error.allowed)))
    if isinstance(error, CompletionFailed) and error.completion_id:
        headers.append(("x-frontdesk-decision-id", error.completion_id))
    wait = cause.retry_after_seconds
    if wait is not None and http_status(error) in _SAY_WAIT:
        headers += [("retry-after", str(math.ceil(wait))), ("retry-after-ms", str(math.ceil(wait * 1000)))]
    if isinstance(error, _RETRY_IN_VAIN):
        headers.append(("x-should-retry", "false"))
    return headers


def particulars(error: FrontdeskError) -> dict[str, Any]:
    """The member `frontdesk` of every dialect's error."""
    told: dict[str, Any] = {"reason": error.reason, "code": code_of(error)}
    if error.metadata:
        told["metadata"] = error.metadata
    if violations := violations_of(error):
        told["violations"] = [{"field": v.field, "description": v.description, "reason": v.reason} for v in violations]
    if isinstance(error, CompletionFailed):
        settlement = error.settlement
        told["decision_id"] = error.completion_id
        told["cost_nano_usd"] = settlement.cost.total_nano_usd
        told["attempts"] = [
            {"model": one.model, "outcome": one.outcome.value, "error_reason": one.error_reason}
            for one in settlement.attempts
        ]
    return told
