"""Recorded answers made up for tests: questions of known difficulty, three cheap models, one strong and dear."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from frontdesk_server.learning.data.dataset import Dataset, read_dataset

MODELS = {"small-a": (0.80, 20_000), "small-b": (0.75, 15_000), "mid": (0.88, 60_000), "strong": (0.95, 1_000_000)}
POOL = ("small-a", "small-b", "mid")


def write_answers(path: Path, n: int = 240, seed: int = 0) -> Path:
    """Write JSON Lines; a wrong answer is a number as long as the right one that hardly ever repeats.

    Hard questions say so in a word.
    """
    rng = np.random.default_rng(seed)
    with path.open("w") as file:
        for i in range(n):
            hard = rng.random() < 0.3
            number = 20_000 + i
            what = "the awkward residue" if hard else "the sum"
            prompt = f"Question {i}: how much is {what} of {number} and {number + 1}?"
            for model, (skill, cost) in MODELS.items():
                right = rng.random() < (skill - 0.45 if hard and model != "strong" else skill)
                answer = str(2 * number + 1) if right else str(int(rng.integers(10_000, 99_999)))
                price = int(cost * rng.lognormal(0.3 * hard, 0.2))
                row = {"query_id": f"q{i}", "prompt": prompt, "model": model, "quality": float(right)}
                file.write(json.dumps(row | {"cost_nano_usd": price, "answer": answer}) + "\n")
    return path


def recorded_dataset(tmp_path: Path, n: int = 240, seed: int = 0) -> Dataset:
    """The same as a data set."""
    return read_dataset(write_answers(tmp_path / f"answers-{n}-{seed}.jsonl", n, seed))
