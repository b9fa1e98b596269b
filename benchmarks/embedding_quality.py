"""Intent routing from few examples: accuracy, out-of-scope AUROC, time. DATA_DIR [--encoder FOLDER] [--json].

Protocol: clinc150 and banking77, official splits; 10 training examples an intent, drawn anew for each seed; read on the
whole test split. The out-of-scope score is the best label's probability or similarity, on clinc150's in-scope test
queries against its out-of-scope ones. Time is the median of whole decisions, text to label, one at a time on one
thread. semantic-router takes part where it is installed, with the same embedder and the same references.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
from frontdesk_server.artefacts.embedders import Embedder, Matrix, OnnxEmbedder, load_default
from frontdesk_server.learning.embedding.thresholds import fit_thresholds
from frontdesk_server.routing.references import Reference, ReferenceIndex, Scoring
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sparse_features import HashedTfidf

SETS = ("clinc150", "banking77")
EXAMPLES = 10
TIMED_QUERIES = 200
Labels = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Task:
    """Examples, test queries and, where the set has them, out-of-scope queries."""

    name: str
    examples: list[str]
    example_labels: Labels
    queries: list[str]
    labels: Labels
    out_of_scope: list[str]

    @property
    def asked(self) -> list[str]:
        """All queries, those out of scope last."""
        return self.queries + self.out_of_scope


@dataclass(frozen=True, slots=True)
class Result:
    """One method on one set, means over the seeds; AUROC is None for a set without out-of-scope queries."""

    set: str
    method: str
    accuracy: float
    auroc: float | None
    microseconds: float


@dataclass(frozen=True, slots=True)
class Answers:
    """What a method said of `Task.asked`: label and score of each, and the median time of a decision."""

    labels: Labels
    scores: NDArray[np.float64]
    microseconds: float


Method = Callable[[Task], Answers]


def draw(data_dir: Path, name: str, seed: int) -> Task:
    """Draw a task's examples."""
    table = parquet.read_table(data_dir / "intent" / f"{name}.parquet").to_pydict()
    split, texts, labels = (np.array(table[column], np.object_) for column in ("split", "text", "intent"))
    random = np.random.default_rng(seed)
    train = split == "train"
    chosen = np.concatenate(
        [
            random.choice(np.flatnonzero(train & (labels == label)), EXAMPLES, replace=False)
            for label in np.unique(labels[train])
        ]
    )
    test = split == "test"
    return Task(
        name, list(texts[chosen]), labels[chosen], list(texts[test]), labels[test], list(texts[split == "oos_test"])
    )


def regression(embedder: Embedder | None, tfidf: HashedTfidf | None) -> Method:
    """Logistic regression (C = 30) on the embedding, the sparse features, or both side by side."""

    def features(texts: Sequence[str]) -> Any:
        parts = []
        if embedder is not None:
            parts.append(sparse.csr_array(embed(embedder, texts)))
        if tfidf is not None:
            rows = tfidf.rows(texts)
            parts.append(sparse.csr_array((rows.values, rows.indices, rows.starts), shape=rows.shape))
        return sparse.hstack(parts).tocsr()

    def answer(task: Task) -> Answers:
        examples = features(task.examples)
        # A linear model of few examples lies in their span: fitted there it is the same, and small.
        values, axes = np.linalg.eigh((examples @ examples.T).toarray().astype(np.float64))
        span = (axes / np.sqrt(np.maximum(values, 1e-9)))[:, values > 1e-6]
        model = LogisticRegression(C=30.0, max_iter=300).fit(examples @ (examples.T @ span), task.example_labels)
        weights = (examples.T @ (span @ model.coef_.T)).astype(np.float32)
        dimension = 0 if embedder is None else embedder.dimension
        dense_weights, sparse_weights = np.ascontiguousarray(weights[:dimension].T), weights[dimension:]
        logits = features(task.asked) @ weights + model.intercept_
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = odds / odds.sum(axis=1, keepdims=True)

        def decide(text: str) -> None:
            scores = model.intercept_
            if embedder is not None:
                scores = scores + dense_weights @ embedder.embed(text)
            if tfidf is not None:
                found = tfidf.features(text)
                scores = scores + found.values @ sparse_weights.take(found.indices, axis=0)
            scores.argmax()

        best = probabilities.argmax(axis=1)
        return Answers(model.classes_[best], probabilities[np.arange(len(best)), best], time(decide, task))

    return answer


