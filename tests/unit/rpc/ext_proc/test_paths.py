"""Paths that pose queries, in every spelling that some upstream reads as the plain one."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from frontdesk_server.rpc.ext_proc.paths import ends_with, parts_of
from hypothesis import given
from hypothesis import strategies as st

PATHS = ("/chat/completions", "/responses", "/messages")


@st.composite
def spellings(draw: st.DrawFn, path: str) -> str:
    """The path below some prefix, with escapes, case, slashes, dots, blanks and parameters as it comes."""

    def escaped(text: str) -> str:
        return "".join(f"%{ord(one):02{draw(st.sampled_from('xX'))}}" for one in text)

    def letter(one: str) -> str:
        ways = [one, one.upper(), escaped(one), quote(escaped(one)), quote(quote(escaped(one)))]
        return draw(st.sampled_from(ways))

    slash = st.sampled_from(["/", "//", "\\", "%2F", "%5c", "%252f", "/./", "/x/../", "/;a=b/", "/%2e/"])
    after = st.sampled_from(
        ["", "/", "//", "%2F", ";x", ";x=1;y", "%3Bx", "%20", "%09", "%00.txt", "/.", "/x/..", "%3Fa"]
    )
    prefix = draw(st.sampled_from(["", "/v1", "/v1beta/openai", "/a%20b", "//v1"]))
    parts = ["".join(letter(one) for one in part) for part in parts_of(path)]
    spelt = "".join(draw(slash) + part + draw(st.sampled_from(["", ";v=1", "%20"])) for part in parts)
    return prefix + spelt + draw(after) + draw(st.sampled_from(["", "?", "?api-version=1/x"]))


@pytest.mark.parametrize("path", PATHS)
def test_every_spelling_is_the_path(path: str) -> None:
    @given(spellings(path))
    def holds(spelt: str) -> None:
        assert ends_with(spelt, parts_of(path))

    holds()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "*",
        "/",
        "/v1/models",
        "/v1/files?purpose=/v1/chat/completions",
        "/v1/messages/count_tokens",
        "/v1/responses/resp_1/cancel",
        "/v1/completions",
        "/v1/chat/completions/chatcmpl-1",
        "/v1/chat/completions/..",
        "/v1/mychat/completions",
        "/v1/%zz/%ff",
    ],
)
def test_other_paths_are_others(path: str) -> None:
    assert not any(ends_with(path, parts_of(end)) for end in PATHS)


def test_a_path_of_escapes_alone_is_read_in_bounded_steps() -> None:
    assert not ends_with("/%" + "25" * 30_000 + "73", ("messages",))
