"""What a browser is to be kept from: asking for another site's page, and for people who are not at this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from frontdesk_server.domain.errors import PermissionDenied
from frontdesk_server.faces.browsers import READING, is_local_name, is_loopback_address, is_of_another_site
from frontdesk_server.faces.http import Scope

COOKIE = "frontdesk_console"
PATH = "/console"
LONGEST_KEY = 3_500
"""Characters of a credential; browsers keep cookies of 4,096 with their name and attributes."""

_COOKIE_TEXT = re.compile(r"[!#-+\--:<-\[\]-~]+")


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
        is_local=_is_loopback(scope) and is_local_name(headers.get("host", "")),
        is_signed_in=bool(key_in(headers)),
        wants_events="text/event-stream" in headers.get("accept", ""),
    )


def refuse_other_sites(method: str, headers: Mapping[str, str]) -> None:
    """Refuse what another site's page makes a browser send; raises PermissionDenied."""
    if method not in READING and is_of_another_site(headers):
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
    return client is not None and is_loopback_address(client[0])
