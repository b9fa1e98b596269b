"""From a text to what the predictor sees: its embedding, its signals, and its hashed words and word pairs."""

from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.embedders import Embedder
from frontdesk_server.artefacts.quality.signals import MAX_CHARS, SIGNAL_NAMES, text_signals
from frontdesk_server.artefacts.quality.words import Vocabulary, Words

__all__ = ["FeatureSpec", "TextFeatures", "TextReader"]

MAX_TERM_WORDS = 600
"""Words beyond this number are not hashed, so that a long document costs a bounded time."""

_TRUE = np.ones(1, dtype=np.bool_)
_NOTHING = np.empty(0, dtype=np.int64)
_DAMPED = (1.0 + np.log(np.maximum(np.arange(2 * MAX_TERM_WORDS), 1))).astype(np.float32)


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """What an artefact was trained on; a change of any field needs a new artefact."""

    lexical_bits: int
    """Terms are hashed into 2 ** lexical_bits buckets."""
    signal_names: tuple[str, ...] = SIGNAL_NAMES
    cuts_unspaced: bool = True
    """Whether every character of a script without spaces counts as a word; otherwise a run of them does."""


class TextFeatures(NamedTuple):
    """One text as numbers."""

    dense: NDArray[np.float32]
    """[embedder dimension], unit norm."""
    signals: NDArray[np.float32]
    """[len(SIGNAL_NAMES)]."""
    buckets: NDArray[np.int64]
    """Distinct hashed terms, ascending."""
    damped_counts: NDArray[np.float32]
    """1 + ln(how often the term occurs), as long as `buckets`."""


class TextReader:
    """Reads texts as artefacts of one specification were trained to."""

    __slots__ = ("_embedder", "_mask", "_vocabulary")

    def __init__(self, specification: FeatureSpec, embedder: Embedder | None) -> None:
        """Without an embedder it reads only texts whose vectors come with them."""
        self._mask = (1 << specification.lexical_bits) - 1
        self._embedder = embedder
        self._vocabulary = Vocabulary(cuts_unspaced=specification.cuts_unspaced)

    def read(self, text: str, vector: NDArray[np.float32] | None = None) -> TextFeatures:
        """Return the features of one text; `vector` is its embedding where that is known already."""
        if vector is None:
            if self._embedder is None:
                raise ValueError("a text without its vector needs an embedder")
            vector = self._embedder.embed(text)
        words = self._vocabulary.read(text[:MAX_CHARS])
        return TextFeatures(vector, text_signals(text, words), *self._hashed_terms(words))

    def _hashed_terms(self, words: Words) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the buckets of words and of pairs of neighbours, and their damped counts.

        Character runs beside them cost this predictor quality.
        """
        codes = words.codes[:MAX_TERM_WORDS]
        if not codes:
            return _NOTHING, _DAMPED[:0]
        pairs = map(crc32, words.continuations[1:MAX_TERM_WORDS], codes)
        terms = np.array([*codes, *pairs], dtype=np.int64) & self._mask
        terms.sort()
        # np.unique with counts takes several times as long.
        bounds = np.concatenate((_TRUE, terms[1:] != terms[:-1], _TRUE)).nonzero()[0]
        return terms.take(bounds[:-1]), _DAMPED.take(bounds[1:] - bounds[:-1])
