"""What went wrong upstream, in the words of `domain.errors`: statuses, error objects, exceptions of the HTTP stack."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import httpx
import orjson

from frontdesk_server.domain.errors import (
    UpstreamContextExceeded,
    UpstreamCredentialsRefused,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamProtocolError,
    UpstreamRequestRefused,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from frontdesk_server.domain.model import Timeouts

HTTP_EXCEPTIONS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, aiohttp.ClientError, OSError)
"""Everything the HTTP stack raises that is not a fault of ours."""

_BY_STATUS: Mapping[int, type[UpstreamError]] = {
    401: UpstreamCredentialsRefused,
    402: UpstreamCredentialsRefused,
    403: UpstreamCredentialsRefused,
    408: UpstreamFailed,
    409: UpstreamFailed,
    425: UpstreamFailed,
    429: UpstreamOverloaded,
    529: UpstreamOverloaded,
}

_BY_CODE: Mapping[str, type[UpstreamError]] = {
    "authentication_error": UpstreamCredentialsRefused,
    "billing_error": UpstreamCredentialsRefused,
    "context_length_exceeded": UpstreamContextExceeded,
    "exceed_context_size_error": UpstreamContextExceeded,
    "insufficient_quota": UpstreamCredentialsRefused,
    "invalid_api_key": UpstreamCredentialsRefused,
    "invalid_request_error": UpstreamRequestRefused,
    "model_not_found": UpstreamRequestRefused,
    "not_found_error": UpstreamRequestRefused,
    "overloaded_error": UpstreamOverloaded,
    "permission_error": UpstreamCredentialsRefused,
    "rate_limit_error": UpstreamOverloaded,
    "rate_limit_exceeded": UpstreamOverloaded,
    "request_too_large": UpstreamRequestRefused,
}

# Most servers answer 400 with words only when the prompt does not fit.
_CONTEXT_EXCEEDED = re.compile(
    r"context[ _](?:length|window|size)|maximum (?:context|model) length|prompt is too long"
    r"|(?:input|prompt|request) (?:length |tokens? )?exceeds?|too many (?:input |prompt )?tokens",
    re.IGNORECASE,
)


def status_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The error that a response with a status other than 200 stands for."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    codes, message = _particulars(document)
    kind = _by_status(status)
    if kind is UpstreamRequestRefused and (
        UpstreamContextExceeded in map(_BY_CODE.get, codes) or _CONTEXT_EXCEEDED.search(message)
    ):
        kind = UpstreamContextExceeded
    elif kind is UpstreamOverloaded and "insufficient_quota" in codes:
        kind = UpstreamCredentialsRefused  # waiting does not fill an account
    return kind(
        f"the upstream answered {status}",
        status=status,
        retry_after_seconds=retry_after_seconds(headers),
        quoted=_quoted(kind, message),
    )


def error_object(document: Mapping[str, Any]) -> UpstreamError | None:
    """The error that a JSON document of a response with status 200 reports; None when it reports none."""
    if not document.get("error") and document.get("object") != "error" and document.get("type") != "error":
        return None
    codes, message = _particulars(document)
    kind = next((_BY_CODE[code] for code in codes if code in _BY_CODE), None)
    if kind is None:
        kind = next((_by_status(int(code)) for code in codes if re.fullmatch(r"[45]\d\d", code)), UpstreamFailed)
    if kind is UpstreamRequestRefused and _CONTEXT_EXCEEDED.search(message):
        kind = UpstreamContextExceeded
    return kind("the upstream reported an error", status=200, quoted=_quoted(kind, message))


def http_error(error: Exception, timeouts: Timeouts, read_seconds: float, *, began: bool) -> UpstreamError:
    """The error that an exception of the HTTP stack stands for; `began` when a response had begun.

    httpx-aiohttp reports every lost connection as `httpx.ConnectTimeout`, so aiohttp's own exception decides.
    """
    cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    match cause:
        case aiohttp.ConnectionTimeoutError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
            return UpstreamTimedOut("connect", timeouts.connect_seconds)
        case TimeoutError() | httpx.TimeoutException():
            return UpstreamTimedOut("read", read_seconds)
        case aiohttp.ClientConnectorCertificateError():
            return UpstreamUnreachable("the upstream's certificate is not trusted")
        case aiohttp.ClientConnectorError():
            return UpstreamUnreachable(f"no connection to the upstream: {cause.os_error.strerror or 'refused'}")
        case httpx.ConnectError():
            return UpstreamUnreachable("no connection to the upstream")
        case aiohttp.ClientConnectionError() | httpx.NetworkError() | httpx.RemoteProtocolError() | OSError():
            if began:
                return UpstreamCut("the connection was lost in the middle of the response")
            return UpstreamUnreachable("the connection was lost before the response began")
        case aiohttp.ClientPayloadError():
            return UpstreamCut("the response ended in its middle")
        case _:
            return UpstreamProtocolError(f"the response is not valid HTTP: {type(cause).__name__}")


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """How long the upstream asks to wait, by `retry-after-ms` or `retry-after` (seconds or a date)."""
    for name, unit_seconds in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * unit_seconds
        except ValueError:
            seconds = _seconds_until(value)
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None


def _seconds_until(http_date: str) -> float:
    try:
        moment = parsedate_to_datetime(http_date)
    except ValueError:
        return math.nan
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _by_status(status: int) -> type[UpstreamError]:
    if kind := _BY_STATUS.get(status):
        return kind
    if 400 <= status < 500:
        return UpstreamRequestRefused
    return UpstreamFailed if status >= 500 else UpstreamProtocolError


def _particulars(document: Any) -> tuple[list[str], str]:
    """Codes, most telling first, and message of an error document in any of the shapes that servers use."""
    if not isinstance(document, dict):
        return [], ""
    error = document.get("error", document)
    if isinstance(error, str):
        return [], error
    if not isinstance(error, dict):
        return [], ""
    codes = [str(error[key]) for key in ("code", "type", "status") if error.get(key)]
    message = error.get("message") or error.get("detail") or ""
    return codes, message if isinstance(message, str) else orjson.dumps(message).decode()


def _quoted(kind: type[UpstreamError], message: str) -> str:
    if kind is UpstreamCredentialsRefused:  # its text may hold a part of the key
        return ""
    return message
