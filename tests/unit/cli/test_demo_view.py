"""What `frontdesk demo` shows of an answer as it comes."""

from __future__ import annotations

import pytest
from frontdesk_server.cli.demo_view import Opening
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console


def shown(pieces: list[str], width: int) -> str:
    console = Console(width=width, force_terminal=False)
    with console.capture() as captured:
        opening = Opening(console)
        for piece in pieces:
            opening.add(piece)
        opening.end()
    return captured.get()


@given(words=st.lists(st.text("abc", min_size=1, max_size=12), max_size=40), width=st.integers(12, 90), cut=st.data())
def test_lines_break_between_words_however_an_answer_is_cut(words: list[str], width: int, cut: st.DataObject) -> None:
    text = " ".join(words)[:320]
    at = sorted(cut.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in zip([0, *at], [*at, len(text)], strict=True)]
    lines = shown(pieces, width).split("\n")
    assert " ".join(lines).split() == text.split()
    assert all(len(line.rstrip()) <= width for line in lines)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_of_a_long_answer_whole_words_are_shown_and_that_there_was_more(size: int) -> None:
    text = "whole words " * 60
    begun = shown([text[start : start + size] for start in range(0, len(text), size)], 80)
    assert begun.split()[-1] == "[…]"
    assert set(begun.split()) == {"whole", "words", "[…]"}
