"""The same request in another language, of which no outcome is recorded.

An artefact that has learned from recorded outcomes is taught to expect of a request in another language what it expects
of it in English: by a correction of its linear maps that leaves other texts as they are. Long texts beside questions
were taught so, too, to no avail: what helps beside the texts that were taught does not beside others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from frontdesk_server.artefacts.embedders import Embedder
from frontdesk_server.artefacts.quality import Artefact
from frontdesk_server.learning.data.folds import folds_by_group
from frontdesk_server.learning.training.matrix import Scaling, read_texts
from scipy import sparse
from sklearn.linear_model import Ridge

from benchmarks.wording.parallel import framed_tasks, framed_topics

PER_FRAME, PER_KIND = 20, 500
SAME_WEIGHT, OTHER_WEIGHT = 0.3, 4.0
"""What a request in another language weighs, and a text of which the expectation is to stay."""
STRENGTH = 1.0
FOLDS = 4


class SameRequest(NamedTuple):
    """A request in another language, and in English."""

    text: str
    english: str
    language: str
    origin: str


def same_requests(seed: int) -> Iterator[SameRequest]:
    """Yield our own requests in six languages; the same for the same seed."""
    for item in (*framed_tasks(PER_FRAME, seed), *framed_topics(PER_KIND, seed)):
        for language, text in item.texts.items():
            if language != "en":
                yield SameRequest(text, item.texts["en"], language, item.origin)


def teach_same(
    artefact: Artefact, embedder: Embedder, requests: Sequence[SameRequest], others: Sequence[str]
) -> Artefact:
    """Return the artefact that expects of every request what it expects of the English one, and of `others` as before.

    Prints how far the two lie apart before and after, after by a correction that has not seen the request's origin.
    """
    maps = _Maps(artefact, embedder)
    dressed, anchors = maps.inputs([item.text for item in requests]), maps.inputs(others)
    wanted = maps.factors(maps.inputs([item.english for item in requests]))
    found = maps.factors(dressed)
    folds = folds_by_group([item.origin for item in requests], FOLDS, seed=0)

    def correction(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        model = Ridge(alpha=STRENGTH, solver="sparse_cg", tol=1e-3)
        model.fit(
            sparse.vstack([dressed[rows], anchors]).tocsr(),
            np.vstack([(wanted - found)[rows], np.zeros((anchors.shape[0], wanted.shape[1]))]),
            sample_weight=np.repeat([SAME_WEIGHT, OTHER_WEIGHT], [len(rows), anchors.shape[0]]),
        )
        return model.coef_.T, model.intercept_

    unseen = folds == 0
    weight, bias = correction(np.flatnonzero(~unseen))
    corrected = found + dressed @ weight + bias
    for language in sorted({item.language for item in requests}):
        rows = unseen & np.array([item.language == language for item in requests])
        before, after = (maps.apart(wanted[rows], factors[rows]) for factors in (found, corrected))
        print(f"  {language}: {rows.sum()} requests of unseen origin, {before}; taught, {after}")
    return maps.corrected(*correction(np.arange(len(requests))))


class _Maps:
    """The linear maps from texts to factors of an artefact without other blocks."""

    def __init__(self, artefact: Artefact, embedder: Embedder) -> None:
        arrays = artefact.arrays
        if arrays["landmark_weights"].any() or arrays["fern_leaves"].any():
            raise ValueError("an artefact of linear maps alone can be corrected so")
        self._artefact, self._embedder = artefact, embedder
        self._scaling = Scaling(arrays["idf"].astype(np.float32), arrays["signal_mean"], arrays["signal_std"])
        self._lexical = arrays["lexical"] * arrays["lexical_scale"].astype(float)
        self._count = len(arrays["loadings"])
        self._weights = np.vstack([self._lexical, arrays["linear"]])[:, : self._count]

    def inputs(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Hashed terms, embedding and signals of texts."""
        raw = read_texts(texts, self._embedder, self._artefact.features.lexical_bits)
        features = raw.scaled(self._scaling)
        return sparse.hstack([features.lexical, sparse.csr_matrix(features.linear)]).tocsr()

    def factors(self, inputs: sparse.csr_matrix) -> np.ndarray:
        """What the artefact expects of them, as factors."""
        return inputs @ self._weights + self._artefact.arrays["bias"][: self._count]

    def apart(self, wanted: np.ndarray, found: np.ndarray) -> str:
        """How far qualities lie from those that are wanted, and how alike both order requests by their ease."""
        arrays = self._artefact.arrays
        first, second = (np.clip(arrays["offset"] + z @ arrays["loadings"], 0.0, 1.0) for z in (wanted, found))
        alike = np.corrcoef(first.mean(axis=1), second.mean(axis=1))[0, 1]
        return f"{np.abs(first - second).mean():.3f} apart, r {alike:.2f}"

    def corrected(self, weights: np.ndarray, bias: np.ndarray) -> Artefact:
        """The artefact with a correction added to the maps of its factors."""
        arrays = dict(self._artefact.arrays)
        buckets = len(self._lexical)
        lexical = self._lexical.copy()
        lexical[:, : self._count] += weights[:buckets]
        scale = np.abs(lexical).max(axis=0) / np.iinfo(np.int8).max
        linear, biases = arrays["linear"].copy(), arrays["bias"].copy()
        linear[:, : self._count] += weights[buckets:]
        biases[: self._count] += bias
        arrays |= {"lexical": np.rint(lexical / scale).astype(np.int8), "lexical_scale": scale.astype(np.float32)}
        return replace(self._artefact, arrays=arrays | {"linear": linear, "bias": biases})
