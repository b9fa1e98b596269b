"""Train the artefact that ships with Frontdesk.

Usage: python benchmarks/train_default_artefact.py DATA_DIR [OUT_DIR]

Qualities: nine_models (MIT), the train splits of the RouteLLM MMLU pair and of MMLU-Pro (Apache-2.0), all in English;
of other languages there is no outcome: same_requests.py teaches what to expect of them. Task and difficulty: the
generated prompts of task_texts.py; our own sentences and frames of seven languages (benchmarks/wording), requests for
tools and about documents among them; the prompts of those sets and clinc150 train (CC-BY-3.0, Larson et al. 2019) by
the task their origin implies; difficulty where able models' outcomes say it.
"""

import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "server"))

from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.artefacts.quality import default_artefact_path
from frontdesk_server.learning.data.dataset import Dataset, concatenate, read_dataset
from frontdesk_server.learning.training.heads import LabelledTexts
from frontdesk_server.learning.training.settings import TrainingSettings
from frontdesk_server.learning.training.train import train
from task_texts import task_texts

from benchmarks.same_requests import same_requests, teach_same
from benchmarks.wording.parallel import framed_tasks
from benchmarks.wording.texts import written_sentences

PER_TEMPLATE, PER_FRAME = 14, 5
PER_ORIGIN = 350
"""At most this many prompts of one public set, so that none drowns the others."""
GENERATED_WEIGHT, RECORDED_WEIGHT, INTENT_WEIGHT, WRITTEN_WEIGHT = 1.0, 1.0, 0.5, 0.3
"""What a text of each source weighs for difficulty: the many written ones little, lest they drown the others."""
SAME_MODEL = {
    "Mixtral-8x7B-Instruct-v0.1": "mixtral-8x7b-instruct-v0.1",
    "Meta-Llama-3_1-8B-Instruct": "llama-3.1-8b-instruct",
}
"""Models that two sets name differently."""
TASK_OF_ORIGIN = {
    "gsm8k": "math", "math": "math", "agentverse-mgsm": "math", "mbpp": "code", "human_eval": "code",
    "commongen": "creative", "agentverse-logicgrid": "reasoning", "trivia_qa": "knowledge", "natural_qa": "knowledge",
    "arc_challenge": "knowledge", "openbook_qa": "knowledge", "mmlupro-math": "math", "mmlupro-physics": "math",
    "mmlupro-psychology": "knowledge", "mmlupro-biology": "knowledge", "mmlupro-economics": "knowledge",
    "clinc-small_talk": "chat", "clinc-home": "other", "clinc-work": "other", "clinc-utility": "other",
    "clinc-auto_and_commute": "other", "clinc-banking": "other", "clinc-travel": "other",
}  # fmt: skip
HARDNESS_OF_ORIGIN = {
    "arc_challenge", "openbook_qa", "commonsense_qa", "gsm8k", "math", "mbpp", "gpqa", "agentverse-logicgrid",
    "mmlupro-math", "mmlupro-physics", "mmlupro-engineering", "mmlupro-chemistry", "mmlupro-business",
    "mmlupro-economics", "mmlupro-biology", "mmlupro-psychology", "mmlupro-computer science",
}  # fmt: skip
"""Sets whose metric measures difficulty, and not the form of the answer."""
ABLE_MODELS = 4
"""Difficulty is one minus the mean quality of the best so many models of a set."""
CLINC_DIFFICULTY = 0.06
INTENTS_OF_OTHER_TASKS = {
    "translate",
    "calculator",
    "definition",
    "spelling",
    "tell_joke",
    "fun_fact",
    "measurement_conversion",
}
"""Intents of clinc150 whose task is not that of their domain."""