def references(embedder: Embedder, scoring: Scoring) -> Method:
    """The embedding strategy's index of references."""

    def answer(task: Task) -> Answers:
        given = [Reference(label, text) for label, text in zip(task.example_labels, task.examples, strict=True)]
        index = ReferenceIndex(tuple(given), embed(embedder, task.examples), scoring=scoring)
        matches = [index.match(vector) for vector in embed(embedder, task.asked)]
        return Answers(
            np.array([match.closest for match in matches], np.object_),
            np.array([match.score for match in matches]),
            time(lambda text: index.match(embedder.embed(text)), task),
        )

    return answer


def semantic_router(embedder: Embedder, aggregation: str) -> Method:
    """semantic-router's router over its index in memory, called as a server would, on the running loop."""
    from semantic_router import Route  # type: ignore[import-not-found]
    from semantic_router.encoders import DenseEncoder  # type: ignore[import-not-found]
    from semantic_router.routers import IndexedRouter  # type: ignore[import-not-found]

    class Encoder(DenseEncoder):  # type: ignore[misc]
        def __call__(self, docs: list[str]) -> list[list[float]]:
            return [embedder.embed(text).tolist() for text in docs]

        async def acall(self, docs: list[str]) -> list[list[float]]:
            return self(docs)

    async def ask(task: Task) -> Answers:
        labels = np.unique(task.example_labels)
        texts = np.array(task.examples, np.object_)
        routes = [Route(name=label, utterances=list(texts[task.example_labels == label])) for label in labels]
        router = IndexedRouter(encoder=Encoder(name="same"), routes=routes, aggregation=aggregation)
        choices = [await router.acall(text) for text in task.asked]
        return Answers(
            np.array([choice.name for choice in choices], np.object_),
            np.array([choice.confidence for choice in choices]),
            await time_awaited(router.acall, task),
        )

    return lambda task: asyncio.run(ask(task))


_embedded: dict[tuple[str, str], NDArray[np.float32]] = {}


def embed(embedder: Embedder, texts: Sequence[str]) -> Matrix:
    """Embed texts, each once in the whole run."""
    for text in texts:
        if (embedder.id, text) not in _embedded:
            _embedded[embedder.id, text] = embedder.embed(text)
    return np.stack([_embedded[embedder.id, text] for text in texts])


def time(decide: Callable[[str], object], task: Task) -> float:
    """Median microseconds of a decision, after a round that warms every memo."""
    took = []
    for text in task.queries[:TIMED_QUERIES] * 2:
        start = perf_counter_ns()
        decide(text)
        took.append(perf_counter_ns() - start)
    return median(took[TIMED_QUERIES:]) / 1e3


async def time_awaited(decide: Callable[[str], Awaitable[object]], task: Task) -> float:
    """Median microseconds of an awaited decision."""
    took = []
    for text in task.queries[:TIMED_QUERIES] * 2:
        start = perf_counter_ns()
        await decide(text)
        took.append(perf_counter_ns() - start)
    return median(took[TIMED_QUERIES:]) / 1e3


def methods(encoder: Path | None) -> Iterator[tuple[str, Method]]:
    """All methods that can run here."""
    static, tfidf = load_default(), HashedTfidf()
    yield "hashed TF-IDF, regression", regression(None, tfidf)
    yield "static, regression", regression(static, None)
    yield "static + hashed TF-IDF, regression", regression(static, tfidf)
    scorings: tuple[Scoring, ...] = ("nearest", "top_k_mean", "centroid")
    for scoring in scorings:
        yield f"static, references, {scoring}", references(static, scoring)
    try:
        for aggregation in ("mean", "sum", "max"):
            default = " (its default)" if aggregation == "mean" else ""
            yield f"static, semantic-router, {aggregation}{default}", semantic_router(static, aggregation)
    except ImportError:
        print("semantic-router is not installed: left out", file=sys.stderr)
    if encoder is None:
        print("no --encoder given: sentence encoder left out", file=sys.stderr)
        return
    onnx = OnnxEmbedder(encoder)
    yield f"{encoder.name}, regression", regression(onnx, None)
    for scoring in scorings[1:]:
        yield f"{encoder.name}, references, {scoring}", references(onnx, scoring)


