"""Static embeddings: a weighted mean of token vectors from a table; no neural network, so it takes microseconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.embedders.excerpt import excerpt
from frontdesk_server.artefacts.embedders.protocol import EmbedderError, Matrix, Vector
from frontdesk_server.artefacts.embedders.safetensors import read_safetensors
from frontdesk_server.artefacts.embedders.tokens import TokenIds

_TABLE_NAMES = ("embeddings", "embedding.weight")  # model2vec's (and ours), wordllama's
_MAX_CHARACTERS = 16_384


class StaticEmbedder:
    """Weighted mean of the text's token vectors, normalised to length 1.

    A text longer than 16,384 characters is represented by its beginning and its end.
    """

    __slots__ = ("_table", "_token_ids", "_weights", "dimension", "id")

    blocking = False

    def __init__(self, id_: str, token_ids: TokenIds, table: NDArray[np.generic], weights: NDArray[np.float32]) -> None:
        self.id = id_
        self.dimension = int(table.shape[1])
        self._token_ids = token_ids
        narrow = np.result_type(table, np.float32) == np.float32
        self._table = table if narrow else table.astype(np.float32)
        self._weights = weights

    @classmethod
    def load(cls, folder: Path, name: str = "") -> StaticEmbedder:
        """Load `model.safetensors` and `tokenizer.json` of a folder, laid out as by Frontdesk, model2vec or wordllama.

        The table is `embeddings` or `embedding.weight`, shape (rows, dimension), of integers or floats; optional are
        `weights`, one a token, and `mapping` from token id to row. Raises `EmbedderError`.
        """
        tensors = read_safetensors(folder / "model.safetensors")
        token_ids = TokenIds(folder / "tokenizer.json")
        table = next((tensors[key] for key in _TABLE_NAMES if key in tensors), None)
        if table is None or table.ndim != 2:
            raise EmbedderError(f"{folder}: model.safetensors holds no two-dimensional {' or '.join(_TABLE_NAMES)}")
        if "mapping" in tensors:
            mapping = tensors["mapping"]
            if mapping.min() < 0 or mapping.max() >= len(table):
                raise EmbedderError(f"{folder}: mapping leads out of the table of {len(table)} rows")
            table = table[mapping]
        weights = tensors.get("weights", np.ones(len(table))).astype(np.float32)
        if not len(table) == len(weights) >= token_ids.count:
            raise EmbedderError(
                f"{folder}: {token_ids.count} tokens, but {len(table)} vectors and {len(weights)} weights"
            )
        if token_ids.unknown_id is not None:
            weights[token_ids.unknown_id] = 0.0
        return cls(f"{name or folder.resolve().name}@{_content_hash(folder)}", token_ids, table, weights)

    def embed(self, text: str) -> Vector:
        """Return the vector of one text, shape (dimension,); all zeros when it has no known token."""
        ids = np.array(self.token_ids(text), np.intp)
        vector: Vector = self._weights.take(ids).dot(self._table.take(ids, axis=0))
        length = math.sqrt(vector.dot(vector))
        return vector / length if length > 0.0 else vector

    def token_ids(self, text: str) -> list[int]:
        """Return the ids of the tokens that `embed` looks at."""
        return self._token_ids.of(excerpt(text, _MAX_CHARACTERS))

    def embed_many(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of several texts, shape (len(texts), dimension)."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self.embed(text)
        return vectors


@lru_cache(maxsize=1)
def load_default() -> StaticEmbedder:
    """The table that ships with Frontdesk, loaded once; `embedders/data/README.md` tells where it comes from."""
    with as_file(files("frontdesk_server.artefacts.embedders") / "data") as folder:
        return StaticEmbedder.load(folder, name="frontdesk-static")


def _content_hash(folder: Path) -> str:
    digest = sha256()
    for name in ("model.safetensors", "tokenizer.json"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]
