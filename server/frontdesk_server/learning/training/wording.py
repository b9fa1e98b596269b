"""Fitting the table by which the wording of a query is read.

Pieces have vectors of a multilingual model, so that what is learned of a word in one language holds for its like in the
others. All that is learned of a piece is a projection of its vector: only the projections are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from frontdesk_server.artefacts.wording import DETECTORS
from frontdesk_server.artefacts.wording.pieces import Vocabulary, words_of
from frontdesk_server.artefacts.wording.reader import MAX_WORDS, share_of

__all__ = ["Learned", "PieceTexts", "PieceVectors", "Strengths", "WordingTable", "fit_wording"]

Matrix = NDArray[np.float64]
Numbers = NDArray[np.int64]

_ROUNDS = 1000
_REMEMBERED_STEPS = 20
_STEPS = 127
"""Of eight-bit weights on either side of zero."""
_RARELY = -2.0
"""How likely any pair is to be found before anything is learned, in log-odds."""
_MOST_EXPONENT = 50.0
"""Of a pair, in log-odds, lest a step too far of the search overflows."""


class PieceVectors(NamedTuple):
    """A vocabulary and a vector of each of its pieces, [pieces, dimension]."""

    pieces: Sequence[str]
    vectors: NDArray[np.float32]


class PieceTexts(NamedTuple):
    """Texts as the numbers of their pieces, one after the other. A text without a known piece is read as its first."""

    numbers: Numbers
    counts: Numbers
    """Of pieces, of each text."""

    @classmethod
    def of(cls, texts: Sequence[str], known: PieceVectors) -> PieceTexts:
        """Split texts as `WordingReader` does."""
        vocabulary = Vocabulary(known.pieces)
        split = [[n for word in words_of(text)[:MAX_WORDS] for n in vocabulary.split(word)] or [0] for text in texts]
        return cls(np.array([n for numbers in split for n in numbers]), np.array([len(numbers) for numbers in split]))

    def chosen(self, which: NDArray[np.bool_]) -> PieceTexts:
        """The texts that are marked."""
        return PieceTexts(self.numbers[np.repeat(which, self.counts)], self.counts[which])


class Strengths(NamedTuple):
    """Inverse regularisation: of the weights of difficulty and of code, and of the pairs that detectors look for."""

    difficulty: float
    code: float
    pairs: float


class Learned(NamedTuple):
    """What was learned for one output, in log-odds, as `WordingArrays` has it of pieces.

    A weight a dimension; of each detector what it looks for [detectors, dimension] as the first and as the second of a
    pair, and its three numbers [detectors]; the bias.
    """

    weights: Matrix
    firsts: Matrix
    seconds: Matrix
    starts: Matrix
    offsets: Matrix
    gains: Matrix
    bias: float

    @classmethod
    def of(cls, flat: Matrix, dimension: int) -> Learned:
        """What `flat` lists."""
        ends = np.cumsum([dimension, *[DETECTORS * dimension] * 2, *[DETECTORS] * 3])
        weights, firsts, seconds, starts, offsets, gains, bias = np.split(flat, ends)
        shape = DETECTORS, dimension
        return cls(weights, firsts.reshape(shape), seconds.reshape(shape), starts, offsets, gains, float(bias[0]))

    def flat(self) -> Matrix:
        """All of it in a row."""
        return np.concatenate([np.ravel(part) for part in self])


class WordingTable(NamedTuple):
    """What was learned for both outputs."""

    difficulty: Learned
    code: Learned

    def read(self, texts: PieceTexts, known: PieceVectors) -> Matrix:
        """The outputs [texts, outputs], as `WordingReader` has them but for its eight bits."""
        problem = _Problem(texts, known)
        return np.column_stack([problem.odds(learned)[0] for learned in self])

    def save(self, path: Path, known: PieceVectors) -> None:
        """Write the weights of every piece in eight bits, as `WordingReader` reads them."""
        projections = (each.weights for each in self), (each.firsts for each in self), (each.seconds for each in self)
        of_pieces = known.vectors @ np.vstack([part for parts in projections for part in parts]).T
        scale = np.abs(of_pieces).max(axis=0) / _STEPS
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            path,
            pieces=np.frombuffer("\n".join(known.pieces).encode(), np.uint8),
            weights=np.round(of_pieces / scale).astype(np.int8),
            scale=scale.astype(np.float32),
            bias=np.array([each.bias for each in self], np.float32),
            detectors=np.hstack([(each.starts, each.offsets, each.gains) for each in self]).astype(np.float32),
        )


def fit_wording(
    texts: PieceTexts, known: PieceVectors, labels: Matrix, weights: Matrix, strengths: Strengths, *, seed: int = 0
) -> WordingTable:
    """Fit a table to labels [texts, outputs] in [0, 1], NaN where unknown, and weights [texts]."""
    problem = _Problem(texts, known)
    hard = problem.fitted(labels[:, 0], weights, strengths.difficulty, strengths.pairs, seed)
    code = problem.fitted(labels[:, 1], weights, strengths.code, strengths.pairs, seed)
    return WordingTable(hard, code)


class _Problem:
    """Texts whose pieces are numbered among those that occur, so that each is projected once."""

    def __init__(self, texts: PieceTexts, known: PieceVectors) -> None:
        occurring, self._second = np.unique(texts.numbers, return_inverse=True)
        self._vectors = known.vectors[occurring].astype(np.float32)
        self._begins = np.cumsum(texts.counts) - texts.counts
        self._first = np.concatenate([[0], self._second[:-1]])
        self._first[self._begins] = len(occurring)  # in whose place the beginning of a text stands
        self._text_of = np.repeat(np.arange(len(texts.counts)), texts.counts)
        self._shares = np.array([share_of(count) for count in texts.counts.tolist()])

    def odds(self, learned: Learned) -> tuple[Matrix, list[Matrix], Matrix]:
        """The log-odds of texts; of each detector its pairs [pieces], and what it finds [detectors, texts]."""
        weights, firsts, seconds, starts, offsets, gains, bias = learned
        projected = self._vectors @ np.vstack([weights, firsts, seconds]).astype(np.float32).T
        sums = np.add.reduceat(projected[self._second, 0].astype(float), self._begins)
        pairs = []
        for number, (start, offset) in enumerate(zip(starts, offsets, strict=True)):
            as_first = np.append(projected[:, 1 + number], start)[self._first]
            as_second = projected[:, 1 + len(starts) + number][self._second]
            pairs.append(np.exp(np.minimum(as_first + as_second + offset, _MOST_EXPONENT)))
        found = np.array([np.add.reduceat(of_detector, self._begins) for of_detector in pairs])
        return bias + self._shares * sums + gains @ np.log1p(found), pairs, found

    def fitted(self, labels: Matrix, weights: Matrix, strength: float, strength_of_pairs: float, seed: int) -> Learned:
        """Fit one output by logistic regression; a label between 0 and 1 counts as both, in part."""
        dimension = self._vectors.shape[1]
        draw = np.random.default_rng(seed)
        firsts, seconds = draw.normal(0.0, 0.3, (2, DETECTORS, dimension))
        gains = np.resize([0.5, -0.5], DETECTORS)  # for as many that raise the difficulty as lower it
        none = np.zeros(DETECTORS)
        begin = Learned(np.zeros(dimension), firsts, seconds, none, none + _RARELY, gains, 0.0)
        by_dimension, by_detector = np.full(dimension, 1.0 / strength), np.full(firsts.shape, 1.0 / strength_of_pairs)
        held = Learned(by_dimension, by_detector, by_detector, none + 0.1, none + 0.1, none + 1.0, 0.0).flat()
        towards = Learned(np.zeros(dimension), 0 * firsts, 0 * seconds, none, none + _RARELY, none, 0.0).flat()
        weights = np.where(np.isnan(labels), 0.0, weights)
        labels = np.nan_to_num(labels)

        def loss(flat: Matrix) -> tuple[float, Matrix]:
            learned = Learned.of(flat, dimension)
            odds, pairs, found = self.odds(learned)
            value = weights @ (np.logaddexp(0.0, odds) - labels * odds) + held @ (flat - towards) ** 2 / 2
            misses = weights * (expit(odds) - labels)
            slopes = [self._by_piece(self._second, (misses * self._shares)[self._text_of])]
            as_firsts, as_seconds, starts = [], [], np.zeros(DETECTORS)
            by_find = misses * learned.gains[:, None] / (1.0 + found)
            for number, of_detector in enumerate(pairs):
                by_pair = by_find[number][self._text_of] * of_detector
                *as_first, starts[number] = self._by_piece(self._first, by_pair, places=1)
                as_firsts.append(as_first)
                as_seconds.append(self._by_piece(self._second, by_pair))
            projected = np.array([*slopes, *as_firsts, *as_seconds], np.float32) @ self._vectors
            of_detectors = (starts, (by_find * found).sum(axis=1), np.log1p(found) @ misses)
            slope = np.concatenate([projected.ravel(), *of_detectors, [misses.sum()]], dtype=float)
            return float(value), slope + held * (flat - towards)

        options = {"maxiter": _ROUNDS, "maxcor": _REMEMBERED_STEPS}
        found = minimize(loss, begin.flat(), jac=True, method="L-BFGS-B", options=options)
        return Learned.of(found.x, dimension)

    def _by_piece(self, numbers: Numbers, values: Matrix, places: int = 0) -> Matrix:
        """The sum of values of each piece that occurs, and of `places` more."""
        return np.bincount(numbers, weights=values, minlength=len(self._vectors) + places).astype(float)
