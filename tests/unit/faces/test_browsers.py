"""Whose pages may have a browser call, and by which names of ours."""

from __future__ import annotations

import pytest
from frontdesk_server.domain.call import ANONYMOUS, Caller
from frontdesk_server.domain.errors import FrontdeskError, PermissionDenied
from frontdesk_server.faces.browsers import Pages
from frontdesk_server.faces.status import UnsupportedMediaType

APP = "https://app.example.org"
KNOWN = Caller("ours")
JSON = {"content-type": "application/json"}


def refusal(
    headers: dict[str, str],
    *,
    method: str = "POST",
    caller: Caller = ANONYMOUS,
    is_local: bool = True,
    allowed: str = APP,
) -> type[FrontdeskError] | None:
    try:
        pages = Pages(frozenset([allowed]), is_local)
        pages.admit(method, {"host": "localhost:8080", **JSON, **headers}, caller)
    except FrontdeskError as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({}, True),
        ({"origin": "http://localhost:8080"}, True),
        ({"origin": "http://localhost:8080", "sec-fetch-site": "same-origin"}, True),
        ({"origin": APP, "sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"origin": "http://localhost:9090"}, False),
        ({"origin": "http://localhost:8080", "sec-fetch-site": "same-site"}, False),
        ({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"origin": f"{APP}.evil.example"}, False),
        ({"origin": f"{APP}, https://evil.example"}, False),
        ({"origin": "http://["}, False),
        ({"origin": "null"}, False),
        ({"origin": "null", "host": ""}, False),
    ],
)
@pytest.mark.parametrize("caller", [ANONYMOUS, KNOWN])
def test_pages_of_other_origins_may_call_only_where_they_are_listed(
    headers: dict[str, str], taken: bool, caller: Caller
) -> None:
    assert refusal(headers, caller=caller) is (None if taken else PermissionDenied)


def test_a_page_of_another_origin_may_not_even_read_but_a_link_may_lead_here() -> None:
    assert refusal({"origin": "https://evil.example"}, method="GET") is PermissionDenied
    assert refusal({"sec-fetch-site": "cross-site"}, method="GET") is None


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("10.1.2.3", True),
        ("frontdesk:8080", True),
        ("host.docker.internal:8080", True),
        ("app.example.org", True),
        ("", True),
        ("evil.example", False),
        ("evil.example:8080", False),
        ("EVIL.EXAMPLE", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("[::1].evil.example", False),
    ],
)
def test_a_name_that_a_stranger_may_own_is_not_served_without_credentials(host: str, ours: bool) -> None:
    of_a_page = {"host": host, "origin": f"http://{host.lower()}"} if host else {}
    refused = None if ours else PermissionDenied
    assert refusal({"host": host}) is refused
    assert refusal(of_a_page, is_local=False) is refused
    assert refusal({"host": host}, is_local=False) is None, "whoever is no browser has named us so on purpose"
    assert refusal({"host": host}, caller=KNOWN) is None
    assert refusal(of_a_page, caller=KNOWN) is None


def test_every_origin_is_allowed_where_all_are() -> None:
    assert refusal({"origin": "https://evil.example", "host": "evil.example"}, allowed="*") is None


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("text/plain;charset=UTF-8", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("", False),
    ],
)
def test_a_browser_has_to_send_what_it_asks_first_for(kind: str, taken: bool) -> None:
    refused = None if taken else UnsupportedMediaType
    assert refusal({"content-type": kind, "origin": APP}) is refused
    assert refusal({"content-type": kind, "sec-fetch-site": "same-origin"}) is refused
    assert refusal({"content-type": kind}) is None, "curl -d says that it sends a form"
