"""Sparse features without a vocabulary: hashed words, word pairs and character n-grams, weighted like TF-IDF.

They see what a mean of token vectors blurs (rare words, spelling, order) and stand beside it in classifiers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
from frontdesk_server.artefacts.embedders.excerpt import excerpt
from numpy.typing import NDArray

_WORD = re.compile(r"\w+|[^\w\s]")
_MEMO_MAX_WORDS = 50_000
_MEMO_MAX_CHARACTERS = 32
_MAX_CHARACTERS = 4_096
_SHORTEST, _LONGEST = 3, 4
_TRUE = np.ones(1, np.bool_)
_DAMPED = (1.0 + np.log(np.maximum(np.arange(_MAX_CHARACTERS), 1))).astype(np.float32)


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Non-zero features of one text: distinct ascending indices and their values, both of shape (features,)."""

    indices: NDArray[np.intp]
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SparseRows:
    """Features of several texts as the three arrays of a CSR matrix, shape (texts, buckets)."""

    values: NDArray[np.float32]
    indices: NDArray[np.intp]
    starts: NDArray[np.intp]
    shape: tuple[int, int]


class HashedTfidf:
    """Hashes words and pairs of words into one half of the buckets, runs of 3 and 4 characters into the other.

    Counts are damped (1 + ln), multiplied by `idf` where one is given (shape (buckets,), see `fit_idf`), and each half
    gets length √½, so that the whole has length 1. The hash is fixed: the same in every process and version.
    """

    __slots__ = ("_half", "_idf", "_memo", "buckets")

    def __init__(self, buckets: int = 1 << 16, idf: NDArray[np.float32] | None = None) -> None:
        if buckets < 2 or buckets & (buckets - 1):
            raise ValueError(f"buckets must be a power of two, not {buckets}")
        if idf is not None and idf.shape != (buckets,):
            raise ValueError(f"idf must have shape ({buckets},), not {idf.shape}")
        self.buckets = buckets
        self._half = buckets // 2
        self._idf = idf
        self._memo: dict[str, NDArray[np.intp]] = {}

    def features(self, text: str) -> SparseVector:
        """Return the features of one text, those of its two ends when it is longer than 4,096 characters."""
        words = _WORD.findall(excerpt(text, _MAX_CHARACTERS).lower())
        if not words:
            return SparseVector(np.empty(0, np.intp), np.empty(0, np.float32))
        memo = self._memo
        of_words = [known if (known := memo.get(word)) is not None else self._of_word(word) for word in words]
        of_pairs = np.array([self._bucket(f"{first} {second}") for first, second in pairwise(words)], np.intp)
        found = np.concatenate([of_pairs, *of_words])
        found.sort()
        # np.unique with counts takes five times as long as this.
        bounds = np.flatnonzero(np.concatenate((_TRUE, found[1:] != found[:-1], _TRUE)))
        indices = found.take(bounds[:-1])
        values = _DAMPED.take(bounds[1:] - bounds[:-1], mode="clip")
        if self._idf is not None:
            values *= self._idf.take(indices)
        middle = int(indices.searchsorted(self._half))
        for part in (values[:middle], values[middle:]):
            part *= math.sqrt(0.5 / max(float(part @ part), 1e-24))
        return SparseVector(indices, values)

    def rows(self, texts: Sequence[str]) -> SparseRows:
        """Return the features of several texts, for fitting."""
        vectors = [self.features(text) for text in texts]
        starts = np.cumsum([0, *(len(vector.indices) for vector in vectors)], dtype=np.intp)
        values = np.concatenate([np.empty(0, np.float32), *(vector.values for vector in vectors)])
        indices = np.concatenate([np.empty(0, np.intp), *(vector.indices for vector in vectors)])
        return SparseRows(values, indices, starts, (len(texts), self.buckets))

    def _of_word(self, word: str) -> NDArray[np.intp]:
        """Return the buckets of a word and of the runs of characters in it."""
        padded = f" {word} "
        runs = [
            self._half + self._bucket(padded[start : start + length])
            for length in range(_SHORTEST, _LONGEST + 1)
            for start in range(len(padded) - length + 1)
        ]
        buckets = np.array([self._bucket(word), *runs], np.intp)
        if len(self._memo) < _MEMO_MAX_WORDS and len(word) <= _MEMO_MAX_CHARACTERS:
            self._memo[word] = buckets
        return buckets

    def _bucket(self, key: str) -> int:
        return crc32(key.encode("utf-8", "surrogatepass")) & (self._half - 1)
