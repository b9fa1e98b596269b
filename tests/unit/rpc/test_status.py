"""From errors to statuses."""

from __future__ import annotations

import dataclasses

import grpc
import pytest
from frontdesk.v1.router_service_pb2 import CompletionFailure
from frontdesk_server.domain import errors
from frontdesk_server.rpc.reasons import reason_rows
from frontdesk_server.rpc.status import RpcStatus, internal_status, status_of
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from tests import full_values as full


def details(status: RpcStatus) -> dict[str, object]:
    """The details by the name of their type."""
    trailing = dict(status.trailing_metadata)
    raw = trailing["grpc-status-details-bin"]
    assert isinstance(raw, bytes)
    found: dict[str, object] = {}
    for packed in Status.FromString(raw).details:
        for kind in (ErrorInfo, BadRequest, RetryInfo, CompletionFailure):
            if packed.Is(kind.DESCRIPTOR):
                found[kind.__name__] = kind.FromString(packed.value)
    return found


ERRORS = [
    (errors.UnknownRouter("x", ["default"]), "NOT_FOUND", "policy.router"),
    (errors.UnknownModel("policy.allowed_models", "x", ["a"]), "NOT_FOUND", "policy.allowed_models"),
    (errors.DecisionNotFound("x"), "NOT_FOUND", "decision_id"),
    (errors.InvalidRequest([errors.FieldViolation("a.b", "bad", "FIELD_REQUIRED")]), "INVALID_ARGUMENT", "a.b"),
    (errors.ModelsUnavailable({"tiny": "breaker"}, 2.5), "UNAVAILABLE", None),
    (errors.NoEligibleModel({"tiny": "too small"}), "FAILED_PRECONDITION", None),
    (errors.Overloaded("full"), "RESOURCE_EXHAUSTED", None),
    (errors.RequestTooLarge(10, 5), "RESOURCE_EXHAUSTED", None),
    (errors.ShuttingDown("bye"), "UNAVAILABLE", None),
    (errors.DeadlineExceeded("late"), "DEADLINE_EXCEEDED", None),
    (errors.Unauthenticated("who?"), "UNAUTHENTICATED", None),
    (errors.PermissionDenied("no"), "PERMISSION_DENIED", None),
]


@pytest.mark.parametrize(("error", "code", "field"), ERRORS)
def test_code_reason_and_field(error: errors.FrontdeskError, code: str, field: str | None) -> None:
    status = status_of(error)
    found = details(status)
    info = found["ErrorInfo"]
    assert isinstance(info, ErrorInfo)
    assert (status.code, info.reason, info.domain) == (grpc.StatusCode[code], error.reason, "frontdesk")
    bad_request = found.get("BadRequest")
    if field is None:
        assert bad_request is None
    else:
        assert isinstance(bad_request, BadRequest)
        assert [(v.field, v.reason) for v in bad_request.field_violations] == [(field, error.reason)]


def test_exclusions_are_in_the_metadata() -> None:
    info = details(status_of(errors.NoEligibleModel({"tiny": "too small"})))["ErrorInfo"]
    assert isinstance(info, ErrorInfo)
    assert dict(info.metadata) == {"tiny": "too small"}


def test_how_long_to_wait_is_told() -> None:
    retry = details(status_of(errors.RateLimited("slow down", 1.5)))["RetryInfo"]
    assert isinstance(retry, RetryInfo)
    assert retry.retry_delay.ToMilliseconds() == 1500


def test_a_failed_completion_tells_what_was_done_and_stops_retries() -> None:
    cause = errors.UpstreamOverloaded("429", retry_after_seconds=2)
    status = status_of(errors.CompletionFailed(cause, full.SETTLEMENT, full.DECISION_ID))
    found = details(status)
    failure = found["CompletionFailure"]
    assert isinstance(failure, CompletionFailure)
    assert status.code is grpc.StatusCode.UNAVAILABLE
    assert (failure.completion_id, failure.committed, len(failure.attempts)) == (full.DECISION_ID, True, 1)
    assert failure.cost.total_nano_usd == full.COST.total_nano_usd
    assert "RetryInfo" in found
    assert ("grpc-retry-pushback-ms", "-1") in status.trailing_metadata


def test_other_errors_leave_retries_to_the_client() -> None:
    assert "grpc-retry-pushback-ms" not in dict(status_of(errors.ShuttingDown("bye")).trailing_metadata)


LONG = "🎈" * 100_000
HUGE_ERRORS = [
    errors.UnknownRouter(LONG, ["default"]),
    errors.NoEligibleModel({f"{n}{LONG}": LONG for n in range(100)}),
    errors.InvalidRequest([errors.FieldViolation(LONG, LONG, "FIELD_REQUIRED")] * 64),
    errors.CompletionFailed(
        errors.UpstreamFailed(LONG),
        dataclasses.replace(full.SETTLEMENT, attempts=(dataclasses.replace(full.ATTEMPT, error_message=LONG),) * 100),
    ),
]


@pytest.mark.parametrize("error", HUGE_ERRORS, ids=lambda error: type(error).__name__)
def test_trailers_fit_into_every_clients_limits(error: errors.FrontdeskError) -> None:
    """8 KB is the least default among the clients; base64 adds a third, percent-encoding of the message trebles it."""
    status = status_of(error)
    size = sum(len(key) + len(value) * 4 / 3 for key, value in status.trailing_metadata)
    assert size + 3 * len(status.message.encode()) < 8000
    found = details(status)
    assert found["ErrorInfo"]
    if isinstance(error, errors.CompletionFailed):
        failure = found["CompletionFailure"]
        assert isinstance(failure, CompletionFailure)
        assert 1 <= len(failure.attempts) < 100
    if isinstance(error, errors.InvalidRequest):
        bad_request = found["BadRequest"]
        assert isinstance(bad_request, BadRequest)
        assert 1 <= len(bad_request.field_violations) < 64


def test_an_unknown_error_leaks_nothing() -> None:
    status = internal_status()
    assert (status.code, status.message) == (grpc.StatusCode.INTERNAL, "internal error")
    info = details(status)["ErrorInfo"]
    assert isinstance(info, ErrorInfo)
    assert info.reason == "INTERNAL"


def test_every_reason_stands_once_with_a_code_of_grpc_and_a_meaning() -> None:
    rows = reason_rows()
    assert len({row.reason for row in rows}) == len(rows)
    for row in rows:
        assert row.code in grpc.StatusCode.__members__
        assert row.meaning.endswith(".")