def measure(data_dir: Path, encoder: Path | None, seeds: int) -> Iterator[Result]:
    """Run every method on every set and seed."""
    chosen = list(methods(encoder))
    for name in SETS:
        tasks = [draw(data_dir, name, seed) for seed in range(seeds)]
        for method_name, method in chosen:
            rows = []
            for task in tasks:
                answers = method(task)
                known = len(task.queries)
                accuracy = float((answers.labels[:known] == task.labels).mean())
                in_scope = np.arange(len(task.asked)) < known
                auroc = float(roc_auc_score(in_scope, answers.scores)) if task.out_of_scope else float("nan")
                rows.append((accuracy, auroc, answers.microseconds))
            accuracy, auroc, microseconds = np.mean(rows, axis=0).tolist()
            yield Result(name, method_name, accuracy, None if np.isnan(auroc) else auroc, microseconds)


def out_of_scope(data_dir: Path) -> Iterator[tuple[str, float, float, float]]:
    """Share of clinc150's test queries routed right and of its out-of-scope ones turned away, with fitted thresholds.

    Thresholds are fitted on the validation split, its 100 out-of-scope queries weighing as much as all others, and one
    threshold for all labels is shown beside them.
    """
    static, task = load_default(), draw(data_dir, "clinc150", 0)
    table = parquet.read_table(data_dir / "intent" / "clinc150.parquet").to_pydict()
    rows = list(zip(table["split"], table["text"], table["intent"], strict=True))
    texts = [text for split, text, _ in rows if split in ("val", "oos_val")]
    labels = [None if split == "oos_val" else label for split, _, label in rows if split in ("val", "oos_val")]
    given = tuple(Reference(label, text) for label, text in zip(task.example_labels, task.examples, strict=True))
    scorings: tuple[Scoring, ...] = ("nearest", "top_k_mean", "centroid")
    for scoring in scorings:
        index = ReferenceIndex(given, embed(static, task.examples), scoring=scoring)
        weight = (len(labels) - labels.count(None)) / labels.count(None)
        fit = fit_thresholds(index, embed(static, texts), labels, out_of_scope_weight=weight)
        for kind, thresholds in (("one threshold", {}), ("one a label", fit.thresholds)):
            fitted = replace(index, thresholds=thresholds, default_threshold=fit.default_threshold)
            found = np.array([fitted.match(vector).label for vector in embed(static, task.asked)], np.object_)
            known = len(task.queries)
            right = float((found[:known] == task.labels).mean())
            turned_away = float(np.mean([label is None for label in found[known:]]))
            yield f"{scoring}, {kind}", right, turned_away, fit.default_threshold


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--encoder", type=Path, help="folder of an ONNX sentence encoder")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of tables")
    arguments = parser.parse_args()
    if arguments.json:
        for result in measure(arguments.data_dir, arguments.encoder, arguments.seeds):
            print(json.dumps(asdict(result)), flush=True)
        return
    print(f"{EXAMPLES} examples an intent, mean of {arguments.seeds} draws; embedder {load_default().id}\n")
    print(f"{'set':10} {'method':44} accuracy  AUROC   µs")
    for result in measure(arguments.data_dir, arguments.encoder, arguments.seeds):
        auroc = "     -" if result.auroc is None else f"{result.auroc:6.3f}"
        print(
            f"{result.set:10} {result.method:44} {100 * result.accuracy:6.1f} % {auroc} {result.microseconds:6.0f}",
            flush=True,
        )
    print(f"\n{'clinc150, thresholds fitted on validation':44} in scope, right  out of scope, turned away")
    for name, right, turned_away, threshold in out_of_scope(arguments.data_dir):
        print(f"{name + f' ({threshold:.2f})':44} {100 * right:13.1f} % {100 * turned_away:20.1f} %")


if __name__ == "__main__":
    main()
