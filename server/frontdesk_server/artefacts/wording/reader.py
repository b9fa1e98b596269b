"""Reads a text's pieces off a table of learned weights: a few microseconds, one sum a word."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.wording.clauses import clauses_of
from frontdesk_server.artefacts.wording.pieces import Vocabulary, words_of
from frontdesk_server.domain.errors import FrontdeskError

__all__ = ["OUTPUTS", "Wording", "WordingError", "WordingReader", "default_wording", "default_wording_path"]

OUTPUTS = ("difficulty", "code")
"""Columns of the table: two log-odds."""

MAX_WORDS = 120
"""Words and signs beyond these are not read, of a text or of one clause: what is asked is short, as is its reading."""

_ASKED_PIECES = 25
"""About as many as it takes to ask."""

_MEMO_MAX_WORDS = 20_000
_MEMO_MAX_CHARACTERS = 24


class WordingError(FrontdeskError):
    """The table of weights is absent or damaged."""


class Wording(NamedTuple):
    """What the wording says, as log-odds; 0 is undecided."""

    difficulty: float
    code: float


UNWORDED = Wording(0.0, 0.0)
"""Of a text without a known piece."""


def share_of(pieces: int) -> float:
    """By what the sum over so many pieces of a text is multiplied.

    Evidence adds up as by the root of the number, until there are more pieces than it takes to ask: what a long tale
    says in passing must not add up to a hard question.
    """
    return 1.0 / max(sqrt(pieces), pieces / sqrt(_ASKED_PIECES))


class WordingReader:
    """A learned table at work: the sum of the weights of a text's pieces by their share.

    Remembers the words it has met, until there are too many. Safe to share.
    """

    __slots__ = ("_bias", "_memo", "_vocabulary", "_weights")

    def __init__(self, pieces: Sequence[str], weights: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        """Take weights [pieces, outputs] and what a text without weight comes to. Raises WordingError."""
        if weights.shape != (len(pieces), len(OUTPUTS)) or bias.shape != (len(OUTPUTS),):
            raise WordingError(f"weights of shape {weights.shape} are none of {len(pieces)} pieces")
        self._vocabulary = Vocabulary(pieces)
        self._weights = weights
        self._bias = tuple(bias.tolist())
        self._memo: dict[str, tuple[int, float, float]] = {}

    @classmethod
    def load(cls, path: Path) -> WordingReader:
        """Read the table of a file: `pieces`, UTF-8, a line each; `weights`, int8, and their `scale`; `bias`.

        Raises WordingError.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                pieces = arrays["pieces"].tobytes().decode("utf-8").split("\n")
                weights = arrays["weights"] * arrays["scale"]
                return cls(pieces, weights, arrays["bias"])
        except (OSError, KeyError, ValueError) as error:
            raise WordingError(f"{path}: not a readable table of weights: {error!r}") from error

    def read(self, text: str, *, by_clauses: bool = False) -> Wording:
        """What a text's wording says; `by_clauses` of difficulty what its clauses say on average."""
        clauses = [sums for sums in map(self._sums, clauses_of(text) if by_clauses else (text,)) if sums[0]]
        if not clauses:
            return UNWORDED
        difficulty = sum([share_of(pieces) * odds for pieces, odds, _ in clauses]) / len(clauses)
        code = share_of(sum([sums[0] for sums in clauses])) * sum([sums[2] for sums in clauses])
        return Wording(self._bias[0] + difficulty, self._bias[1] + code)

    def _sums(self, text: str) -> tuple[int, float, float]:
        """How many pieces a text has, and the sums of their weights."""
        memo = self._memo
        count, difficulty, code = 0, 0.0, 0.0
        for word in words_of(text)[:MAX_WORDS]:
            part = memo.get(word) or self._enter(word)
            count += part[0]
            difficulty += part[1]
            code += part[2]
        return count, difficulty, code

    def _enter(self, word: str) -> tuple[int, float, float]:
        numbers = self._vocabulary.split(word)
        difficulty, code = self._weights[numbers].sum(axis=0).tolist() if numbers else (0.0, 0.0)
        part = (len(numbers), difficulty, code)
        if len(word) <= _MEMO_MAX_CHARACTERS:
            if len(self._memo) >= _MEMO_MAX_WORDS:
                self._memo.clear()  # what is common comes back at once
            self._memo[word] = part
        return part


def default_wording_path() -> Path:
    """Where the table that ships lies; its README tells what it was learned from."""
    return Path(str(files("frontdesk_server.artefacts.wording") / "data" / "wording.npz"))


@cache
def default_wording() -> WordingReader:
    """The table that ships, loaded once."""
    return WordingReader.load(default_wording_path())
