"""Headers that HTTP can carry."""

from __future__ import annotations

import re
from collections.abc import Mapping

from frontdesk_server.domain.errors import UpstreamCredentialsRefused

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t -~]*")


def headers_error(headers: Mapping[str, str]) -> UpstreamCredentialsRefused | None:
    """The error that stands for headers which cannot be sent, such as a key that ends in a newline; None if all can.

    RFC 9110, sections 5.1 and 5.5, but ASCII alone: beyond it servers do not agree.
    """
    faulty = [name for name, value in headers.items() if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value))]
    return (
        UpstreamCredentialsRefused(f"HTTP cannot carry the header {', '.join(map(ascii, faulty))}") if faulty else None
    )
