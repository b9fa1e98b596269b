"""The benchmark's executable that trains without outcomes, on made-up questions in its data's format."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.artefacts.quality import Artefact, Predictor

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "train-gsm8k-disjoint"


def test_longer_worked_answers_teach_what_is_hard_for_the_weak_model(tmp_path: Path) -> None:
    rows = [
        {"prompt": f"Ann has {i} pears and eats one. How many are left?", "answer": f"{i} - 1 = {i - 1}"}
        if i % 2
        else {"prompt": f"A train of {i} waggons climbs twice a third of a slope. How far?", "answer": "a\nb\nc\nd\ne"}
        for i in range(60)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "gsm8k_train.parquet")
    subprocess.run([sys.executable, SCRIPT, tmp_path, tmp_path / "out"], check=True, timeout=120)
    artefact = Artefact.load(tmp_path / "out")
    easy, hard = (Predictor(artefact, load_default()).predict(rows[i]["prompt"]).quality for i in (1, 2))
    strong, weak = (artefact.models.index(name) for name in ("gpt-4-1106-preview", "mixtral-8x7b-instruct-v0.1"))
    assert hard[strong] - hard[weak] > easy[strong] - easy[weak] + 0.2
