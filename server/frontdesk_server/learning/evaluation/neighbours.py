"""Nearest neighbours in the embedding, their number tuned: the plainest router that learns, which others must beat.

A query's neighbours are never of its own group: the same prompt, or where whole domains are held out its domain. Their
number is the one that predicts best among the queries that are learned from, and never looks at those that are judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.embedders import Embedder
from frontdesk_server.learning.data.dataset import Dataset
from frontdesk_server.learning.data.folds import folds_by_group, numbered

__all__ = ["FEWEST", "NUMBERS", "Neighbours", "Remembered", "ask_neighbours", "ask_other_folds", "neighbours_of"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Groups = NDArray[np.int64]

NUMBERS = (5, 10, 20, 40, 80, 160)
_MOST_REMEMBERED, _MOST_TRIED = 10_000, 2_000
"""Queries among which neighbours are sought, and on which their number is tried: seconds, whatever the data."""
_CHUNK = 500
_FOLDS = 5
FEWEST = 20
"""Queries of which neighbours are worth asking."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """What the neighbours of `n` queries came to, for each of `m` models."""

    models: tuple[str, ...]
    expected: Matrix
    """[n, m], in [0, 1]."""
    number: int
    """How many were asked; over folds the median."""
    among: str
    """Whom they were sought among, to be read after "the nearest neighbours among"."""
    folds: Groups
    """[n], alike where they were sought among the same queries."""

    @property
    def doubt(self) -> float:
        """By what to multiply the error of what their choices reached.

        Folds that learn from one another err together (Nadeau and Bengio, "Inference for the generalization error",
        2003): all choose the model that was lucky in most of them.
        """
        folds = len(np.unique(self.folds))
        return sqrt(1.0 + folds / (folds - 1.0)) if folds > 1 else 1.0

    def of(self, rows: NDArray[np.intp], models: Sequence[str]) -> Neighbours:
        """The same for these queries and models, in this order."""
        columns = [self.models.index(model) for model in models]
        return replace(self, models=tuple(models), expected=self.expected[rows][:, columns], folds=self.folds[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Remembered:
    """Queries with outcomes: `quality` [n, m], NaN where unknown, unit vectors [n, dimension], a group each [n].

    Outcomes count by `weights` [n], alike without any: inverse propensities where a policy chose whose are known.
    """

    models: tuple[str, ...]
    quality: Matrix
    vectors: Matrix
    groups: Groups
    weights: Vector | None = None

    def take(self, rows: NDArray[np.intp]) -> Remembered:
        """These queries alone."""
        weights = None if self.weights is None else self.weights[rows]
        return Remembered(self.models, self.quality[rows], self.vectors[rows], self.groups[rows], weights)

    def counted(self) -> Matrix:
        """How much each outcome counts [n, m], 0 where it is unknown; in the mean over those of a model 1."""
        known = (~np.isnan(self.quality)).astype(float)
        if self.weights is None:
            return known
        weighed = known * self.weights[:, None]
        return np.asarray(weighed * (known.sum(axis=0) / np.maximum(weighed.sum(axis=0), 1.0)))

    def sample(self, most: int, draw: np.random.Generator) -> Remembered:
        """So many of them at most, drawn at random."""
        return self if len(self.groups) <= most else self.take(draw.choice(len(self.groups), most, replace=False))


def neighbours_of(dataset: Dataset, embedder: Embedder, past: Dataset | None, seed: int) -> Neighbours | None:
    """Ask the neighbours of each query of a data set among `past`, else among the other folds of the set itself.

    None where there are too few to ask. Raises DatasetError where `past` lacks a model.
    """
    asked = _remembered(dataset, embedder)
    if past is None:
        if len(set(dataset.prompts)) < FEWEST:
            return None
        return ask_other_folds(asked, folds_by_group(dataset.prompts, _FOLDS, seed), "the other queries", seed)
    judged = set(dataset.prompts)
    past = past.select_models(dataset.models).take([prompt not in judged for prompt in past.prompts])
    if len(set(past.prompts)) < FEWEST:
        return None
    return ask_neighbours(
        _remembered(past, embedder), asked.vectors, f"{len(past):,} queries that are not judged", seed
    )


def ask_neighbours(past: Remembered, vectors: Matrix, among: str, seed: int) -> Neighbours:
    """Ask the neighbours of other queries, of which `vectors` are known."""
    draw = np.random.default_rng(seed)
    past = past.sample(_MOST_REMEMBERED, draw)
    number = _best_number(past, draw)
    expected = _expected(past, vectors, None, (number,))[0]
    return Neighbours(past.models, expected, number, among, np.zeros(len(vectors), dtype=np.int64))


def ask_other_folds(asked: Remembered, folds: NDArray[np.int64], among: str, seed: int) -> Neighbours:
    """Ask each query's neighbours in the folds [n] that are not its own."""
    expected, numbers = np.empty_like(asked.quality), []
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        found = ask_neighbours(asked.take(np.flatnonzero(folds != fold)), asked.vectors[rows], among, seed)
        expected[rows] = found.expected
        numbers.append(found.number)
    return Neighbours(asked.models, expected, median_low(numbers), among, folds)


def _remembered(dataset: Dataset, embedder: Embedder) -> Remembered:
    vectors = np.asarray(embedder.embed_many(dataset.prompts), dtype=np.float64)
    return Remembered(dataset.models, dataset.quality, vectors, numbered(dataset.prompts))


def _best_number(past: Remembered, draw: np.random.Generator) -> int:
    tried = past.sample(_MOST_TRIED, draw)
    errors = (_expected(past, tried.vectors, tried.groups, NUMBERS) - tried.quality) ** 2
    weights = np.ones(len(tried.groups)) if tried.weights is None else tried.weights
    return NUMBERS[int(np.nansum(errors * weights[:, None], axis=(1, 2)).argmin())]


def _expected(past: Remembered, vectors: Matrix, groups: Groups | None, numbers: Sequence[int]) -> Matrix:
    """The mean outcomes [numbers, n, models] of so many neighbours; those of the query's own group are none."""
    known = past.counted()
    reached = known * np.nan_to_num(past.quality)
    usual = reached.sum(axis=0) / np.maximum(known.sum(axis=0), 1.0)
    farthest = min(max(numbers), len(past.groups))
    expected = np.empty((len(numbers), len(vectors), past.quality.shape[1]))
    for start in range(0, len(vectors), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        nearness = vectors[chunk] @ past.vectors.T
        if groups is not None:
            nearness[groups[chunk, None] == past.groups] = -np.inf
        nearest = np.argpartition(-nearness, farthest - 1, axis=1)[:, :farthest]
        order = np.argsort(-np.take_along_axis(nearness, nearest, axis=1), axis=1, kind="stable")
        nearest = np.take_along_axis(nearest, order, axis=1)
        other = np.isfinite(np.take_along_axis(nearness, nearest, axis=1))[..., None]
        counts, sums = (known[nearest] * other).cumsum(axis=1), (reached[nearest] * other).cumsum(axis=1)
        for place, number in enumerate(numbers):
            at = min(number, farthest) - 1
            # As if one more neighbour had fared as usual, for models of whom few outcomes are known.
            expected[place, chunk] = (sums[:, at] + usual) / (counts[:, at] + 1.0)
    return expected
