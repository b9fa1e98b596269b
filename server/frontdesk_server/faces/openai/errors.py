"""Errors in OpenAI's words, with our reason inside."""

from __future__ import annotations

from typing import Any

from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.faces.http import data_of
from frontdesk_server.faces.status import http_status, message_of, particulars
from frontdesk_server.rpc.status import violations_of

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    415: "invalid_request_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}
_SERVER = "server_error"
_CODES = {
    "UPSTREAM_CONTEXT_EXCEEDED": "context_length_exceeded",
    "UNKNOWN_MODEL": "model_not_found",
    "UNAUTHENTICATED": "invalid_api_key",
    "BUDGET_EXHAUSTED": "insufficient_quota",
    "RATE_LIMITED": "rate_limit_exceeded",
}
"""What clients look for; any other reason is its own code."""


def error_object(error: FrontdeskError) -> dict[str, Any]:
    """The error's JSON."""
    violations = violations_of(error)
    return {
        "message": message_of(error),
        "type": _TYPES.get(http_status(error), _SERVER),
        "param": violations[0].field or None if violations else None,
        "code": _CODES.get(error.reason, error.reason),
        "frontdesk": particulars(error),
    }


def refusal(error: FrontdeskError) -> dict[str, Any]:
    """The body of a response that is an error."""
    return {"error": error_object(error)}


def broken(error: FrontdeskError) -> bytes:
    """The event that ends a stream which cannot go on."""
    return data_of({"error": error_object(error)})
