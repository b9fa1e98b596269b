"""Measures fitted cascades and calibration on public outcomes: cascade_quality.py DATA_DIR.

DATA_DIR holds zeroeval_{gsm,crux,math-l5}/dev.parquet and routellm_mmlu/dev.parquet. A cascade is
fitted on four fifths of the questions, members, order, thresholds and operating point included, and replayed on the
fifth it has not seen; the five fifths together give one figure. Baselines choose in hindsight, which favours them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from frontdesk_server.learning.calibrate import Policies, calibrate
from frontdesk_server.learning.calibration_policies import pair_policies
from frontdesk_server.learning.cascade import CascadeFitOptions, fit_cascade
from frontdesk_server.learning.cascade_evaluation import evaluate_cascade, replay_fitted
from frontdesk_server.learning.dataset import read_dataset
from frontdesk_server.learning.recorded import record_answers
from rich.console import Console
from rich.table import Table

STRONGEST = "claude-3-5-sonnet-20241022"
_SMALL = ("gemini-1.5-flash", "claude-3-haiku-20240307", "Meta-Llama-3.1-8B-Instruct")
_SEED, _FOLDS, _SPLITS, _RESAMPLES = 0, 5, 200, 1000


@dataclass(frozen=True, slots=True)
class CascadeSet:
    """A set of questions, the models allowed, the loss allowed and the saving to reach."""

    name: str
    folder: str
    pool: tuple[str, ...]
    max_loss: float
    bar: float


SETS = (
    CascadeSet("ZeroEval GSM8K", "zeroeval_gsm", ("gpt-4o-mini-2024-07-18", "deepseek-chat", *_SMALL), 0.005, 0.85),
    CascadeSet(
        "ZeroEval CRUX", "zeroeval_crux", ("gpt-4o-mini-2024-07-18", "Qwen2.5-7B-Instruct", *_SMALL), 0.01, 0.38
    ),
    CascadeSet(
        "ZeroEval MATH-L5", "zeroeval_math-l5", ("gpt-4o-mini-2024-07-18", "Qwen2.5-7B-Instruct", *_SMALL), 0.01, 0.35
    ),
)


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One line of the table."""

    set: str
    figure: str
    value: float
    ci95: tuple[float, float] | None
    bar: str
    reached: bool
    beside: dict[str, float]
    protocol: str


def rows(data_dir: Path) -> list[QualityRow]:
    """Measure everything; takes about five minutes on one core."""
    return [row for which in SETS for row in _cascade_rows(data_dir, which)] + _calibration_rows(data_dir)


def _cascade_rows(data_dir: Path, which: CascadeSet) -> list[QualityRow]:
    dataset = read_dataset(data_dir / which.folder / "dev.parquet")
    parts = np.array_split(np.random.default_rng(_SEED).permutation(len(dataset)), _FOLDS)
    loss, cost, strong_cost = [], [], []
    for part in parts:
        rest = np.setdiff1d(np.arange(len(dataset)), part)
        options = CascadeFitOptions(max_loss=which.max_loss, repeats=2, seed=_SEED)
        fitted = fit_cascade(dataset.take(rest), which.pool, STRONGEST, options)
        held_out = record_answers(dataset.take(part), which.pool, STRONGEST, at_least=1)
        (run,) = replay_fitted(held_out, fitted, [fitted.policy])
        loss.append(held_out.quality[:, -1] - run.quality)
        cost.append(run.cost_nano_usd)
        strong_cost.append(held_out.cost_nano_usd[:, -1])
    whole = evaluate_cascade(dataset, fitted, resamples=0).result["baselines"]
    beside = {name: figures["cost_saved_at_max_loss"]["value"] for name, figures in whole.items()}
    losses, costs, strong = (np.concatenate(values) for values in (loss, cost, strong_cost))
    draws = np.random.default_rng(_SEED).integers(0, len(losses), (_RESAMPLES, len(losses)))
    saved_ci = np.percentile([1.0 - costs[d].mean() / strong[d].mean() for d in draws], [2.5, 97.5])
    loss_ci = np.percentile([losses[d].mean() for d in draws], [2.5, 97.5])
    saved, lost = 1.0 - float(costs.mean() / strong.mean()), float(losses.mean())
    protocol = f"{_FOLDS}-fold, each fold fitted without it, seed {_SEED}, {len(losses)} questions"
    return [
        _row(which.name, "cost saved", saved, saved_ci, f">= {which.bar:.0%}", saved >= which.bar, beside, protocol),
        _row(
            which.name, "quality lost", lost, loss_ci, f"<= {which.max_loss:.1%}", lost <= which.max_loss, {}, protocol
        ),
    ]


