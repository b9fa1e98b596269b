"""Errors in Anthropic's words, with our reason inside."""

from __future__ import annotations

from typing import Any

from frontdesk_server.domain.errors import CompletionFailed, FrontdeskError
from frontdesk_server.faces.http import event_of
from frontdesk_server.faces.status import http_status, message_of, particulars

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    415: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_SERVER = "api_error"


def refusal(error: FrontdeskError) -> dict[str, Any]:
    """The body of a response that is an error."""
    told = {
        "type": _TYPES.get(http_status(error), _SERVER),
        "message": message_of(error),
        "frontdesk": particulars(error),
    }
    request_id = error.completion_id if isinstance(error, CompletionFailed) else None
    return {"type": "error", "error": told, "request_id": request_id or None}


def broken(error: FrontdeskError) -> bytes:
    """The event that ends a stream which cannot go on."""
    return event_of("error", refusal(error))
