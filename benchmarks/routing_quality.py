"""Print the table of routing quality and draw its curves.

Usage: python benchmarks/routing_quality.py DATA_DIR [--out DIR] [--only NAME,...]

Every row trains through the project's own `train` on `train` splits and is read on `dev`. Rows come from the functions
in ROWS; other benchmarks append theirs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "server"))

from cascade_quality import rows as cascade_rows
from decision_time import texts
from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.artefacts.quality import Artefact, Predictor, default_artefact_path
from frontdesk_server.domain.query import text_query
from frontdesk_server.learning.data.dataset import Dataset, read_dataset
from frontdesk_server.learning.data.folds import folds_by_group, numbered
from frontdesk_server.learning.evaluation.added import verdicts
from frontdesk_server.learning.evaluation.estimates import Evaluation
from frontdesk_server.learning.evaluation.evaluate import evaluate_pair, evaluate_pool
from frontdesk_server.learning.evaluation.neighbours import Neighbours, Remembered, ask_neighbours, neighbours_of
from frontdesk_server.learning.evaluation.plots import draw_curves
from frontdesk_server.learning.training.settings import TrainingSettings
from frontdesk_server.learning.training.train import train
from frontdesk_server.routing.signals import compute_signals
from quality_table import Row

STRONG, WEAK = "gpt-4-1106-preview", "mixtral-8x7b-instruct-v0.1"
POOL = (
    "gemini-1.5-pro-002", "DeepSeek-Coder-V2", "gemini-1.5-flash-002", "Meta-Llama-3_1-70B-Instruct", "mathstral-7B",
    "jamba-1.5-large", "Meta-Llama-3_1-8B-Instruct", "Phi-3-mini-4k-instruct",
)  # fmt: skip
PAIRS = Path(__file__).resolve().parent.parent / "tests" / "data" / "short_hard_long_easy.json"
SEED = 0


def mmlu_pair(data: Path) -> Iterable[Row]:
    """RouteLLM's MMLU pair, trained on the train questions."""
    learning = read_dataset(data / "routellm_mmlu" / "train.parquet")
    dev = read_dataset(data / "routellm_mmlu" / "dev.parquet").select_models(learning.models)
    artefact = train(learning, load_default(), TrainingSettings(seed=SEED))
    nearby = neighbours_of(dev, load_default(), learning, SEED)
    found = evaluate_pair(dev, STRONG, WEAK, _gap(artefact, dev), neighbours=nearby, seed=SEED)
    yield Row("mmlu pair", "APGR >= .65, CPT50 <= 30", _pair(found), _pair_beside(found, ".603, 35.4"), found)


def mmlu_unseen_domains(data: Path) -> Iterable[Row]:
    """The same, each dev question scored by a predictor that saw no question of its domain."""
    learning = read_dataset(data / "routellm_mmlu" / "train.parquet")
    dev = read_dataset(data / "routellm_mmlu" / "dev.parquet").select_models(learning.models)
    names = sorted(set(dev.domains) | set(learning.domains))
    fold_of = dict(zip(names, folds_by_group(names, 5, SEED), strict=True))
    score, by_neighbours = np.zeros(len(dev)), np.zeros(dev.quality.shape)
    for fold in range(5):
        seen = learning.take([i for i, domain in enumerate(learning.domains) if fold_of[domain] != fold])
        rows = np.array([i for i, domain in enumerate(dev.domains) if fold_of[domain] == fold])
        artefact = train(seen, load_default(), TrainingSettings(unseen_domains=True, seed=SEED))
        score[rows] = _gap(artefact, dev.take(rows))
        asked = Remembered(seen.models, seen.quality, _vectors(seen), numbered(seen.domains))
        near = ask_neighbours(asked, _vectors(dev.take(rows)), "questions of the other folds' domains", SEED)
        by_neighbours[rows] = near.expected
    nearby = Neighbours(dev.models, by_neighbours, near.number, near.among, np.zeros(len(dev), dtype=np.int64))
    found = evaluate_pair(dev, STRONG, WEAK, score, neighbours=nearby, seed=SEED)
    yield Row("mmlu pair, unseen domains (5 folds)", "APGR >= .60", _pair(found), _pair_beside(found, "none"), found)


def gsm8k_pair(data: Path) -> Iterable[Row]:
    """RouteLLM's GSM8K pair by the script that reads no GSM8K outcome."""
    dev = read_dataset(data / "routellm_gsm8k" / "dev.parquet")
    with tempfile.TemporaryDirectory() as out:
        script = Path(__file__).resolve().parent / "train-gsm8k-disjoint"
        subprocess.run([sys.executable, str(script), str(data), out], check=True, stdout=sys.stderr)
        artefact = Artefact.load(Path(out))
    nearby = neighbours_of(dev, load_default(), None, SEED)  # they see outcomes, which the artefact did not
    found = evaluate_pair(dev, STRONG, WEAK, _gap(artefact, dev), neighbours=nearby, seed=SEED)
    yield Row("gsm8k pair, no outcome seen", "APGR >= .60", _pair(found), _pair_beside(found, ".622, 33.6"), found)


def mmlupro_pool(data: Path) -> Iterable[Row]:
    """Eight models of MMLU-Pro; with all domains and without the two in which one model's rows look odd."""
    learning = read_dataset(data / "mmlupro" / "train.parquet").select_models(POOL)
    dev = read_dataset(data / "mmlupro" / "dev.parquet").select_models(POOL)
    artefact = train(learning, load_default(), TrainingSettings(seed=SEED))
    predicted = _predict(artefact, dev)[:, [artefact.models.index(model) for model in POOL]]
    nearby = neighbours_of(dev, load_default(), learning, SEED)
    plain = np.flatnonzero(~np.isin(dev.domains, ["math", "chemistry"]))
    for name, rows in (("mmlupro pool of 8", np.arange(len(dev))), ("the same without math, chemistry", plain)):
        near = nearby.of(rows, POOL) if nearby else None
        found = evaluate_pool(dev.take(rows), POOL, predicted[rows], neighbours=near, seed=SEED)
        yield Row(name, ">= 30 % saved or better", _pool(found), _pool_beside(found), found)


