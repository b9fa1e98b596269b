"""The one estimate of tokens, and the count that knows of runs."""

from __future__ import annotations

import pytest
from frontdesk_server.domain.tokens import TokenCount, estimate_few_tokens, estimate_tokens
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("four", 1),
        ("balloon...", 3),
        ("-" * 16, 4),
        ("-" * 1040, 4 + 16),
        ("a" + "-" * 1040 + "b", 1 + 4 + 16),
        (" " * 1040, 4 + 16),
        (" \n" * 520, 4 + 16),
        ("-=" * 520, 260),
        ("\u3000" * 1040, 16 + 64),
        ("\N{GRINNING FACE}" * 1040, 22 + 88),
    ],
)
def test_a_long_run_of_one_character_or_of_blanks_counts_little(text: str, tokens: int) -> None:
    assert estimate_few_tokens(text) == tokens


WORDS = st.text(st.sampled_from("ab - \n。"), max_size=30)
RUNS = st.builds(lambda character, length: character * length, st.sampled_from("ab- \n。"), st.integers(0, 60))
PIECES = st.lists(st.one_of(WORDS, RUNS), max_size=8)


@given(PIECES)
def test_however_a_text_is_cut_it_counts_the_same_and_never_more_than_the_estimate(pieces: list[str]) -> None:
    text = "".join(pieces)
    count, single = TokenCount(), TokenCount()
    for piece in pieces:
        count.add(piece)
    for character in text:
        single.add(character)
    assert count.tokens == single.tokens == estimate_few_tokens(text) <= estimate_tokens(text)


@given(st.text(max_size=200))
def test_a_text_without_long_runs_counts_as_estimated(text: str) -> None:
    broken = "x".join(text[at : at + 3] for at in range(0, len(text), 3))
    assert estimate_few_tokens(broken) == estimate_tokens(broken)
