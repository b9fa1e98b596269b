# ruff: noqa: RUF001 - signs of other scripts look like ours
"""Where a long text falls into clauses."""

from __future__ import annotations

import pytest
from frontdesk_server.artefacts.wording import default_wording
from frontdesk_server.artefacts.wording.clauses import clauses_of

_TALE = (
    "yesterday we went to the zoo with my sister and her twins, and it was boiling hot all day long, "
    "and on the way home they asked what a baby kangaroo is called"
)


@pytest.mark.parametrize("text", ["", "What is the capital of Portugal?", "one two three"])
def test_what_is_short_is_one_clause(text: str) -> None:
    assert [clause.strip() for clause in clauses_of(text)] == [text]


def test_signs_part_clauses_and_few_words_go_with_the_next() -> None:
    assert clauses_of(f"well, {_TALE}")[0] == "well, yesterday we went to the zoo with my sister and her twins,"
    assert clauses_of(_TALE)[1].startswith("and it was boiling hot all day long, and on the way home")
    assert len(clauses_of("昨天我们带孩子去动物园看企鹅和水獭玩了一天，回家路上他们问小袋鼠叫什么名字没人知道。")) == 2


def test_no_word_is_lost() -> None:
    assert " ".join(clauses_of(_TALE)).split() == _TALE.split()


def test_a_tale_says_of_difficulty_what_its_clauses_say_on_average() -> None:
    reader = default_wording()
    clauses = [reader.read(clause).difficulty for clause in clauses_of(_TALE)]

    assert reader.read(_TALE, by_clauses=True).difficulty == pytest.approx(sum(clauses) / len(clauses))
    assert reader.read(_TALE, by_clauses=True).code == pytest.approx(reader.read(_TALE).code)
