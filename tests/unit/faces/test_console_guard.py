"""Who may use the console from where, and whose pages may send to it."""

from __future__ import annotations

import pytest
from frontdesk_server.domain.errors import PermissionDenied
from frontdesk_server.faces.console import guard


@pytest.mark.parametrize(
    ("client", "host", "local"),
    [
        (("127.0.0.1", 1), "localhost:8080", True),
        (("127.8.0.1", 1), "127.0.0.1", True),
        (("::1", 1), "[::1]:8080", True),
        (("::ffff:127.0.0.1", 1), "frontdesk.localhost", True),
        (("::ffff:10.0.0.1", 1), "localhost", False),
        (("10.0.0.1", 1), "localhost", False),
        (("127.0.0.1", 1), "localhost.attacker.example", False),
        (("127.0.0.1", 1), "attacker.example:8080", False),
        (("127.0.0.1", 1), "0.0.0.0:8080", False),
        (("127.0.0.1", 1), "[::1].attacker.example", False),
        (("127.0.0.1", 1), "", False),
        (None, "localhost", False),
    ],
)
def test_local_is_who_comes_from_this_machine_to_a_name_of_it(
    client: tuple[str, int] | None, host: str, local: bool
) -> None:
    assert guard.visitor_of({"client": client}, {"host": host}).is_local == local


@pytest.mark.parametrize(
    ("method", "headers", "taken"),
    [
        ("GET", {"sec-fetch-site": "cross-site", "origin": "https://attacker.example"}, True),
        ("POST", {}, True),
        ("POST", {"sec-fetch-site": "same-origin"}, True),
        ("POST", {"sec-fetch-site": "none"}, True),
        ("POST", {"sec-fetch-site": "same-site"}, False),
        ("POST", {"sec-fetch-site": "cross-site", "origin": "http://localhost:8080"}, False),
        ("POST", {"origin": "http://localhost:8080"}, True),
        ("POST", {"origin": "http://localhost:9090"}, False),
        ("POST", {"origin": "null"}, False),
    ],
)
def test_only_the_consoles_own_pages_may_send(method: str, headers: dict[str, str], taken: bool) -> None:
    headers = {"host": "localhost:8080", **headers}
    if taken:
        guard.refuse_other_sites(method, headers)
    else:
        with pytest.raises(PermissionDenied):
            guard.refuse_other_sites(method, headers)


def test_a_kept_key_becomes_the_credential_and_no_cookie_goes_further() -> None:
    cookies = "theme=dark; frontdesk_console=fd_1_x=y; other=z"
    scope = guard.with_credentials({"headers": [(b"cookie", cookies.encode()), (b"host", b"h")]}, {"cookie": cookies})
    assert scope["headers"] == [(b"host", b"h"), (b"authorization", b"Bearer fd_1_x=y")]


def test_what_a_caller_says_itself_comes_before_what_the_browser_keeps() -> None:
    headers = {"cookie": "frontdesk_console=kept", "authorization": "Bearer said"}
    found = guard.with_credentials({"headers": [(b"authorization", b"Bearer said")]}, headers)["headers"]
    assert found == [(b"authorization", b"Bearer said")]


@pytest.mark.parametrize("key", ["", "a b", "a;b", "a,b", 'a"b', "a\nb", "ä", "x" * 4000])
def test_what_no_cookie_can_hold_is_not_kept(key: str) -> None:
    assert not guard.can_be_kept(key)


def test_keys_and_tokens_can_be_kept() -> None:
    assert guard.can_be_kept("fd_79033c3a_Zk-_9")
    assert guard.can_be_kept("eyJhbGciOi.eyJzdWIi.Ab-_=")
