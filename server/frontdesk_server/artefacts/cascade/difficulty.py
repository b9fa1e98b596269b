"""How hard a query looks before anybody is asked: structure and words of its text, weighed by a linear model.

No embedder takes part, so that the artefact of a cascade stands on its own: on three reasoning sets, structure and
hashed words together predicted failure as well as with a sentence embedding beside them.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["BUCKETS", "STRUCTURE_NAMES", "DifficultyModel", "hashed_words", "structure"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

BUCKETS = 2048
MAX_CHARS = 8_000
"""Text beyond this is not read."""

_TOKEN = re.compile(r"\w+|[^\w\s]")
_COUNTED = {
    "numbers": re.compile(r"\d+"),
    "lines": re.compile(r"\n"),
    "loops": re.compile(r"\b(?:for|while|each|every)\b"),
    "conditions": re.compile(r"\b(?:if|unless|when|given)\b"),
    "formula": re.compile(r"[\\${}^_]"),
    "brackets": re.compile(r"[\[\](){}]"),
    "operators": re.compile(r"[%/.*+<>=-]"),
    "sentences": re.compile(r"[.?!](?:\s|$)"),
}
STRUCTURE_NAMES = ("chars", "words", *_COUNTED, "longest_number", "word_length", "distinct_share")


def structure(text: str) -> Vector:
    """Return the structural features of a text, shape (len(STRUCTURE_NAMES),); counts on a logarithmic scale."""
    text = text[:MAX_CHARS]
    words = re.findall(r"\w+", text)
    counts = [len(text), len(words), *(len(pattern.findall(text)) for pattern in _COUNTED.values())]
    longest = max((len(number) for number in _COUNTED["numbers"].findall(text)), default=0)
    shape = [sum(map(len, words)) / max(1, len(words)), len(set(words)) / max(1, len(words))]
    return np.array([*np.log1p([*counts, longest]), *shape])


def hashed_words(text: str) -> tuple[NDArray[np.intp], Vector]:
    """Return the buckets of a text's words and word pairs, and 1 + log of how often each occurs."""
    tokens = _TOKEN.findall(text[:MAX_CHARS].casefold())
    counts = Counter(zlib.crc32(gram.encode()) % BUCKETS for gram in tokens)
    counts.update(zlib.crc32(f"{a} {b}".encode()) % BUCKETS for a, b in pairwise(tokens))
    buckets = np.fromiter(counts.keys(), np.intp, len(counts))
    return buckets, 1.0 + np.log(np.fromiter(counts.values(), np.float64, len(counts)))


@dataclass(frozen=True, slots=True, eq=False)
class DifficultyModel:
    """The mean of two linear models, one on structure and one on words, in standard deviations of its training data."""

    structure_mean: Vector
    structure_scale: Vector
    structure_weights: Vector
    word_idf: Vector
    """[BUCKETS]"""
    word_weights: Vector
    """[BUCKETS]"""
    mean: float
    scale: float

    def predict(self, prompts: Sequence[str]) -> Vector:
        """Return how hard each prompt looks, shape (n,): 0 is average, higher is harder."""
        return np.array([self._predict(prompt) for prompt in prompts])

    def _predict(self, prompt: str) -> float:
        by_structure = (structure(prompt) - self.structure_mean) / self.structure_scale @ self.structure_weights
        buckets, counts = hashed_words(prompt)
        words = counts * self.word_idf[buckets]
        by_words = words @ self.word_weights[buckets] / max(float(np.linalg.norm(words)), 1e-12)
        return float(((by_structure + by_words) / 2 - self.mean) / self.scale)
