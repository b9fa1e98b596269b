"""From a text to what the predictor sees: its embedding, its signals, and its hashed words and word pairs."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.embedders import Embedder
from frontdesk_server.predictor.signals import SIGNAL_NAMES, text_signals, words_of

__all__ = ["FeatureSpec", "TextFeatures", "hashed_terms", "read_text"]

MAX_TERM_WORDS = 600
"""Words beyond this number are not hashed, so that a long document costs a bounded time."""

_TRUE = np.ones(1, dtype=np.bool_)
_NO_BOUNDS = np.zeros(1, dtype=np.int64)
_DAMPED = (1.0 + np.log(np.maximum(np.arange(2 * MAX_TERM_WORDS), 1))).astype(np.float32)


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """What an artefact was trained on; a change of any field needs a new artefact."""

    lexical_bits: int
    """Terms are hashed into 2 ** lexical_bits buckets."""
    signal_names: tuple[str, ...] = SIGNAL_NAMES


@dataclass(frozen=True, slots=True, eq=False)
class TextFeatures:
    """One text as numbers."""

    dense: NDArray[np.float32]
    """[embedder dimension], unit norm."""
    signals: NDArray[np.float32]
    """[len(SIGNAL_NAMES)]."""
    buckets: NDArray[np.int64]
    """Distinct hashed terms, ascending."""
    damped_counts: NDArray[np.float32]
    """1 + ln(how often the term occurs), as long as `buckets`."""


def read_text(
    text: str, embedder: Embedder | None, lexical_bits: int, vector: NDArray[np.float32] | None = None
) -> TextFeatures:
    """Return the features of one text; `vector` is its embedding where that is known already."""
    if vector is None:
        if embedder is None:
            raise ValueError("a text without its vector needs an embedder")
        vector = embedder.embed(text)
    words = words_of(text)
    lowered = [word.lower() for word in words]
    return TextFeatures(vector, text_signals(text, words, lowered), *hashed_terms(lowered, lexical_bits))


def hashed_terms(lowered: Sequence[str], bits: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the buckets of words and of pairs of neighbours, and their damped counts.

    Character runs, which :mod:`frontdesk_server.embedders.sparse` adds, cost this predictor quality. The hash is
    CRC-32, the same in every process and version.
    """
    encoded = [word.encode("utf-8", "surrogatepass") for word in lowered[:MAX_TERM_WORDS]]
    crc32, mask = zlib.crc32, (1 << bits) - 1
    found = [crc32(word) & mask for word in encoded]
    found += [crc32(first + b" " + second) & mask for first, second in pairwise(encoded)]
    terms = np.array(found, dtype=np.int64)
    terms.sort()
    # np.unique with counts takes several times as long.
    bounds = np.concatenate((_TRUE, terms[1:] != terms[:-1], _TRUE)).nonzero()[0] if found else _NO_BOUNDS
    return terms.take(bounds[:-1]), _DAMPED.take(bounds[1:] - bounds[:-1])
