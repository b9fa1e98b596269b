# ruff: noqa: RUF001 - full width is meant
"""Which language a text is in, however short it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from frontdesk_server.routing.language import LANGUAGES, detect_language

SENTENCES = [
    line.split("\t")
    for line in Path(__file__).with_name("short_sentences.tsv").read_text(encoding="utf-8").splitlines()
]


def test_short_sentences_are_told_or_not_but_hardly_ever_wrongly() -> None:
    """The documentation names these counts."""
    told = [(language, detect_language(text)) for language, text in SENTENCES if language and language in LANGUAGES]

    assert Counter("right" if found == language else found and "wrong" for language, found in told) == {
        "right": 224,
        "": 18,
    }


def test_neighbours_of_the_languages_that_are_told_are_seldom_taken_for_them() -> None:
    others = [text for language, text in SENTENCES if language not in LANGUAGES]

    assert sum(map(bool, map(detect_language, others))) <= 3, f"of {len(others)}"


@pytest.mark.parametrize("text", [text for language, text in SENTENCES if not language])
def test_what_is_no_sentence_has_no_language(text: str) -> None:
    assert detect_language(text) == ""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", ""),
        ("Ｗｈｙ　ｉｓ　ｉｔ　ｓｏ？", "en"),
        ("🤔 Pourquoi\u00a0pas ?", "fr"),
        ("What does شكرا mean?", "en"),
        ("東京タワーの高さは?", "ja"),
        ("Почему so?", "ru"),
    ],
)
def test_the_language_is_that_of_most_of_the_text(text: str, language: str) -> None:
    assert detect_language(text) == language
