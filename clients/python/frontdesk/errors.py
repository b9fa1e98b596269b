"""The one error that calls raise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from frontdesk import reasons
from frontdesk._causes import in_words
from frontdesk.v1.router_service_pb2 import CompletionFailure

__all__ = ["FieldViolation", "FrontdeskError"]

_DETAILS_KEY = "grpc-status-details-bin"
DOMAIN = "frontdesk"
ID_KEY = "x-frontdesk-decision-id"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field at fault: its path in the request, what is wrong, and the reason."""

    field: str
    description: str
    reason: str


@dataclass(eq=False)
class FrontdeskError(Exception):
    """A call that failed. docs/errors.md lists the reasons.

    `reason` is the ErrorInfo reason, or the code's name when gRPC itself ended the call. `failure` tells what a
    completion that failed after routing had done and cost. `retry_after_seconds` is None when waiting does not help.
    `completion_id` is empty when it failed before routing; else `get_decision` finds the call by it, also when its
    deadline has passed.
    """

    code: grpc.StatusCode
    reason: str
    message: str
    violations: tuple[FieldViolation, ...] = ()
    retry_after_seconds: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    failure: CompletionFailure | None = None
    completion_id: str = ""

    def __str__(self) -> str:
        """Reason and message."""
        return f"{self.reason}: {self.message}"


@contextmanager
def translated(*, encrypted: bool = True) -> Iterator[None]:
    """Raise every gRPC error inside as `FrontdeskError`. `encrypted`: whether the connection is."""
    try:
        yield
    except grpc.RpcError as error:
        # What gRPC raises is also a call, which its types do not say.
        raise error_of(cast("grpc.Call", error), encrypted=encrypted) from error


def error_of(call: grpc.Call, *, encrypted: bool = True) -> FrontdeskError:
    """The error of a call that has ended with another code than OK."""
    code = call.code()
    error = FrontdeskError(code, code.name, call.details() or "")
    error.completion_id = next((str(value) for key, value in call.initial_metadata() or () if key == ID_KEY), "")
    details = [value for key, value in call.trailing_metadata() or () if key == _DETAILS_KEY]
    for value in details:
        _read_details(error, Status.FromString(cast("bytes", value)))
    if code is grpc.StatusCode.UNAVAILABLE and not details:
        error.message = in_words(error.message, encrypted=encrypted)
    return error


def closed() -> FrontdeskError:
    """The error of a call on a client that has been closed."""
    return FrontdeskError(grpc.StatusCode.FAILED_PRECONDITION, reasons.CLIENT_CLOSED, "the client has been closed")


def _read_details(error: FrontdeskError, status: Status) -> None:
    info, bad_request, retry, failure = ErrorInfo(), BadRequest(), RetryInfo(), CompletionFailure()
    for detail in status.details:
        if detail.Unpack(info):
            error.reason = info.reason
            error.metadata = dict(info.metadata)
        elif detail.Unpack(bad_request):
            error.violations = tuple(
                FieldViolation(violation.field, violation.description, violation.reason)
                for violation in bad_request.field_violations
            )
        elif detail.Unpack(retry):
            error.retry_after_seconds = retry.retry_delay.ToNanoseconds() / 1e9
        elif detail.Unpack(failure):
            error.failure = failure
            error.completion_id = failure.completion_id
