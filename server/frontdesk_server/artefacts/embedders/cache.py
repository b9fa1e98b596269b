"""A bounded cache of vectors in front of any embedder of the request path."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from cachetools import LRUCache

from frontdesk_server.artefacts.embedders.protocol import AsyncEmbedder, Matrix, Vector


class CachedEmbedder:
    """Remembers the vectors of the texts used last, keyed by their hash, so that no prompt stays in memory.

    A batch asks the embedder behind it once, for what is missing, each text once. Belongs to one event loop: it takes
    no lock. Two calls that miss the same text at the same time both ask.
    """

    __slots__ = ("_embedder", "_vectors", "dimension", "id", "inline")

    def __init__(self, embedder: AsyncEmbedder, max_entries: int) -> None:
        if max_entries < 1:
            raise ValueError(f"max_entries must be at least 1, not {max_entries}")
        self._embedder = embedder
        self._vectors: LRUCache[bytes, Vector] = LRUCache(max_entries)
        self.id = embedder.id
        self.inline = embedder.inline
        self.dimension = embedder.dimension

    def __len__(self) -> int:
        return len(self._vectors)

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of the texts, shape (len(texts), dimension). Failures pass through and leave no trace."""
        keys = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        found = {key: vector for key in keys if (vector := self._vectors.get(key)) is not None}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            for key, vector in zip(missing, await self._embedder.embed(list(missing.values())), strict=True):
                # A copy, since a row is a view that would keep its whole batch alive.
                found[key] = self._vectors[key] = vector.copy()
        return np.stack([found[key] for key in keys]) if keys else np.empty((0, self.dimension), np.float32)
