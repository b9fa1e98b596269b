"""Distillation of a teacher that a static table can reproduce: its vectors are sums of one hidden vector a word."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from frontdesk_server.artefacts.embedders import Matrix, StaticEmbedder, Vector
from frontdesk_server.learning.data.dataset import DatasetError
from frontdesk_server.learning.embedding.corpus import python_documentation, read_texts, wordnet_examples
from frontdesk_server.learning.embedding.distill import (
    DistillSettings,
    StaticTable,
    distill,
    prune_tokenizer,
    sif_weights,
)

from tests.unit.artefacts.embedders.tables import specification

NOUNS = [f"n{letter}" for letter in "abcdefghijklmnopqrst"]
TOKENS = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", *NOUNS, "rare"]


class SumTeacher:
    """Sees a token alone with an error of its own, and whole texts rightly."""

    dimension = 16

    def __init__(self) -> None:
        random = np.random.default_rng(5)
        self._hidden = {token: random.normal(size=16) for token in TOKENS}
        self._error = {token: random.normal(size=16) for token in TOKENS}

    def embed(self, text: str) -> Vector:
        return _unit(np.sum([self._hidden[token] for token in text.split()], axis=0))

    def embed_tokens(self, ids: Sequence[int]) -> Vector:
        first, token, last = (TOKENS[token_id] for token_id in ids)
        assert (first, last) == ("[CLS]", "[SEP]")
        return _unit(self._hidden[token] + self._error[token])


def _unit(vector: Any) -> Vector:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def teacher_specification() -> dict[str, Any]:
    base = specification(truncation=None, padding=None)
    vocabulary = {token: row for row, token in enumerate(TOKENS)}
    special = [
        {**base["added_tokens"][0], "id": vocabulary[token], "content": token} for token in TOKENS if "[" in token
    ]
    frame = [{"SpecialToken": {"id": token, "type_id": 0}} for token in ("[CLS]", "[SEP]")]
    return {
        **base,
        "added_tokens": [token for token in special if token["content"] in ("[PAD]", "[UNK]", "[CLS]", "[SEP]")],
        "model": {**base["model"], "vocab": vocabulary},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [frame[0], {"Sequence": {"id": "A", "type_id": 0}}, frame[1]],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {
                token: {"id": token, "ids": [vocabulary[token]], "tokens": [token]} for token in ("[CLS]", "[SEP]")
            },
        },
    }


def corpus(count: int, seed: int) -> list[str]:
    random = Random(seed)
    return [" ".join(random.choices(NOUNS, k=6)) for _ in range(count)]


def distilled(folder: Path, **settings: Any) -> StaticEmbedder:
    table = distill(SumTeacher(), teacher_specification(), corpus(400, 1), DistillSettings(dimension=16, **settings))
    table.write(folder)
    return StaticEmbedder.load(folder)


def likeness(embedder: StaticEmbedder) -> float:
    """Correlation of the student's cosines with the teacher's, on texts that the corpus does not hold."""
    texts = corpus(60, 2)
    student: Matrix = embedder.embed_many(texts)
    teacher = np.stack([SumTeacher().embed(text) for text in texts])
    pairs = np.triu_indices(len(texts), 1)
    return float(np.corrcoef((student @ student.T)[pairs], (teacher @ teacher.T)[pairs])[0, 1])


def test_fitting_to_texts_mends_what_the_teacher_says_of_tokens_alone(tmp_path: Path) -> None:
    alone, fitted = distilled(tmp_path / "alone", iterations=0), distilled(tmp_path / "fitted", ridge=0.01)
    assert likeness(fitted) > likeness(alone) + 0.1


def test_a_strong_ridge_keeps_what_the_teacher_says_of_tokens_alone(tmp_path: Path) -> None:
    alone, held = distilled(tmp_path / "alone", iterations=0), distilled(tmp_path / "held", ridge=1e6)
    assert likeness(held) == pytest.approx(likeness(alone), abs=0.02)


def test_a_token_that_the_corpus_lacks_keeps_a_vector(tmp_path: Path) -> None:
    assert np.linalg.norm(distilled(tmp_path).embed("rare")) == pytest.approx(1.0, abs=1e-5)


def test_progress_counts_tokens_and_texts() -> None:
    told: list[tuple[int, int]] = []
    distill(
        SumTeacher(),
        teacher_specification(),
        corpus(30, 1),
        DistillSettings(dimension=8),
        progress=lambda done, total: told.append((done, total)),
    )
    total = len(NOUNS) + 2 + 30
    assert told == [(done, total) for done in range(1, total + 1)]


def test_special_and_unused_tokens_get_no_row() -> None:
    kept, pruned = prune_tokenizer(teacher_specification())
    assert list(pruned["model"]["vocab"]) == ["[UNK]", *NOUNS, "rare"]
    assert list(pruned["model"]["vocab"].values()) == list(range(len(kept)))
    assert [TOKENS[token_id] for token_id in kept] == list(pruned["model"]["vocab"])
    assert pruned["post_processor"] is None
    assert pruned["added_tokens"] == []


def test_frequent_tokens_weigh_less() -> None:
    weights = sif_weights(np.array([0, 1000, 10, 0], np.float32), 1e-3)
    assert weights[1] < weights[2] < weights[3] <= 1.0


def test_a_written_table_is_int8_and_reads_back(tmp_path: Path) -> None:
    rows = np.array([[0, 0], [127, 0], [0, -127]], np.int8)
    vocabulary = {"[UNK]": 0, "a": 1, "b": 2}
    tokenizer = specification(added_tokens=[], truncation=None, padding=None)
    tokenizer["model"] = {**tokenizer["model"], "vocab": vocabulary}
    StaticTable(rows, np.array([1.0, 0.5, 1.0], np.float32), tokenizer).write(tmp_path / "new")
    vector = StaticEmbedder.load(tmp_path / "new").embed("a b")
    np.testing.assert_allclose(vector, _unit(np.array([0.5, -1.0])), rtol=1e-5)


def test_texts_are_read_once_and_from_training_rows_only(tmp_path: Path) -> None:
    rows = [
        {"text": "a", "split": "train"},
        {"text": "b", "split": "test"},
        {"text": "a", "split": "train"},
        {"text": "c" * 700, "split": "train"},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert read_texts(tmp_path / "rows.jsonl") == ["a", "c" * 600]
    (tmp_path / "lines.txt").write_text("one\n\ntwo\n")
    assert read_texts(tmp_path / "lines.txt") == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "says"), [("a.md", "unknown extension '.md'"), ("a.jsonl", "no column text or prompt")]
)
def test_files_without_texts_are_refused(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / name).write_text('{"question": "?"}')
    with pytest.raises(DatasetError, match=says):
        read_texts(tmp_path / name)


def test_wordnet_gives_its_example_sentences(tmp_path: Path) -> None:
    (tmp_path / "data.verb").write_text(
        '  1 This software "is provided to you here"\n'
        '0001 29 v 01 breathe 0 001 @ 0002 v 0000 | draw air; "I can breathe better now"; "breathe!"\n'
    )
    assert wordnet_examples(tmp_path, 5, Random(0)) == ["I can breathe better now"]


def test_python_modules_give_docstrings_and_code(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def (")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "module.py").write_text('"""Not looked at since it is a test."""')
    (tmp_path / "module.py").write_text(
        '"""Reads what was written\nbefore, line by line.\n\nMore."""\n' + "def f(): ...\n" * 80
    )
    drawn = python_documentation(tmp_path, 20, Random(1))
    assert sorted(drawn) == ["Reads what was written before, line by line.", "def f():\n    ..."]
    assert len(python_documentation(tmp_path, 1, Random(1))) == 1
