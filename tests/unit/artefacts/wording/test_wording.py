"""Words and pieces of a text in any script, and the table that weighs them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from frontdesk_server.artefacts.wording import WordingArrays, WordingError, WordingReader, default_wording
from frontdesk_server.artefacts.wording.pieces import Vocabulary, words_of
from frontdesk_server.learning.training.wording import PieceTexts, PieceVectors, Strengths, fit_wording
from hypothesis import given
from hypothesis import strategies as st

PIECES = ["▁func", "tion", "en", "▁the", "函数", "函", "数", "?", "🤔", "0", "00"]


@given(st.text())
def test_every_text_can_be_read(text: str) -> None:
    assert all(np.isfinite(default_wording().read(text)[:2]))


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
        ("🤔", []),
        ("ж", []),
    ],
)
def test_a_word_falls_into_the_longest_pieces_from_its_beginning(word: str, pieces: list[str]) -> None:
    assert [PIECES[number] for number in Vocabulary(PIECES).split(word)] == pieces


NEVER = -30.0
"""What makes a piece no part of a pair, in log-odds."""


def a_reader(
    weights: dict[str, tuple[float, float]],
    pairs: Sequence[tuple[str, str]] = (),
    bias: tuple[float, float] = (0.0, 0.0),
    gain: float = 2.0,
) -> WordingReader:
    """Weighs pieces; its first detector, of difficulty, looks for pairs of which "" is the beginning of a text."""
    table = np.zeros((len(PIECES), 10), np.float32)
    table[:, 2:] = NEVER
    for piece, own in weights.items():
        table[PIECES.index(piece), :2] = own
    for first, second in pairs:
        if first:
            table[PIECES.index(first), 2] = 0.0
        table[PIECES.index(second), 6] = 0.0
    starts = [0.0 if "" in {first for first, _ in pairs} else NEVER, *[NEVER] * 3]
    detectors = np.array([starts, [0.0] * 4, [gain, 0.0, 0.0, 0.0]], np.float32)
    return WordingReader(PIECES, WordingArrays(table, np.array(bias, np.float32), detectors))


def test_a_text_weighs_the_sum_of_its_pieces_by_the_root_of_their_number() -> None:
    reader = a_reader({"函数": (3.0, -1.0)}, bias=(0.5, -0.5))

    assert reader.read("函数")[:2] == pytest.approx((3.5, -1.5))
    assert reader.read("函数??? 函数")[:2] == pytest.approx((0.5 + 6 / 5**0.5, -0.5 - 2 / 5**0.5))
    assert reader.read("函数")[:2] == pytest.approx((3.5, -1.5)), "a word that was met before is read alike"


def test_what_a_long_text_says_in_passing_does_not_add_up() -> None:
    reader = a_reader({"▁the": (0.5, 0.5)})

    assert reader.read("the " * 4)[:2] == pytest.approx((1.0, 1.0))
    assert reader.read("the " * 25)[:2] == reader.read("the " * 100)[:2] == pytest.approx((2.5, 2.5))


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("", "there are no words"),
        (" ?!?", "there are no words"),
        ("🤔 ❤", "there are no words"),
        ("7", ""),
        ("жж the", ""),
        ("жжж? the", "its script is not read"),
        ("жжж 1234 ? 5", "its script is not read"),
        ("ж", "its script is not read"),
    ],
)
def test_a_text_is_unread_where_it_has_no_words_or_most_of_its_letters_are_in_no_piece(text: str, unread: str) -> None:
    read = a_reader(dict.fromkeys(PIECES, (5.0, 5.0))).read(text)

    assert read.unread == unread
    assert not unread or read[:2] == (0.0, 0.0)


@pytest.mark.parametrize("text", ["شكرا", "שלום לכולם", "გამარჯობა", "አመሰግናለሁ", "เมืองหลวงของสเปนคืออะไร", "क्या है?"])
def test_what_ships_says_which_scripts_it_does_not_read(text: str) -> None:
    assert default_wording().read(text).unread == "its script is not read"


@pytest.mark.parametrize("text", ["why", "почему", "γιατί", "왜 그런가요", "为什么", "なぜですか", "2 + 2"])
def test_what_ships_reads(text: str) -> None:
    assert default_wording().read(text).unread == ""


@pytest.mark.parametrize("text", ["the function", "7 the ж function ?", "0 " * 200 + "the function"])
def test_a_pair_counts_whatever_surrounds_it(text: str) -> None:
    reader = a_reader({}, [("▁the", "▁func")])

    assert reader.read(text).difficulty == pytest.approx(2.0 * np.log(2.0))
    assert reader.read(text).code == 0.0


@pytest.mark.parametrize("text", ["function the", "the 7 function", "the", "function"])
def test_a_pair_is_two_neighbours_in_order(text: str) -> None:
    assert a_reader({}, [("▁the", "▁func")]).read(text).difficulty == pytest.approx(0.0, abs=1e-6)


def test_a_pair_may_be_within_a_word_or_at_the_beginning_of_a_text() -> None:
    assert a_reader({}, [("▁func", "tion")]).read("a function").difficulty == pytest.approx(2.0 * np.log(2.0))
    reader = a_reader({}, [("", "▁the")])
    assert reader.read("the function").difficulty == pytest.approx(2.0 * np.log(2.0))
    assert reader.read("function the").difficulty == pytest.approx(0.0, abs=1e-6)


def test_pairs_add_up_as_a_logarithm() -> None:
    reader = a_reader({}, [("▁the", "▁func")])

    assert reader.read("the function, the function, the function").difficulty == pytest.approx(2.0 * np.log(4.0))


@pytest.mark.parametrize("shapes", [((3, 10), (2,), (3, 4)), ((11, 2), (2,), (3, 4)), ((11, 10), (2,), (2, 4))])
def test_arrays_of_another_shape_are_refused(shapes: Sequence[tuple[int, ...]]) -> None:
    with pytest.raises(WordingError):
        WordingReader(PIECES, WordingArrays(*[np.zeros(shape, np.float32) for shape in shapes]))


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wording.npz"
    path.write_bytes(b"not a table")

    with pytest.raises(WordingError):
        WordingReader.load(path)


def test_what_was_learned_in_one_language_holds_for_words_of_like_vectors(tmp_path: Path) -> None:
    """`函数` has the vector of `func`, of which alone it was learned."""
    vectors = np.eye(len(PIECES), dtype=np.float32)
    vectors[PIECES.index("函数")] = vectors[PIECES.index("▁func")]
    known = PieceVectors(PIECES, vectors)
    texts = ["func", "the", "the func", "the the?"] * 10
    labels = np.array([[0.9, 1.0], [0.1, 0.0], [0.9, 1.0], [0.1, np.nan]] * 10)
    pieces = PieceTexts.of(texts, known)
    table = fit_wording(pieces, known, labels, np.full(len(texts), 10.0), Strengths(1.0, 1.0, pairs=0.01))
    table.save(tmp_path / "wording.npz", known)
    reader = WordingReader.load(tmp_path / "wording.npz")

    assert reader.read("函数").difficulty > reader.read("the").difficulty + 1
    assert reader.read("函数").code > 0 > reader.read("the").code
    read = table.read(PieceTexts.of(["the func", "func", "函数??"], known), known)
    for text, expected in zip(["the func", "func", "函数??"], read, strict=True):
        assert reader.read(text)[:2] == pytest.approx(tuple(expected), abs=0.1)


def test_the_order_of_words_is_learned_where_it_alone_tells(tmp_path: Path) -> None:
    known = PieceVectors(PIECES, np.eye(len(PIECES), dtype=np.float32))
    texts = ["the ? 函", "? the 函", "函 the ?", "函 ? the"] * 10
    labels = np.array([[0.95, 0.0], [0.05, 0.0], [0.95, 0.0], [0.05, 0.0]] * 10)
    table = fit_wording(
        PieceTexts.of(texts, known), known, labels, np.full(len(texts), 10.0), Strengths(1.0, 1.0, pairs=1.0)
    )
    table.save(tmp_path / "wording.npz", known)
    reader = WordingReader.load(tmp_path / "wording.npz")

    assert min(reader.read(text).difficulty for text in texts[::2]) > 2
    assert max(reader.read(text).difficulty for text in texts[1::2]) < -2
