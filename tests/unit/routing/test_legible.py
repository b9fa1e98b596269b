# ruff: noqa: RUF001 - spellings of the same are what this is about
"""However a text is written, its cues and its wording are read alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from frontdesk_server.domain.query import text_query
from frontdesk_server.routing import legible as module
from frontdesk_server.routing.legible import legible
from frontdesk_server.routing.signals import compute_signals
from hypothesis import given
from hypothesis import strategies as st

SPELLINGS: dict[str, Callable[[str], str]] = {
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "four spaces": lambda text: text.replace(" ", "    "),
    "tabs": lambda text: text.replace(" ", "\t"),
    "a word a line": lambda text: text.replace(" ", "\n"),
    "zero-width spaces": "\u200b".join,
    "zero-width spaces beside spaces": lambda text: text.replace(" ", "\u200b \u200b"),
    "soft hyphens": "\u00ad".join,
    "numeric entities": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "entities for spaces": lambda text: text.replace(" ", "&nbsp;"),
    "full width": lambda text: "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text),
    "mathematical bold": lambda text: "".join(_bold(each) for each in text),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "emoji around": lambda text: f"🤔🤔 {text} 🙏😀👍🏽",
    "emoji between": lambda text: text.replace(" ", " 🔥 "),
    "typographic apostrophes": lambda text: text.replace("'", "’"),
    "direction marks": lambda text: f"\u202e{text}\u202c",
}
TEXTS = [
    "What's the capital of Italy?",
    "Prove that every finite group of odd order is solvable.",
    "Write a Python function that reverses a list.",
    "Was ist der kürzeste Weg, das zu beweisen?",
    "What is 17 * 23",
]


def _bold(character: str) -> str:
    if "a" <= character <= "z":
        return chr(0x1D41A + ord(character) - ord("a"))
    return chr(0x1D400 + ord(character) - ord("A")) if "A" <= character <= "Z" else character


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("text", TEXTS)
def test_spellings_of_a_text_have_its_signals(text: str, spelling: Callable[[str], str]) -> None:
    plain, spelt = compute_signals(text_query(text)), compute_signals(text_query(spelling(text)))

    assert (spelt.task, spelt.code, spelt.math) == (plain.task, plain.code, plain.math)
    assert spelt.difficulty == plain.difficulty
    assert spelt.difficulty_cues == plain.difficulty_cues


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("n²+7 is x₂", "n²+7 is x₂"),
        ("㎏ №7 Ⅳ ①", "kg No7 IV 1"),
        ("AT&T; &copy=1 &nosuch;", "AT&T; &copy=1 &nosuch;"),
        ("a &lt; b &amp;&amp; c", "a < b && c"),
        ("为什么？（证明）", "为什么？（证明）"),
        ("за\u0301мок", "замок"),
        ("int  main()\n\n\tprintf(1);", "int main()\n\nprintf(1);"),
        ("20 °C → 70 €", "20 °C → 70 €"),
    ],
)
def test_signs_that_say_something_stay(text: str, read: str) -> None:
    assert legible(text) == read


@given(st.text())
def test_what_is_legible_stays_as_it_is(text: str) -> None:
    once = legible(text.replace("&", ""))

    assert legible(once) == once


def test_what_is_not_looked_at_one_by_one_would_stay_as_it_is() -> None:
    common = [chr(code) for code in range(0x80, 0x10000) if not module._ODD.match(chr(code))]

    assert [each for each in common if module._PLAIN[ord(each)] != each] == []
    assert unicodedata.is_normalized("NFC", "".join(common))
