"""Why there is no connection to an upstream, in words.

aiohttp and httpcore each wrap what the system said in exceptions of their own, some of which say nothing; what the
system said stands at the end of the chain.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator


def why_unreachable(error: BaseException) -> str:
    """What a connection failed by, such as "Connection refused" or "the TLS handshake was cut"."""
    told = map(_told, reversed(list(_causes(error))))
    return next(filter(None, told), "it could not be made")


def _told(cause: BaseException) -> str:
    """What one exception of the system says; empty for one that says nothing."""
    match cause:
        case ssl.SSLCertVerificationError():
            return f"the upstream's certificate is not trusted: {cause.verify_message}"
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ConnectionError(errno=None):
            return "the TLS handshake was cut"  # asyncio gives no number to a connection that ends within it
        case ssl.SSLError(reason=str(reason)):
            return f"no TLS: {reason.replace('_', ' ').lower()}"
        case socket.gaierror():
            return f"the upstream's name leads nowhere: {cause.strerror}"
        case OSError(errno=int(number)) if number > 0 and not isinstance(cause, ssl.SSLError):
            return os.strerror(number)
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
