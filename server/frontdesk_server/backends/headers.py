"""Headers of requests: which HTTP can carry, and those that repeat."""

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


RawHeaders = list[tuple[bytes, bytes]]


class RepeatedHeaders:
    """The headers of requests to one API, checked and encoded anew only where their signer gives others."""

    def __init__(self, fixed: Mapping[str, str]) -> None:
        self._fixed = dict(fixed)
        self._signed: Mapping[str, str] | None = None
        self._encoded: RawHeaders = []

    def signed(self, signed: Mapping[str, str]) -> RawHeaders:
        """The fixed headers and these over them; not to be changed.

        Raises:
            UpstreamCredentialsRefused: HTTP cannot carry them.

        """
        if signed != self._signed:
            self._encoded, self._signed = self.signed_once(signed), dict(signed)
        return self._encoded

    def signed_once(self, signed: Mapping[str, str]) -> RawHeaders:
        """As `signed`, without remembering anything of them."""
        headers = {**self._fixed, **signed}
        if unsendable := headers_error(headers):
            raise unsendable
        return encoded(headers)


def encoded(headers: Mapping[str, str]) -> RawHeaders:
    """As httpx takes them without a further look."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def received(headers: RawHeaders) -> dict[str, str]:
    """The headers of a response by their names in lower case; of a repeated one the last. Quicker than to ask httpx."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
