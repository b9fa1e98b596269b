"""What the rest of Frontdesk knows of an embedder: an identity, a dimension, texts in, unit vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float32]
"""One embedding, shape (dimension,): L2 norm 1, or all zeros for a text without a known token."""

Matrix: TypeAlias = NDArray[np.float32]
"""Embeddings of several texts, shape (texts, dimension), one row a text."""


def is_finite(vector: Vector) -> bool:
    """Whether it is of finite numbers: its squared length is one then, and none is so great that it overflows."""
    return isfinite(vector.dot(vector))


class EmbedderError(Exception):
    """An embedder could not be loaded, or could not embed a text; the message says what to change."""


class Embedder(Protocol):
    """Turns texts into unit vectors, in the calling thread."""

    @property
    def id(self) -> str:
        """Name and content hash; trained artefacts record it, and vectors of different ids must never be compared."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def blocking(self) -> bool:
        """Whether one text takes so long (a millisecond or more) that the event loop must not wait for it."""
        ...

    def embed(self, text: str) -> Vector:
        """Return the vector of one text, shape (dimension,)."""
        ...

    def embed_many(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of several texts, shape (len(texts), dimension)."""
        ...


class AsyncEmbedder(Protocol):
    """The face that the request path sees: whatever stands behind it, awaiting it never blocks the event loop."""

    @property
    def id(self) -> str:
        """Name and content hash, as of `Embedder.id`."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def inline(self) -> bool:
        """Whether `embed` answers without giving way to other tasks, so that no timeout could interrupt it."""
        ...

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of several texts, shape (len(texts), dimension). Raises `EmbedderError`."""
        ...


class NoEmbedder:
    """Stands for one that could not be built, so that all else can be looked at."""

    id = ""
    dimension = 0
    inline = True

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """Raises `EmbedderError`."""
        raise EmbedderError("there is no embedder")
