# ruff: noqa: RUF001 - signs of other scripts look like ours
"""Tells the sentences by which a text asks from those it says besides."""

from __future__ import annotations

import re

from frontdesk_server.domain.scripts import UNSPACED_BASIC, size_of
from frontdesk_server.routing.asides import Aside, Asides

__all__ = ["asking_sentences", "is_question", "rambles", "sentences_of", "without_asides"]

_SENTENCE_END = re.compile(
    r"[.!?。！？:：\]](?:(?<=[.!?])[)\]\"'»”]*(?=\s)|(?<=[。！？])|(?<=[:：])(?=\s)(?!\s+\d)"
    rf"|(?<=\])(?=\s)|(?<=[.!?])(?=[{UNSPACED_BASIC}])|(?<=[{UNSPACED_BASIC}][!?]))"
)
"""Begins with a class of signs, so that the search for one is fast."""
_QUESTION = re.compile(r"[?？]\W*$|か。\W*$")
_RAMBLING_BYTES = 140
"""From this length on, a text is taken to say more than it asks."""


def sentences_of(text: str) -> list[str]:
    """The sentences of a text with their signs; a colon before white space ends one, too."""
    return [part for part in _SENTENCE_END.sub("\\g<0>\n", text).split("\n") if part and not part.isspace()]


def is_question(sentence: str) -> bool:
    """Whether a sentence is one by its sign, or its ending in Japanese."""
    return _QUESTION.search(sentence) is not None


def rambles(text: str) -> bool:
    """Whether a text is so long that it is taken to say more than it asks."""
    return size_of(text) > _RAMBLING_BYTES


def without_asides(text: str, asides: Asides) -> tuple[str, bool]:
    """A text without its asides, or all of it where it is nothing else; and whether that refers to something beside."""
    sentences = sentences_of(text)
    kinds = [asides.kind_of(sentence) for sentence in sentences]
    if not any(kinds):
        return text, False
    if all(kinds):
        return text, Aside.REFERS in kinds
    for sentence, kind in zip(sentences, kinds, strict=True):
        if kind:
            text = text.replace(sentence, "", 1)
    return text.strip(), False


def asking_sentences(text: str) -> str:
    """The sentences of a text that ask: all where it is short, the questions where it rambles and has any."""
    if not rambles(text):
        return text
    questions = [sentence.strip() for sentence in sentences_of(text) if is_question(sentence)]
    return " ".join(questions) if questions else text
