"""A bounded cache of vectors in front of any embedder of the request path."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from frontdesk_server.artefacts.embedders.protocol import AsyncEmbedder, Matrix, Vector


class CachedEmbedder:
    """Remembers the vectors of the texts used last, keyed by their hash, so that no prompt stays in memory.

    A batch asks the embedder behind it once, for what is missing, each text once. Belongs to one event loop: it takes
    no lock. Two calls that miss the same text at the same time both ask.
    """

    __slots__ = ("_embedder", "_max_entries", "_vectors", "dimension", "hits", "id", "inline", "misses")

    def __init__(self, embedder: AsyncEmbedder, max_entries: int) -> None:
        if max_entries < 1:
            raise ValueError(f"max_entries must be at least 1, not {max_entries}")
        self._embedder = embedder
        self._max_entries = max_entries
        self._vectors: OrderedDict[bytes, Vector] = OrderedDict()
        self.id = embedder.id
        self.inline = embedder.inline
        self.dimension = embedder.dimension
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._vectors)

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of the texts, shape (len(texts), dimension). Failures pass through and leave no trace."""
        keys = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        found = {key: vector for key in keys if (vector := self._vectors.get(key)) is not None}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        self.hits += len(texts) - len(missing)
        self.misses += len(missing)
        if missing:
            found.update(zip(missing, await self._embedder.embed(list(missing.values())), strict=True))
        for key in keys:
            self._remember(key, found[key])
        return np.stack([found[key] for key in keys]) if keys else np.empty((0, self.dimension), np.float32)

    def _remember(self, key: bytes, vector: Vector) -> None:
        if key not in self._vectors:
            # A copy, since a row is a view that would keep its whole batch alive.
            self._vectors[key] = vector.copy()
            if len(self._vectors) > self._max_entries:
                self._vectors.popitem(last=False)
        self._vectors.move_to_end(key)
