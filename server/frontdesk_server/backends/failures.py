"""Exceptions of the HTTP stack in the words of `domain.errors`."""

from __future__ import annotations

import aiohttp
import httpx

from frontdesk_server.backends.unreachable import why_unreachable
from frontdesk_server.domain.errors import (
    UpstreamCut,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRequestRefused,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from frontdesk_server.domain.model import Timeouts

HTTP_EXCEPTIONS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, aiohttp.ClientError, OSError)
"""Everything the HTTP stack raises that is not a fault of ours."""


def http_error(error: Exception, timeouts: Timeouts, read_seconds: float, *, began: bool) -> UpstreamError:
    """The error that an exception of the HTTP stack stands for; `began` when a response had begun."""
    match error:
        case httpx.PoolTimeout():
            return UpstreamTimedOut(
                "connect", timeouts.connect_seconds, cut_by="all of our own max_connections are busy"
            )
        case aiohttp.ConnectionTimeoutError() | httpx.ConnectTimeout():
            return UpstreamTimedOut("connect", timeouts.connect_seconds)
        case TimeoutError() | httpx.TimeoutException():
            return UpstreamTimedOut("read", read_seconds)
        case aiohttp.ClientConnectorError() | aiohttp.ClientConnectorCertificateError() | httpx.ConnectError():
            return UpstreamUnreachable(f"no connection to the upstream: {why_unreachable(error)}")
        case aiohttp.ClientConnectionError() | httpx.NetworkError() | httpx.RemoteProtocolError() | OSError():
            if began:
                return UpstreamCut("the connection was lost in the middle of the response")
            return UpstreamUnreachable("the connection was lost before the response began")
        case aiohttp.ClientPayloadError():
            return UpstreamCut("the response ended in its middle")
        case httpx.LocalProtocolError() | httpx.InvalidURL() | aiohttp.InvalidURL():
            return UpstreamRequestRefused("the request cannot be sent by HTTP")
        case _:
            return UpstreamProtocolError(f"the response is not valid HTTP: {type(error).__name__}")
