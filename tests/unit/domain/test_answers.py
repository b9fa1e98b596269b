"""Extraction of final answers and their agreement."""

from __future__ import annotations

import pytest
from frontdesk_server.judging.answers import agree, extract_answer, group_answers

SAME = [
    ("#### 42", "42"),
    ("She sold 20, then 22.\n#### 42", "So the answer is 42 apples."),
    (r"Hence \boxed{\frac{1}{2}}.", "0.5"),
    (r"-\frac{3}{4}", "-0.75"),
    (r"\boxed{2\frac{1}{2}}", "2.5"),
    ("$1,234.50", "1234.5 dollars"),
    ("1.5e3", "1 500"),
    ("75%", "75"),
    ("-22.0", "\u221222"),
    ("72", "Natalia sold 48/2 = 24 in May. Altogether 72."),
    ("(B)", "The answer is B."),
    ("B. Paris", "Option B"),
    ('{"a": 1, "b": [1, 2]}', '```json\n{"b": [1, 2], "a": 1}\n```'),
    ("[(4, 1), (2, 3)]", "[(4,1),(2,3)]"),
    ("('x', 'y z')", '("x", "y z")'),
    ("x^2 + 1", "x^2+1"),
    ("", ""),
    ("The capital of France is Paris", "Paris is the capital of France."),
]
DIFFERENT = [
    ("#### 42", "#### 43"),
    ("41", "Out of 42 there were 41 and then 40"),
    ("B", "C"),
    ("UppEr", "upper"),
    ("('a b',)", "('ab',)"),
    ('{"a": 1}', '{"a": 2}'),
    ("x^2 + 1", "x^2 - 1"),
    ("5:30", "5"),
    ("", "0"),
    ("1/0", "0"),
]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_answers_that_say_the_same_agree_whatever_their_dress(a: str, b: str) -> None:
    assert agree(a, b) == 1.0
    assert agree(b, a) == 1.0


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_answers_that_differ_in_what_counts_do_not_agree(a: str, b: str) -> None:
    assert agree(a, b) == 0.0
    assert agree(b, a) == 0.0


def test_free_text_agrees_by_degrees() -> None:
    near = agree("It takes about two hours by train", "About two hours by train, it takes")
    far = agree("It takes about two hours by train", "Penguins live in Antarctica and eat fish")
    assert near > 0.9
    assert far == 0.0


def test_a_denial_or_another_number_in_free_text_lowers_agreement() -> None:
    assert agree("It is safe to mix them", "It is not safe to mix them") < 0.5
    assert agree("The tower is 300 metres tall overall", "The tower is 320 metres tall overall") < 0.5


def test_a_requested_kind_is_looked_for_in_the_whole_text() -> None:
    found = extract_answer("We have 3 and 4, which makes 7 in total", compare="number")
    assert found is not None
    assert found.value == 7
    assert extract_answer("I think (C) fits, not (A)... so option C", compare="option").value == "C"  # type: ignore[union-attr]
    assert extract_answer("no figure at all", compare="number") is None
    assert agree("none here", "nor here", compare="number") == 0.0


def test_hostile_input_is_read_in_bounded_time() -> None:
    assert extract_answer("[" * 50_000, compare="json") is None
    assert agree("1" * 5_000, "1" * 5_000) == 1.0
    assert agree("9e999999", "1") == 0.0


def test_groups_are_numbered_by_first_appearance_and_silence_joins_none() -> None:
    assert group_answers(["12", None, "12.0", "13", "#### 13", None]) == (0, -1, 0, 1, 1, -1)