def main(data: Path, out: Path) -> None:
    """Train and write the artefact."""
    nine = _renamed(read_dataset(data / "nine_models.parquet"), "")
    pro = _renamed(read_dataset(data / "mmlupro" / "train.parquet"), "mmlupro-")
    mmlu = _renamed(read_dataset(data / "routellm_mmlu" / "train.parquet"), "mmlu-")
    items = [*_generated(), *_recorded(nine), *_recorded(pro), *_intents(data), *_written(), *_in_seven_languages()]
    settings = TrainingSettings(features=("words", "embedding"), lexical_bits=15, max_factors=6)
    recorded = concatenate(nine, pro, mmlu)
    artefact = train(recorded, load_default(), settings, labelled=_labelled(items))
    requests = list(same_requests(seed=0))
    english = {*recorded.prompts, *(item.text for item in _generated()), *(item.english for item in requests)}
    artefact = teach_same(artefact, load_default(), requests, sorted(english))
    artefact.save(out)
    size = sum(file.stat().st_size for file in out.iterdir())
    heads = {key: artefact.metrics[key] for key in ("task_accuracy", "difficulty_correlation", "labelled_texts", "ece")}
    print(f"{len(artefact.models)} models, {size / 1e6:.2f} MB in {out}: {heads}")


class Label(NamedTuple):
    """What is known of a text."""

    text: str
    task: str | None
    difficulty: float | None
    group: str
    weight: float
    other_than: str | None = None
    """The task that it does not ask for, where that is all that is known."""


def _generated() -> Iterator[Label]:
    for item in task_texts(PER_TEMPLATE, seed=0):
        yield Label(item.text, item.task, item.difficulty, item.template, GENERATED_WEIGHT)


def _recorded(dataset: Dataset) -> Iterator[Label]:
    rows_of = defaultdict(list)
    for row, domain in enumerate(dataset.domains):
        rows_of[domain].append(row)
    for domain, rows in sorted(rows_of.items()):
        chosen = _sample(rows, PER_ORIGIN)
        quality = dataset.quality[rows]
        able = np.argsort(-np.nan_to_num(np.nanmean(quality, axis=0)))[:ABLE_MODELS]
        for row in chosen:
            outcomes = dataset.quality[row, able]
            measured = domain in HARDNESS_OF_ORIGIN and not np.isnan(outcomes).all()
            hardness = 1.0 - float(np.nanmean(outcomes)) if measured else None
            prompt = dataset.prompts[row]
            yield Label(prompt, TASK_OF_ORIGIN.get(domain), hardness, prompt, RECORDED_WEIGHT)


def _intents(data: Path) -> Iterator[Label]:
    table = pq.read_table(data / "intent" / "clinc150.parquet").to_pylist()
    texts_of = defaultdict(list)
    for row in table:
        origin = f"clinc-{row['domain']}"
        if row["split"] == "train" and origin in TASK_OF_ORIGIN and row["intent"] not in INTENTS_OF_OTHER_TASKS:
            texts_of[origin].append(row["text"])
    for origin, texts in sorted(texts_of.items()):
        for text in _sample(texts, PER_ORIGIN):
            yield Label(text, TASK_OF_ORIGIN[origin], CLINC_DIFFICULTY, text, INTENT_WEIGHT)


def _written() -> Iterator[Label]:
    """Our own sentences of seven languages; what one hand wrote in one language stays together."""
    for hand, sentences in written_sentences():
        for item in sentences:
            task, other_than = ("code", None) if item.code else (None, "code")
            group = f"{hand} {item.language}"
            yield Label(item.text, task, item.difficulty, group, WRITTEN_WEIGHT, other_than)


def _in_seven_languages() -> Iterator[Label]:
    for item in framed_tasks(PER_FRAME, seed=0):
        for text in item.texts.values():
            yield Label(text, item.task, item.difficulty, item.origin, GENERATED_WEIGHT)


def _sample(items: list, most: int) -> list:
    return random.Random(0).sample(items, min(most, len(items)))  # noqa: S311  (reproducible variety, not secrets)


def _labelled(items: list[Label]) -> LabelledTexts:
    kept = [item for item in items if item.task is not None or item.difficulty is not None]
    return LabelledTexts(*zip(*kept, strict=True))


def _renamed(dataset: Dataset, prefix: str) -> Dataset:
    return replace(
        dataset,
        models=tuple(SAME_MODEL.get(model, model) for model in dataset.models),
        domains=tuple(prefix + domain for domain in dataset.domains),
    )


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else default_artefact_path())
