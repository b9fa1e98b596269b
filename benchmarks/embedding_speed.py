"""Microseconds of embedding and of scoring references, beside the bare numpy calls in them.

Best of five rounds of a twentieth of a second, one thread.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter_ns

import numpy as np
from frontdesk_server.artefacts.embedders import HashedTfidf, OnnxEmbedder, load_default
from frontdesk_server.routing.references import Reference, ReferenceIndex, Scoring
from numpy.typing import NDArray


def timings(encoder: Path | None) -> Iterator[tuple[str, float, float]]:
    """Microseconds for 15 and for 200 words: of embedding, of the bare numpy calls in it, of sparse features."""
    sentence = "how do i reset the password of my online banking account without calling the hotline"
    texts = [" ".join((sentence.split() * 14)[:words]) for words in (15, 200)]
    static, tfidf, random = load_default(), HashedTfidf(), np.random.default_rng(0)
    table = random.integers(-127, 127, (30_000, static.dimension), np.int8)
    weights = random.random(30_000, np.float32)
    token_ids = [random.integers(0, 30_000, len(static.token_ids(text))) for text in texts]
    calls: dict[str, list[Callable[[], object]]] = {
        "static embedder": [partial(static.embed, text) for text in texts],
        "bare numpy: take, weighted sum, normalise": [partial(_bare, table, weights, ids) for ids in token_ids],
        "hashed TF-IDF": [partial(tfidf.features, text) for text in texts],
    }
    if encoder is not None:
        onnx = OnnxEmbedder(encoder)
        calls[encoder.name] = [partial(onnx.embed, text) for text in texts]
    for name, (short, long) in calls.items():
        yield name, _best(short), _best(long)


def reference_timings() -> Iterator[tuple[str, float]]:
    """Microseconds of scoring 1,000 references of ten labels, by each scoring and as a bare product."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(1_000, 256)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    given = [Reference(str(row % 10), str(row)) for row in range(1_000)]
    yield "bare numpy: 1,000 x 256 product and argmax", _best(lambda: (vectors @ vectors[0]).argmax())
    scorings: tuple[Scoring, ...] = ("nearest", "top_k_mean", "centroid")
    for scoring in scorings:
        index = ReferenceIndex(tuple(given), vectors, scoring=scoring)
        yield f"1,000 references, {scoring}", _best(partial(index.match, vectors[0]))


def _bare(table: NDArray[np.int8], weights: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
    vector = weights.take(ids) @ table.take(ids, axis=0).astype(np.float32)
    return np.asarray(vector / np.sqrt(vector @ vector))


def _best(call: Callable[[], object]) -> float:
    rounds = []
    for _ in range(5):
        start, calls = perf_counter_ns(), 0
        while calls == 0 or perf_counter_ns() - start < 50_000_000:
            call()
            calls += 1
        rounds.append((perf_counter_ns() - start) / calls / 1e3)
    return min(rounds)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, help="folder of an ONNX sentence encoder")
    arguments = parser.parse_args()
    print(f"{'embedding':44} µs, 15 words  200 words")
    for name, short, long in timings(arguments.encoder):
        print(f"{name:44} {short:12.1f} {long:10.1f}")
    print(f"\n{'scoring':44} µs")
    for name, microseconds in reference_timings():
        print(f"{name:44} {microseconds:.1f}")


if __name__ == "__main__":
    main()
