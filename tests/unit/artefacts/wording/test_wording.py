"""Words and pieces of a text in any script, and the table that weighs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from frontdesk_server.artefacts.wording import WordingError, WordingReader, default_wording
from frontdesk_server.artefacts.wording.pieces import Vocabulary, words_of
from frontdesk_server.learning.training.wording import PieceVectors, fit_wording, text_vectors
from hypothesis import given
from hypothesis import strategies as st

PIECES = ["▁func", "tion", "en", "▁the", "函数", "函", "数", "?", "0", "00"]


@given(st.text())
def test_every_text_can_be_read(text: str) -> None:
    assert all(np.isfinite(default_wording().read(text)))


@given(st.text())
def test_every_word_falls_into_known_pieces(text: str) -> None:
    vocabulary = Vocabulary(PIECES)

    assert all(0 <= number < len(PIECES) for word in words_of(text) for number in vocabulary.split(word))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Why x == f(42)?", ["why", "x", "=", "=", "f", "(", "42", ")", "?"]),
        ("für alle ε>0", ["für", "alle", "ε", ">", "0"]),
        ("证明x²有界。", ["证明", "x", "2", "有界", "。"]),
        ("ＡＰＩの設計", ["api", "の設計"]),
        ("snake_case", ["snake", "_", "case"]),
        (" \n", []),
    ],
)
def test_a_text_falls_into_words_numbers_and_signs(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("function", ["▁func", "tion"]),
        ("funktionen", ["tion", "en"]),
        ("函数", ["函数"]),
        ("数函", ["数", "函"]),
        ("7", ["0"]),
        ("1234", ["00"]),
        ("?", ["?"]),
        ("ж", []),
    ],
)
def test_a_word_falls_into_the_longest_pieces_from_its_beginning(word: str, pieces: list[str]) -> None:
    assert [PIECES[number] for number in Vocabulary(PIECES).split(word)] == pieces


def test_a_text_weighs_the_sum_of_its_pieces_by_the_root_of_their_number() -> None:
    weights = np.zeros((len(PIECES), 2), np.float32)
    weights[PIECES.index("函数")] = 3.0, -1.0
    reader = WordingReader(PIECES, weights, np.array([0.5, -0.5], np.float32))

    assert reader.read("函数") == (3.5, -1.5)
    assert reader.read("函数??? 函数") == pytest.approx((0.5 + 6 / 5**0.5, -0.5 - 2 / 5**0.5))
    assert reader.read("函数") == (3.5, -1.5), "a word that was met before is read alike"
    assert reader.read("ж") == (0.0, 0.0)


def test_what_a_long_text_says_in_passing_does_not_add_up() -> None:
    reader = WordingReader(PIECES, np.full((len(PIECES), 2), 0.5, np.float32), np.zeros(2, np.float32))

    assert reader.read("? " * 4) == (1.0, 1.0)
    assert reader.read("? " * 25) == reader.read("? " * 100) == (2.5, 2.5)


@pytest.mark.parametrize("shape", [(3, 2), (10, 3)])
def test_weights_of_another_shape_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(WordingError):
        WordingReader(PIECES, np.zeros(shape, np.float32), np.zeros(shape[1], np.float32))


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wording.npz"
    path.write_bytes(b"not a table")

    with pytest.raises(WordingError):
        WordingReader.load(path)


def test_what_was_learned_in_one_language_holds_for_words_of_like_vectors(tmp_path: Path) -> None:
    """`函数` has nearly the vector of `function`, of which alone it was learned."""
    vectors = np.eye(len(PIECES), dtype=np.float32)
    vectors[PIECES.index("函数")] = vectors[PIECES.index("tion")]
    known = PieceVectors(PIECES, vectors)
    texts = ["function", "the", "the function", "the the?"] * 10
    labels = np.array([[0.9, 1.0], [0.1, 0.0], [0.9, 1.0], [0.1, np.nan]] * 10)
    table = fit_wording(text_vectors(texts, known), labels, np.ones(len(texts)), (1.0, 1.0))
    table.save(tmp_path / "wording.npz", known)
    reader = WordingReader.load(tmp_path / "wording.npz")

    assert reader.read("函数").difficulty > reader.read("the").difficulty + 1
    assert reader.read("函数").code > 0 > reader.read("the").code
    expected = text_vectors(["the function"], known) @ table.weights + table.bias
    assert reader.read("the function") == pytest.approx(tuple(expected[0]), abs=0.05)
