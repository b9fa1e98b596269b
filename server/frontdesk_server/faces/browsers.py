"""What a browser may send on behalf of a page: whose page it is, and by which name it has reached us.

Whoever is no browser says neither, and is nobody's unknowing hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from frontdesk_server.domain.call import ANONYMOUS, Caller
from frontdesk_server.domain.errors import PermissionDenied
from frontdesk_server.faces.status import UnsupportedMediaType

READING = frozenset({"GET", "HEAD", "OPTIONS"})
_ANY = "*"
_HOST = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:]*)(?::\d+)?")
_FREE_KINDS = frozenset({"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"})
"""Media types that any page may send without asking first (https://fetch.spec.whatwg.org/#cors-safelisted-request-header)."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Whose pages may call, beside those of the address itself."""

    allowed_origins: frozenset[str] = frozenset()
    """Such as https://app.example.org, or `*`."""
    is_local: bool = False
    """Whether only this machine reaches the address."""

    def admit(self, method: str, headers: Mapping[str, str], caller: Caller) -> None:
        """Refuse what a page may not make a browser send.

        Raises:
            PermissionDenied: it is a page of another origin, or has got here by a name that may be anybody's.
            UnsupportedMediaType: a browser sends what is not named as JSON, and so has not asked before (CORS).
        """
        origin = headers.get("origin")
        if not self._allows(origin):
            if (origin is not None or method not in READING) and is_of_another_site(headers):
                told = "a page of another origin sent this, which server.http.allowed_origins does not list"
                raise PermissionDenied(told)
            if caller == ANONYMOUS and (origin is not None or self.is_local) and not self._is_ours(headers):
                raise PermissionDenied(
                    "without credentials this is served by the names of this machine, not by that of the Host header; "
                    "other origins are to be listed in server.http.allowed_origins"
                )
        if method not in READING and _is_of_a_browser(headers):
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind in _FREE_KINDS:
                told = f"content-type is {kind or 'missing'}"
                raise UnsupportedMediaType(f"{told}; a browser has to send application/json")

    def _allows(self, origin: str | None) -> bool:
        return origin is not None and (origin in self.allowed_origins or _ANY in self.allowed_origins)

    def _is_ours(self, headers: Mapping[str, str]) -> bool:
        """Whether no stranger can make the name by which we were reached mean this machine (DNS rebinding)."""
        host = headers.get("host", "").lower()
        if _ANY in self.allowed_origins or host in {_host_of(origin) for origin in self.allowed_origins}:
            return True
        name = name_in(host)
        return name is not None and (
            "." not in name or name.endswith((".localhost", ".internal")) or _address(name) is not None
        )


def is_of_another_site(headers: Mapping[str, str]) -> bool:
    """Whether a browser sends this for a page of another origin.

    Browsers say where a request comes from; what says nothing is none, and brings no cookie on somebody's behalf
    (https://words.filippo.io/csrf, as net/http.CrossOriginProtection of Go).
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and (not _host_of(origin) or _host_of(origin) != headers.get("host", "").lower())


def name_in(host: str) -> str | None:
    """The name or the address in a Host header, without its port, in lower case; None of what is no such header."""
    found = _HOST.fullmatch(host)
    return None if found is None else (found[1] or found[2]).lower()


def is_local_name(host: str) -> bool:
    """Whether a Host header holds a name of this machine's own."""
    name = name_in(host)
    return name is not None and (name == "localhost" or name.endswith(".localhost") or is_loopback_address(name))


def is_loopback_address(text: str) -> bool:
    """Whether it is an address by which a machine reaches itself."""
    address = _address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address is not None and address.is_loopback


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _host_of(origin: str) -> str:
    """The host and port of an origin (RFC 6454, section 6.1); empty of `null`."""
    return origin.partition("://")[2].lower()


def _is_of_a_browser(headers: Mapping[str, str]) -> bool:
    return "origin" in headers or "sec-fetch-site" in headers
