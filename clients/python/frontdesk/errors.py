"""The one error that calls raise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from frontdesk.v1.router_service_pb2 import CompletionFailure

__all__ = ["FieldViolation", "FrontdeskError"]

_DETAILS_KEY = "grpc-status-details-bin"


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
    """

    code: grpc.StatusCode
    reason: str
    message: str
    violations: tuple[FieldViolation, ...] = ()
    retry_after_seconds: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    failure: CompletionFailure | None = None

    def __str__(self) -> str:
        """Reason and message."""
        return f"{self.reason}: {self.message}"


@contextmanager
def translated() -> Iterator[None]:
    """Raise every gRPC error inside as `FrontdeskError`."""
    try:
        yield
    except grpc.RpcError as error:
        # What gRPC raises is also a call, which its types do not say.
        raise error_of(cast("grpc.Call", error)) from error


def error_of(call: grpc.Call) -> FrontdeskError:
    """The error of a call that has ended with another code than OK."""
    code = call.code()
    error = FrontdeskError(code, code.name, call.details() or "")
    for key, value in call.trailing_metadata() or ():
        if key == _DETAILS_KEY:
            _read_details(error, Status.FromString(cast("bytes", value)))
    return error


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
