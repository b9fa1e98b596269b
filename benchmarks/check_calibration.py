"""Thresholds of cascade checks by calibration: a real small LLM answers, each check scores, losses are certified.

The LLM (tests/real_llm.py, installed from the registries at the first run) is asked sums with known results through a
cascade, so that the scores are those of the live check; they are what `frontdesk calibrate --router` reads. Prints, per
check, how well its score tells right from wrong answers (AUROC), and the cheapest threshold whose quality loss is
certified against a model that is always right.

Usage: python benchmarks/check_calibration.py [--questions 80] [--max-loss 0.2] [--confidence 0.9]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import uvloop
from frontdesk import text_of
from frontdesk_server.config.loading import load_config
from frontdesk_server.judging.answers import agree
from frontdesk_server.learning.calibration.calibrate import calibrate
from frontdesk_server.learning.data.dataset import Dataset, build_dataset
from frontdesk_server.learning.recorded.certification import certify_router
from numpy.typing import NDArray
from rich.progress import track

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.real_llm import MODEL, real_llm_server
from tests.service import service

CHECKS: list[dict[str, Any]] = [
    {"kind": "logprob", "threshold": 0.0},
    {"kind": "self_rating", "threshold": 0.0},
    {"kind": "agreement", "samples": 2, "compare": "number", "threshold": 0.0},
]
Vector = NDArray[np.float64]
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


def configuration(base_url: str, check: dict[str, Any]) -> dict[str, Any]:
    """The small LLM under this check, alone to collect answers, and before a strong model that is never called."""
    return {
        "backends": {"llm": {"kind": "openai", "base_url": base_url}, "none": {"kind": "simulated"}},
        "models": {
            "small": {
                "backend": "llm",
                "upstream_model": MODEL,
                "max_output_tokens": 12,
                "capabilities": ["logprobs", "seed"],
                "prices": {"input": SMALL_USD, "output": SMALL_USD},
            },
            "strong": {"backend": "none", "quality": 1.0, "prices": {"input": STRONG_USD, "output": STRONG_USD}},
        },
        "routers": {
            "default": {
                "default_model": "strong",
                "strategy": {"kind": "cascade", "steps": [{"model": "small", "check": check}, {"model": "strong"}]},
            },
            "small": {
                "default_model": "small",
                "strategy": {"kind": "cascade", "steps": [{"model": "small", "check": check}]},
            },
        },
        "ledger": {"url": ""},
        "telemetry": {"log_level": "error"},
    }


async def answers(config: dict[str, Any], folder: Path, questions: list[tuple[str, str]]) -> Dataset:
    """What the small LLM answered, scored live and judged by the results; the strong model is always right."""
    rows: list[dict[str, Any]] = []
    async with service(config, folder) as (client, _):
        for number, (question, result) in enumerate(questions):
            completion = await client.complete(question, router="small", timeout=120)
            attempt, query = completion.attempts[0], {"query_id": str(number), "prompt": question}
            right = agree(text_of(completion.message), result, compare="number") >= 1
            scored = {
                "check_kind": attempt.checks[-1].check,
                "check_score": attempt.checks[-1].score,
                "check_cost_nano_usd": completion.cost.checks_nano_usd,
            }
            rows += [
                query | scored | {"model": "small", "quality": right, "cost_nano_usd": attempt.cost_nano_usd},
                query | {"model": "strong", "quality": 1.0, "cost_nano_usd": completion.cost.strongest_nano_usd},
            ]
    return build_dataset(rows)


def auroc(scores: Vector, quality: Vector) -> float:
    """Share of pairs of a right and a wrong answer in which the right one scores higher; ties count half."""
    right, wrong = scores[quality == 1], scores[quality == 0]
    if not len(right) or not len(wrong):
        return float("nan")
    return float(np.mean((right[:, None] > wrong) + 0.5 * (right[:, None] == wrong)))


def main() -> None:
    """Score, calibrate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=80)
    parser.add_argument("--max-loss", type=float, default=0.2)
    parser.add_argument("--confidence", type=float, default=0.9)
    options = parser.parse_args()
    questions = sums(options.questions)
    lines = []
    certify = partial(calibrate, max_loss=options.max_loss, confidence=options.confidence)
    with real_llm_server() as base_url, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for check in track(CHECKS, description="checks"):
            data = uvloop.run(answers(configuration(base_url, check), folder, questions))
            found = certify_router(load_config(folder / "frontdesk.yaml", {}), data, "default", (), certify).result
            small = data.model_index("small")
            scores, quality = data.check_score[:, small], data.quality[:, small]
            certificate = found.certificate
            threshold = f"{certificate.threshold:.3f}" if found.index else "none"
            more = f"{found.more_labels_needed}" if found.more_labels_needed is not None else "-"
            lines.append(
                f"{check['kind']:<12}{quality.mean():>8.0%}{auroc(scores, quality):>8.2f}{threshold:>11}"
                f"{certificate.observed_loss:>10.3f}{certificate.cost_saved:>8.0%}{more:>13}"
            )
    print(f"\n{'check':<12}{'right':>8}{'AUROC':>8}{'threshold':>11}{'loss':>10}{'saved':>8}{'more labels':>13}")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