def _calibration_rows(data_dir: Path) -> list[QualityRow]:
    """Certify a threshold on one half, prompt length being the score; the loss in truth is that over all questions."""
    max_loss, confidence = 0.02, 0.95
    dataset = read_dataset(data_dir / "routellm_mmlu" / "dev.parquet")
    strong = next(model for model in dataset.models if model.startswith("gpt-4"))
    weak = next(model for model in dataset.models if model != strong)
    dataset = dataset.select_models([weak, strong]).complete()
    length = np.array([float(len(prompt)) for prompt in dataset.prompts])
    policies = pair_policies(length, dataset.quality, np.tile([0.24, 24.7], (len(dataset), 1)))
    true_loss, true_cost = policies.loss.mean(axis=0), policies.cost.mean(axis=0)
    oracle = float(true_cost[true_loss <= max_loss].min())
    violated, violated_held_out, costs = [], [], []
    for seed in range(_SPLITS):
        first, second = np.array_split(np.random.default_rng(seed).permutation(len(dataset)), 2)
        half = Policies(policies.thresholds, policies.loss[first], policies.cost[first])
        index = calibrate(half, max_loss=max_loss, confidence=confidence, seed=seed).index
        violated.append(true_loss[index] > max_loss)
        violated_held_out.append(policies.loss[second, index].mean() > max_loss)
        costs.append(true_cost[index])
    protocol = f"{_SPLITS} random halves of {len(dataset)} MMLU questions, loss <= {max_loss}, confidence {confidence}"
    share, ratio = float(np.mean(violated)), float(np.mean(costs)) / oracle
    beside = {"violations, loss of the other half": float(np.mean(violated_held_out))}
    delta = 1.0 - confidence
    return [
        _row("calibration", "violations", share, None, f"<= {delta:.0%}", share <= delta, beside, protocol),
        _row("calibration", "cost beside the oracle threshold's", ratio, None, "<= 1.10", ratio <= 1.1, {}, protocol),
    ]


def _row(
    name: str,
    figure: str,
    value: float,
    interval: Sequence[float] | None,
    bar: str,
    reached: bool,
    beside: dict[str, float],
    protocol: str,
) -> QualityRow:
    ci95 = None if interval is None else (float(interval[0]), float(interval[1]))
    return QualityRow(name, figure, value, ci95, bar, reached, beside, protocol)


def main(data_dir: Path) -> None:
    """Print the table, or JSON with `--json`."""
    measured = rows(data_dir)
    if "--json" in sys.argv:
        print(json.dumps([asdict(row) for row in measured], indent=2))
        return
    table = Table("set", "figure", "value", "95 % interval", "bar", "", "beside", box=None, header_style="bold")
    for row in measured:
        interval = "" if row.ci95 is None else f"{row.ci95[0]:.3f} to {row.ci95[1]:.3f}"
        beside = ", ".join(f"{name} {value:.3f}" for name, value in row.beside.items())
        reached = "reached" if row.reached else "missed"
        table.add_row(row.set, row.figure, f"{row.value:.3f}", interval, row.bar, reached, beside)
    Console(width=160).print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
