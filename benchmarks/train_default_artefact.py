"""Train the artefact that ships with Frontdesk.

Usage: python benchmarks/train_default_artefact.py DATA_DIR [OUT_DIR]

Qualities: nine_models (MIT), the train splits of the RouteLLM MMLU pair and of MMLU-Pro (Apache-2.0). Task and
difficulty: the generated prompts of task_texts.py; the prompts of those sets, GSM8K train (MIT) and clinc150 train
(CC-BY-3.0, Larson et al. 2019) by the task their origin implies; difficulty where able models' outcomes say it.
"""

import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "server"))

from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.artefacts.quality import default_artefact_path
from frontdesk_server.learning.data.dataset import Dataset, concatenate, read_dataset
from frontdesk_server.learning.training.heads import LabelledTexts
from frontdesk_server.learning.training.settings import TrainingSettings
from frontdesk_server.learning.training.train import train
from task_texts import task_texts

PER_TEMPLATE = 14
PER_ORIGIN = 350
"""At most this many prompts of one public set, so that none drowns the others."""
GENERATED_WEIGHT, MEASURED_WEIGHT = 1.0, 0.5
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
    labelled = _labelled([*_generated(), *_measured(nine), *_measured(pro), *_intents(data)])
    settings = TrainingSettings(features=("words", "embedding"), lexical_bits=15, max_factors=6)
    artefact = train(concatenate(nine, pro, mmlu), load_default(), settings, labelled=labelled)
    artefact.save(out)
    size = sum(file.stat().st_size for file in out.iterdir())
    heads = {key: artefact.metrics[key] for key in ("task_accuracy", "difficulty_correlation", "labelled_texts", "ece")}
    print(f"{len(artefact.models)} models, {size / 1e6:.2f} MB in {out}: {heads}")


Label = tuple[str, str | None, float | None, str, float]
"""Text, task, difficulty, group, weight."""


def _generated() -> Iterator[Label]:
    for item in task_texts(PER_TEMPLATE, seed=0):
        yield item.text, item.task, item.difficulty, item.template, GENERATED_WEIGHT


def _measured(dataset: Dataset) -> Iterator[Label]:
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
            yield dataset.prompts[row], TASK_OF_ORIGIN.get(domain), hardness, dataset.prompts[row], MEASURED_WEIGHT


def _intents(data: Path) -> Iterator[Label]:
    table = pq.read_table(data / "intent" / "clinc150.parquet").to_pylist()
    texts_of = defaultdict(list)
    for row in table:
        origin = f"clinc-{row['domain']}"
        if row["split"] == "train" and origin in TASK_OF_ORIGIN and row["intent"] not in INTENTS_OF_OTHER_TASKS:
            texts_of[origin].append(row["text"])
    for origin, texts in sorted(texts_of.items()):
        for text in _sample(texts, PER_ORIGIN):
            yield text, TASK_OF_ORIGIN[origin], CLINC_DIFFICULTY, text, MEASURED_WEIGHT


def _sample(items: list, most: int) -> list:
    return random.Random(0).sample(items, min(most, len(items)))  # noqa: S311  (reproducible variety, not secrets)


def _labelled(items: list[Label]) -> LabelledTexts:
    kept = [item for item in items if item[1] is not None or item[2] is not None]
    texts, tasks, difficulty, groups, weights = zip(*kept, strict=True)
    return LabelledTexts(texts, tasks, difficulty, groups, weights)


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
