"""Thresholds of cascade checks by calibration: a real small LLM answers, each check scores, losses are certified.

The LLM (tests/real_llm.py, installed from the registries at the first run) is asked sums with known results through a
cascade, so that the scores are those of the live check. Prints, per check, how well its score tells right from wrong
answers (AUROC), and the cheapest threshold whose quality loss is certified against a model that is always right.

Usage: python benchmarks/check_calibration.py [--questions 80] [--max-loss 0.2] [--confidence 0.9]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import uvloop
from frontdesk import text_of
from frontdesk_server.domain.answers import agree
from frontdesk_server.learning.calibrate import Policies, calibrate
from rich.progress import track

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.real_llm import MODEL, real_llm_server
from tests.service import service

CHECKS: dict[str, dict[str, Any]] = {
    "logprob": {"kind": "logprob", "threshold": 0.0},
    "self_rating": {"kind": "self_rating", "threshold": 0.0},
    "agreement": {"kind": "agreement", "samples": 2, "compare": "number", "threshold": 0.0},
}
SMALL_USD, STRONG_USD = 0.5, 15.0


def sums(count: int) -> list[tuple[str, str]]:
    """Questions and their results, from easy to hard for a small LLM."""
    random = Random(0)  # noqa: S311 - draws questions, not keys
    questions = []
    for index in range(count):
        most = (9, 30, 99)[index % 3]
        a, b = random.randint(1, most), random.randint(1, most)
        questions.append((f"What is {a} + {b}? Answer with the number only.", str(a + b)))
    return questions


async def scores(base_url: str, check: dict[str, Any], questions: list[tuple[str, str]]) -> np.ndarray[Any, Any]:
    """One row a question: the check's score, and 1.0 where the answer is right."""
    config = {
        "backends": {"llm": {"kind": "openai", "base_url": base_url}},
        "models": {
            "small": {
                "backend": "llm",
                "upstream_model": MODEL,
                "max_output_tokens": 12,
                "capabilities": ["logprobs", "seed"],
            }
        },
        "routers": {
            "default": {
                "default_model": "small",
                "strategy": {"kind": "cascade", "steps": [{"model": "small", "check": check}]},
            }
        },
        "ledger": {"url": ""},
        "telemetry": {"log_level": "error"},
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        async with service(config, Path(folder)) as (client, _):
            for question, result in track(questions, description=f"{check['kind']:<12}"):
                completion = await client.complete(question, timeout=120)
                right = agree(text_of(completion.message), result, compare="number")
                rows.append((completion.attempts[0].checks[-1].score, float(right >= 1)))
    return np.array(rows)


def auroc(rows: np.ndarray[Any, Any]) -> float:
    """Share of pairs of a right and a wrong answer in which the right one scores higher; ties count half."""
    right, wrong = rows[rows[:, 1] == 1, 0], rows[rows[:, 1] == 0, 0]
    if not len(right) or not len(wrong):
        return float("nan")
    return float(np.mean((right[:, None] > wrong) + 0.5 * (right[:, None] == wrong)))


def policies(rows: np.ndarray[Any, Any]) -> Policies:
    """Thresholds from "never accept" down to the least score; the strong model is always right."""
    thresholds = (np.inf, *sorted(set(rows[:, 0]), reverse=True))
    accepted = rows[:, :1] >= np.array(thresholds)
    return Policies(
        tuple(thresholds), accepted * (1 - rows[:, 1:]), np.where(accepted, SMALL_USD, SMALL_USD + STRONG_USD)
    )


def main() -> None:
    """Score, calibrate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=80)
    parser.add_argument("--max-loss", type=float, default=0.2)
    parser.add_argument("--confidence", type=float, default=0.9)
    options = parser.parse_args()
    questions = sums(options.questions)
    lines = []
    with real_llm_server() as base_url:
        for name, check in CHECKS.items():
            rows = uvloop.run(scores(base_url, check, questions))
            found = calibrate(policies(rows), max_loss=options.max_loss, confidence=options.confidence)
            certificate = found.certificate
            threshold = f"{certificate.threshold:.3f}" if found.index else "none"
            more = f"{found.more_labels_needed}" if found.more_labels_needed is not None else "-"
            lines.append(
                f"{name:<12}{rows[:, 1].mean():>8.0%}{auroc(rows):>8.2f}{threshold:>11}"
                f"{certificate.observed_loss:>10.3f}{certificate.cost_saved:>8.0%}{more:>13}"
            )
    print(f"\n{'check':<12}{'right':>8}{'AUROC':>8}{'threshold':>11}{'loss':>10}{'saved':>8}{'more labels':>13}")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
