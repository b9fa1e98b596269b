"""References: utterances that stand for a label (a model or a route), and the label that a query is closest to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
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


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceIndex:
    """References by their unit vectors of one embedder; adding and removing give a new index.

    Of references given twice the last counts. Raises ValueError without references, or with another number of vectors.
    """

    references: tuple[Reference, ...]
    """Sorted by label once built."""
    vectors: NDArray[np.float32] = field(repr=False)
    """Shape (references, dimension), in the references' order."""
    scoring: Scoring = "top_k_mean"
    k: int = 3
    """Utterances of the mean."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Least similarity per label."""
    default_threshold: float = -1.0
    """Least similarity of all other labels."""
    labels: tuple[str, ...] = field(init=False)
    """Distinct and sorted."""
    _firsts: NDArray[np.intp] = field(init=False, repr=False)
    _offsets: NDArray[np.float64] = field(init=False, repr=False)
    _places: NDArray[np.intp] = field(init=False, repr=False)
    _shares: NDArray[np.float64] = field(init=False, repr=False)
    _centroids: NDArray[np.float32] = field(init=False, repr=False)
    _thresholds: tuple[float, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.references) != len(self.vectors) or not self.references:
            numbers = f"{len(self.vectors)} for {len(self.references)}"
            raise ValueError(f"need as many vectors as references, at least one, not {numbers}")
        if self.k < 1:
            raise ValueError(f"k must be at least 1, not {self.k}")
        rows = {reference: row for row, reference in enumerate(self.references)}
        ordered = sorted(rows, key=attrgetter("label"))  # stable: one label's stay in their order
        vectors = np.ascontiguousarray(self.vectors[[rows[reference] for reference in ordered]], np.float32)
        sizes = Counter(reference.label for reference in ordered)
        counts = np.fromiter(sizes.values(), np.intp)
        firsts = np.cumsum(counts) - counts
        ranks = np.arange(min(self.k, int(counts.max())))
        sums = np.add.reduceat(vectors, firsts, axis=0)
        derived = {
            "references": tuple(ordered),
            "vectors": vectors,
            "labels": tuple(sizes),
            "_firsts": firsts,
            "_offsets": np.repeat(np.arange(len(counts)) * _APART, counts),
            "_places": firsts[:, None] + np.minimum(ranks, counts[:, None] - 1),
            "_shares": (ranks < counts[:, None]) / np.minimum(counts, self.k)[:, None],
            "_centroids": sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9),
            "_thresholds": tuple(self.thresholds.get(label, self.default_threshold) for label in sizes),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.references)

    def scores(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the similarity of a unit vector to every label, shape (labels,), in [-1, 1]."""
        if self.scoring == "centroid":
            return np.asarray(self._centroids @ vector)
        similarities = self.vectors @ vector
        if self.scoring == "nearest" or self.k == 1:
            return np.asarray(np.maximum.reduceat(similarities, self._firsts))
        # One sort of all, labels set apart, ranks every label's similarities where the label's references stood.
        ranked = self._offsets - similarities
        ranked.sort()
        closest = self._offsets.take(self._places) - ranked.take(self._places)
        return np.asarray((closest * self._shares).sum(axis=1), np.float32)

    def match(self, vector: NDArray[np.float32]) -> Match:
        """Return the label most similar to a unit vector, or out of scope when that stays under its threshold."""
        scores = self.scores(vector)
        best = int(scores.argmax())
        score, threshold, closest = float(scores[best]), self._thresholds[best], self.labels[best]
        return Match(closest if score >= threshold else None, closest, score, threshold)

    def removing(self, references: Iterable[Reference]) -> ReferenceIndex:
        """Return an index without these references; a label without any is gone. At least one must be left."""
        gone = frozenset(references)
        kept = [row for row, reference in enumerate(self.references) if reference not in gone]
        return replace(self, references=tuple(self.references[row] for row in kept), vectors=self.vectors[kept])


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
