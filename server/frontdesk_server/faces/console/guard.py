"""What a browser is to be kept from: asking for another site's page, and for people who are not at this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from frontdesk_server.domain.errors import PermissionDenied
from frontdesk_server.faces.http import Scope

COOKIE = "frontdesk_console"
PATH = "/console"
LONGEST_KEY = 3_500
"""Characters of a credential; browsers keep cookies of 4,096 with their name and attributes."""

_COOKIE_TEXT = re.compile(r"[!#-+\--:<-\[\]-~]+")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:]*)(?::\d+)?")


class NotFromHere(PermissionDenied):
    """Who shows no credentials is at another machine."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """What a request tells of whom it comes from, beside its credentials."""

    is_local: bool
    """Whether it comes from this machine, and its page was reached by a name of this machine."""
    is_signed_in: bool
    """Whether the browser holds a credential of the console's."""
    wants_events: bool


def visitor_of(scope: Scope, headers: Mapping[str, str]) -> Visitor:
    """Who asks."""
    return Visitor(
        is_local=_is_loopback(scope) and _is_local_name(headers.get("host", "")),
        is_signed_in=bool(key_in(headers)),
        wants_events="text/event-stream" in headers.get("accept", ""),
    )


def refuse_other_sites(method: str, headers: Mapping[str, str]) -> None:
    """Refuse what another site's page makes a browser send; raises PermissionDenied.

    Browsers say where a request comes from; what says nothing is none, and brings no cookie on somebody's behalf
    (https://words.filippo.io/csrf, as net/http.CrossOriginProtection of Go).
    """
    if method in _READING:
        return
    site = headers.get("sec-fetch-site")
    if site is None:
        origin = headers.get("origin")
        same = origin is None or urlsplit(origin).netloc == headers.get("host")
    else:
        same = site in ("same-origin", "none")
    if not same:
        raise PermissionDenied("another site's page sent this; the console takes it from its own alone")


def key_in(headers: Mapping[str, str]) -> str:
    """The credential that the browser keeps for the console; empty where it keeps none."""
    for pair in headers.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def can_be_kept(key: str) -> bool:
    """Whether a cookie can hold it (RFC 6265, section 4.1.1)."""
    return len(key) <= LONGEST_KEY and _COOKIE_TEXT.fullmatch(key) is not None


def cookie_of(key: str, *, is_secure: bool) -> tuple[str, str]:
    """The header that has the browser keep a credential until it is closed; an empty one is forgotten at once."""
    ending = "" if key else "; Max-Age=0"
    secure = "; Secure" if is_secure else ""
    return "set-cookie", f"{COOKIE}={key}; Path={PATH}; HttpOnly; SameSite=Strict{secure}{ending}"


def with_credentials(scope: Scope, headers: Mapping[str, str]) -> Scope:
    """The request with the kept credential in `authorization`, and without cookies, which nobody else is to see."""
    found = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
    if (key := key_in(headers)) and "authorization" not in headers:
        found.append((b"authorization", b"Bearer " + key.encode("latin-1", "replace")))
    return {**scope, "headers": found}


def _is_loopback(scope: Scope) -> bool:
    client = scope.get("client")
    return client is not None and _is_loopback_address(client[0])


def _is_local_name(host: str) -> bool:
    """Whether a page was asked for by this machine's own names: others may be made to mean it (DNS rebinding)."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = (found[1] or found[2]).lower()
    return name == "localhost" or name.endswith(".localhost") or _is_loopback_address(name)


def _is_loopback_address(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