def short_hard_long_easy(_: Path) -> Iterable[Row]:
    """Difficulty on pairs of a short hard and a long easy query."""
    pairs = json.loads(PAIRS.read_text(encoding="utf-8"))
    difficulty = [[compute_signals(text_query(text)).difficulty for text in pair] for pair in pairs]
    hard, easy = np.array(difficulty).T
    by_length = np.mean([len(short) > len(long) for short, long in pairs])
    yield Row(
        "short-hard above long-easy", "never on length", f"{(hard > easy).mean():.0%} of {len(pairs)} pairs in order",
        f"length alone {by_length:.0%}",
    )  # fmt: skip


def throughput(data: Path) -> Iterable[Row]:
    """Predictions a second on one core, beside what RouteLLM published for its matrix factorisation router."""
    predictor = Predictor(Artefact.load(default_artefact_path()), load_default())
    questions = read_dataset(data / "routellm_mmlu" / "dev.parquet").prompts[:1000]
    measured = []
    for name, prompts in (("15 words", texts(15, len(questions), SEED)), ("an MMLU question", questions)):
        single = _best_seconds(lambda prompts=prompts: [predictor.predict(prompt) for prompt in prompts])
        batch = _best_seconds(lambda prompts=prompts: predictor.predict_many(prompts))
        measured.append(f"{name}: {len(prompts) / single:,.0f}/s single, {len(prompts) / batch:,.0f}/s in a batch")
    yield Row("throughput, default artefact", "155 requests/s (RouteLLM)", "; ".join(measured), "")


def _best_seconds(work: Callable[[], object], rounds: int = 5) -> float:
    def seconds() -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    return min(seconds() for _ in range(rounds))


ROWS: list[tuple[str, Callable[[Path], Iterable[Row]]]] = [
    ("mmlu", mmlu_pair),
    ("mmlu-unseen", mmlu_unseen_domains),
    ("gsm8k", gsm8k_pair),
    ("mmlupro", mmlupro_pool),
    ("pairs", short_hard_long_easy),
    ("throughput", throughput),
    ("cascades", cascade_rows),
]
"""Names for --only, and what makes the rows."""


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, help="directory for the curves")
    parser.add_argument("--only", default="", help="names of rows, separated by commas")
    arguments = parser.parse_args()
    wanted = set(filter(None, arguments.only.split(",")))
    print("| row | bar | measured [95 % interval] | beside |\n|---|---|---|---|")
    for name, measure in ROWS:
        if not wanted or name in wanted:
            for row in measure(arguments.data):
                print(f"| {row.name} | {row.bar} | {row.measured} | {row.beside} |", flush=True)
                if arguments.out and row.evaluation:
                    draw_curves(row.evaluation, arguments.out, row.name.replace(" ", "-").replace(",", ""), row.name)


def _vectors(dataset: Dataset) -> np.ndarray:
    return np.asarray(load_default().embed_many(dataset.prompts), dtype=float)


def _predict(artefact: Artefact, dataset: Dataset) -> np.ndarray:
    return np.asarray(Predictor(artefact, load_default()).predict_many(dataset.prompts).quality, dtype=float)


def _gap(artefact: Artefact, dataset: Dataset) -> np.ndarray:
    predicted = _predict(artefact, dataset)
    return predicted[:, artefact.models.index(STRONG)] - predicted[:, artefact.models.index(WEAK)]


def _with_interval(figure: dict, digits: int = 3) -> str:
    low, high = figure["ci95"]
    return f"{figure['value']:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _pair(found: Evaluation) -> str:
    result = found.result
    return f"APGR {_with_interval(result['apgr'])}, CPT20/50/80 " + " / ".join(
        f"{result[key]['value']:.1f}" for key in ("cpt20", "cpt50", "cpt80")
    )


def _pair_beside(found: Evaluation, published: str) -> str:
    baselines = found.result["baselines"]
    length, chance = baselines["prompt_length"], baselines["random"]
    neighbours = baselines["neighbours"]
    return (
        f"neighbours {neighbours['apgr']['value']:.3f}, {neighbours['cpt50']['value']:.1f}; "
        f"length {length['apgr']['value']:.3f}, {length['cpt50']['value']:.1f}; "
        f"random {_with_interval(chance['apgr'])}; published {published}. {' '.join(verdicts(found.result))}"
    )


def _pool(found: Evaluation) -> str:
    result = found.result
    best = result["models"][result["best_single"]]["quality"]
    return (
        f"saved {_with_interval(result['cost_saved_at_equal_quality'], 2)} at {best:.3f}; "
        f"at its price {_with_interval(result['quality_at_equal_cost'])}"
    )


def _pool_beside(found: Evaluation) -> str:
    baselines = found.result["baselines"]
    told = "; ".join(
        f"{name.replace('_', ' ')} {baselines[name]['cost_saved_at_equal_quality']['value']:.2f}, "
        f"{baselines[name]['quality_at_equal_cost']['value']:.3f}"
        for name in ("fixed", "shuffled", "neighbours", "prompt_length", "oracle")
    )
    return f"{told}. {' '.join(verdicts(found.result))}"


if __name__ == "__main__":
    main()
