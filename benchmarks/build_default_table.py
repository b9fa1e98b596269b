"""Make the static table that ships with Frontdesk: DATA_DIR WORDNET_DIR TEACHER_DIR OUT_DIR.

DATA_DIR holds the routing data, WORDNET_DIR WordNet 3.0's `data.*` files, TEACHER_DIR an ONNX sentence encoder
(bge-small-en-v1.5 for the table that ships). About ten minutes on one core. Only training rows are read, and no labels.
"""

from __future__ import annotations

import argparse
import json
import sysconfig
from pathlib import Path
from random import Random

from frontdesk_server.artefacts.embedders import EncoderSettings, OnnxEmbedder
from frontdesk_server.learning.embedding.corpus import python_documentation, read_texts, wordnet_examples
from frontdesk_server.learning.embedding.distill import distill
from rich.progress import Progress

FILES = {
    "intent/clinc150.parquet": None,
    "intent/banking77.parquet": None,
    "nine_models.parquet": None,
    "mmlupro/train.parquet": None,
    "routellm_mmlu/train.parquet": None,
    "gsm8k_train.parquet": 2_500,
}
"""Texts taken of each file of the routing data; None for all."""


def main() -> None:
    """Read the corpus, distil, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data_dir", "wordnet_dir", "teacher_dir", "out_dir"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    random = Random(0)  # noqa: S311 - draws texts, not keys
    corpus = [text for name, count in FILES.items() for text in read_texts(arguments.data_dir / name)[:count]]
    corpus += wordnet_examples(arguments.wordnet_dir, 20_000, random)
    corpus += python_documentation(Path(sysconfig.get_path("stdlib")), 3_000, random)
    settings = EncoderSettings.from_folder(arguments.teacher_dir, max_tokens=128)
    teacher = OnnxEmbedder(arguments.teacher_dir, settings, threads=2)
    specification = json.loads((arguments.teacher_dir / "tokenizer.json").read_text(encoding="utf-8"))
    with Progress() as bar:
        task = bar.add_task(f"{teacher.id} reads {len(corpus):,} texts")
        table = distill(
            teacher, specification, corpus, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    table.write(arguments.out_dir)


if __name__ == "__main__":
    main()
