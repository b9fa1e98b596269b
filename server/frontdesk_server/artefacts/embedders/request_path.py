"""Embedders on the request path: fast ones inline, slow ones in a thread, each behind the same async face."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor

from frontdesk_server.artefacts.embedders.protocol import AsyncEmbedder, Embedder, Matrix


class InlineEmbedder:
    """Runs a fast embedder on the event loop: at microseconds a text, a thread would cost more than it saves."""

    __slots__ = ("_embedder", "dimension", "id")

    inline = True

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.id = embedder.id
        self.dimension = embedder.dimension

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of the texts, shape (len(texts), dimension)."""
        return self._embedder.embed_many(texts)


class ThreadedEmbedder:
    """Runs a blocking embedder in an executor (the event loop's own where none is given), one job a batch."""

    __slots__ = ("_embedder", "_executor", "dimension", "id")

    inline = False

    def __init__(self, embedder: Embedder, executor: Executor | None = None) -> None:
        self._embedder = embedder
        self._executor = executor
        self.id = embedder.id
        self.dimension = embedder.dimension

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of the texts, shape (len(texts), dimension)."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._embedder.embed_many, texts)


def on_request_path(embedder: Embedder, executor: Executor | None = None) -> AsyncEmbedder:
    """Give an embedder its async face: inline if it is fast, in a thread of `executor` if it is `blocking`."""
    return ThreadedEmbedder(embedder, executor) if embedder.blocking else InlineEmbedder(embedder)
