"""Reads a text's pieces off a table of learned weights: a few microseconds, some sums a word."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from math import log1p, sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.wording.pieces import Vocabulary, words_of
from frontdesk_server.domain.errors import FrontdeskError

OUTPUTS = ("difficulty", "code")
"""The first columns of the table: two log-odds."""

DETECTORS = 2
"""For each output so many kinds of neighbouring pieces are looked for, which tell of it wherever they stand."""

MAX_WORDS = 400
"""Words and signs beyond these are not read: what is asked is short, as is its reading."""

_ASKED_PIECES = 25
"""About as many as it takes to ask."""

_MEMO_MAX_WORDS = 20_000
_MEMO_MAX_CHARACTERS = 24


class WordingError(FrontdeskError):
    """The table of weights is absent or damaged."""


class Wording(NamedTuple):
    """What the wording says, as log-odds."""

    difficulty: float
    code: float
    unread: str = ""
    """Why nothing was read; the wording then says nothing, and its numbers are 0."""


_WORDLESS = Wording(0.0, 0.0, "there are no words")
_UNKNOWN_SCRIPT = Wording(0.0, 0.0, "its script is not read")
"""Of a text most letters of which are in no known piece: what else it holds is not what it says."""


class WordingArrays(NamedTuple):
    """What was learned, in float32."""

    weights: NDArray[np.float32]
    """Of every piece [pieces, 2 + 2 x 4]: its share of each output; how much each detector, those of difficulty before
    those of code, takes it for the first of a pair; the same for the second."""
    bias: NDArray[np.float32]
    """Of each output."""
    detectors: NDArray[np.float32]
    """[3, 4]: how much a text's beginning is the first of a pair; an offset; what finds add to the output."""


_OfDetectors = tuple[float, float, float, float]
_ALL = len(OUTPUTS) * DETECTORS


_Sums = tuple[float, float, _OfDetectors, _OfDetectors, _OfDetectors]
_NOTHING: _OfDetectors = (0.0, 0.0, 0.0, 0.0)
_NO_SUMS: _Sums = (0.0, 0.0, _NOTHING, _NOTHING, _NOTHING)


class _Part(NamedTuple):
    """What a word adds: its pieces, the sums of their weights, what detectors find within it and at its ends."""

    read: int
    """Letters in known pieces; a number counts as one."""
    unread: int
    pieces: int
    difficulty: float
    code: float
    within: _OfDetectors
    first: _OfDetectors
    last: _OfDetectors


def share_of(pieces: int) -> float:
    """By what the sum over so many pieces of a text is multiplied.

    Evidence adds up as by the root of the number, until there are more pieces than it takes to ask: what a long tale
    says in passing must not add up to a hard question.
    """
    return 1.0 / max(sqrt(pieces), pieces / sqrt(_ASKED_PIECES))


class WordingReader:
    """A learned table at work.

    Difficulty and code are the sums of the weights of a text's pieces by their share; each detector adds the logarithm
    of one and all its finds, so that a telling pair counts whatever surrounds it. Remembers the words it has met, until
    there are too many. Safe to share.
    """

    __slots__ = ("_arrays", "_bias", "_gains", "_memo", "_starts", "_vocabulary")

    def __init__(self, pieces: Sequence[str], arrays: WordingArrays) -> None:
        """Take what was learned of pieces. Raises WordingError."""
        expected = (len(pieces), len(OUTPUTS) + 2 * _ALL), (len(OUTPUTS),), (3, _ALL)
        if tuple(array.shape for array in arrays) != expected:
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise WordingError(f"arrays of shapes {shapes} are none of {len(pieces)} pieces")
        self._vocabulary = Vocabulary(pieces)
        self._arrays = arrays
        self._bias = tuple(arrays.bias.tolist())
        starts, offsets, gains = arrays.detectors
        self._starts = tuple(np.exp(starts + offsets).tolist())
        self._gains = tuple(gains.tolist())
        self._memo: dict[str, _Part] = {}

    @classmethod
    def load(cls, path: Path) -> WordingReader:
        """Read a file: `pieces`, UTF-8, a line each; `weights`, int8, and their `scale`; `bias`, `detectors`.

        Raises WordingError.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                pieces = arrays["pieces"].tobytes().decode("utf-8").split("\n")
                learned = WordingArrays(arrays["weights"] * arrays["scale"], arrays["bias"], arrays["detectors"])
                return cls(pieces, learned)
        except (OSError, KeyError, ValueError) as error:
            raise WordingError(f"{path}: not a readable table of weights: {error!r}") from error

    def read(self, text: str) -> Wording:
        """What a text's wording says."""
        memo = self._memo
        read, unread, pieces, difficulty, code = 0, 0, 0, 0.0, 0.0
        a, b, c, d = 0.0, 0.0, 0.0, 0.0  # what each detector has found
        left_a, left_b, left_c, left_d = self._starts
        for word in words_of(text)[:MAX_WORDS]:
            known, unknown, count, of_difficulty, of_code, within, first, last = memo.get(word) or self._enter(word)
            unread += unknown
            if count:
                read += known
                pieces += count
                difficulty += of_difficulty
                code += of_code
                within_a, within_b, within_c, within_d = within
                first_a, first_b, first_c, first_d = first
                a += within_a + left_a * first_a
                b += within_b + left_b * first_b
                c += within_c + left_c * first_c
                d += within_d + left_d * first_d
                left_a, left_b, left_c, left_d = last
        if read <= unread:
            return _UNKNOWN_SCRIPT if unread else _WORDLESS
        share = share_of(pieces)
        gain_a, gain_b, gain_c, gain_d = self._gains
        return Wording(
            self._bias[0] + share * difficulty + gain_a * log1p(a) + gain_b * log1p(b),
            self._bias[1] + share * code + gain_c * log1p(c) + gain_d * log1p(d),
        )

    def _enter(self, word: str) -> _Part:
        numbers = self._vocabulary.split(word)
        letters = self._vocabulary.letters_of(numbers)
        sums = self._sums(numbers) if numbers else _NO_SUMS
        unread = sum(map(str.isalpha, word)) - letters
        part = _Part(letters or word[0].isdigit(), unread, len(numbers), *sums)
        if len(word) <= _MEMO_MAX_CHARACTERS:
            if len(self._memo) >= _MEMO_MAX_WORDS:
                self._memo.clear()  # what is common comes back at once
            self._memo[word] = part
        return part

    def _sums(self, numbers: Sequence[int]) -> _Sums:
        own, firsts, seconds = np.split(self._arrays.weights[numbers], [len(OUTPUTS), len(OUTPUTS) + _ALL], axis=1)
        firsts, seconds = np.exp(firsts + self._arrays.detectors[1]), np.exp(seconds)
        difficulty, code = own.sum(axis=0).tolist()
        within, first, last = (firsts[:-1] * seconds[1:]).sum(axis=0), seconds[0], firsts[-1]
        return difficulty, code, tuple(within.tolist()), tuple(first.tolist()), tuple(last.tolist())


def default_wording_path() -> Path:
    """Where the table that ships lies; its README tells what it was learned from."""
    return Path(str(files("frontdesk_server.artefacts.wording") / "data" / "wording.npz"))


@cache
def default_wording() -> WordingReader:
    """The table that ships, loaded once."""
    return WordingReader.load(default_wording_path())
