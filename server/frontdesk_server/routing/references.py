"""References: utterances that stand for a label (a model or a route), and the label that a query is closest to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Scoring = Literal["nearest", "top_k_mean", "centroid"]
"""Similarity of a query and a label: to its closest utterance, the mean of the k closest, to the mean of all."""

_APART = 4.0  # cosines lie in [-1, 1]: labels this far apart never mix when sorted


@dataclass(frozen=True, slots=True)
class Reference:
    """An utterance and the label it stands for."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """The closest label and its similarity; `label` is None when that stays under its threshold: out of scope."""

    label: str | None
    closest: str
    score: float
    threshold: float


class ReferenceIndex:
    """Immutable index of references by unit vectors of one embedder; adding and removing give a new index.

    `vectors` has shape (references, dimension). Of references given twice the last counts. `thresholds` hold for the
    labels that they name, `default_threshold` for all others.
    """

    __slots__ = (
        "_centroids",
        "_firsts",
        "_offsets",
        "_places",
        "_shares",
        "_thresholds",
        "_vectors",
        "default_threshold",
        "k",
        "labels",
        "references",
        "scoring",
        "thresholds",
    )

    def __init__(
        self,
        references: Sequence[Reference],
        vectors: NDArray[np.float32],
        *,
        scoring: Scoring = "top_k_mean",
        k: int = 3,
        thresholds: Mapping[str, float] | None = None,
        default_threshold: float = -1.0,
    ) -> None:
        if len(references) != len(vectors) or not references:
            raise ValueError(
                f"need as many vectors as references, at least one, not {len(vectors)} for {len(references)}"
            )
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        rows = {reference: row for row, reference in enumerate(references)}
        ordered = sorted(rows, key=lambda reference: reference.label)  # stable: one label's stay in their order
        self.references = tuple(ordered)
        self.scoring = scoring
        self.k = k
        self.thresholds = dict(thresholds or {})
        self.default_threshold = default_threshold
        labels, firsts, counts = np.unique(
            np.array([reference.label for reference in ordered], np.object_), return_index=True, return_counts=True
        )
        self.labels: tuple[str, ...] = tuple(labels)
        self._vectors = np.ascontiguousarray(vectors[[rows[reference] for reference in ordered]], np.float32)
        self._firsts = firsts
        self._offsets = np.repeat(np.arange(len(labels)) * _APART, counts)
        ranks = np.arange(min(k, int(counts.max())))
        self._places = firsts[:, None] + np.minimum(ranks, counts[:, None] - 1)
        self._shares = (ranks < counts[:, None]) / np.minimum(counts, k)[:, None]
        sums = np.add.reduceat(self._vectors, firsts, axis=0)
        self._centroids = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
        self._thresholds = [self.thresholds.get(label, default_threshold) for label in self.labels]

    def __len__(self) -> int:
        return len(self.references)

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Vectors of `references`, in their order."""
        return self._vectors

    def scores(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the similarity of a unit vector to every label, shape (labels,), in [-1, 1]."""
        if self.scoring == "centroid":
            return np.asarray(self._centroids @ vector)
        similarities = self._vectors @ vector
        if self.scoring == "nearest" or self.k == 1:
            return np.asarray(np.maximum.reduceat(similarities, self._firsts))
        # One sort of all, labels set apart, ranks every label's similarities where the label's references stood.
        ranked = np.sort(self._offsets - similarities)
        closest = self._offsets.take(self._places) - ranked.take(self._places)
        return np.asarray((closest * self._shares).sum(axis=1), np.float32)

    def match(self, vector: NDArray[np.float32]) -> Match:
        """Return the label most similar to a unit vector, or out of scope when that stays under its threshold."""
        scores = self.scores(vector)
        best = int(scores.argmax())
        score, threshold, closest = float(scores[best]), self._thresholds[best], self.labels[best]
        return Match(closest if score >= threshold else None, closest, score, threshold)

    def adding(self, references: Sequence[Reference], vectors: NDArray[np.float32]) -> ReferenceIndex:
        """Return an index with these references too."""
        return self._derived([*self.references, *references], np.concatenate([self._vectors, vectors]))

    def removing(self, references: Iterable[Reference]) -> ReferenceIndex:
        """Return an index without these references; a label without any is gone. At least one must be left."""
        gone = frozenset(references)
        kept = [row for row, reference in enumerate(self.references) if reference not in gone]
        return self._derived([self.references[row] for row in kept], self._vectors[kept])

    def with_thresholds(self, thresholds: Mapping[str, float], default_threshold: float) -> ReferenceIndex:
        """Return an index with other thresholds."""
        return ReferenceIndex(
            self.references,
            self._vectors,
            scoring=self.scoring,
            k=self.k,
            thresholds=thresholds,
            default_threshold=default_threshold,
        )

    def _derived(self, references: Sequence[Reference], vectors: NDArray[np.float32]) -> ReferenceIndex:
        return ReferenceIndex(
            references,
            vectors,
            scoring=self.scoring,
            k=self.k,
            thresholds=self.thresholds,
            default_threshold=self.default_threshold,
        )


def parse_references(lines: Iterable[str]) -> list[Reference]:
    """Parse JSON Lines of {"label", "text"}, blank lines skipped. Raises ValueError with the line's number."""
    references = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number}: not JSON: {error}") from error
        match row:
            case {"label": str(label), "text": str(text)} if label and text:
                references.append(Reference(label, text))
            case _:
                raise ValueError(f'line {number}: expected {{"label": "…", "text": "…"}}')
    return references
