"""Embeddings by an OpenAI-compatible `/v1/embeddings` endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import httpx
import numpy as np
import orjson

from frontdesk_server.backends.failures import HTTP_EXCEPTIONS, error_object, http_error, status_error
from frontdesk_server.domain.errors import UpstreamProtocolError
from frontdesk_server.domain.model import Timeouts
from frontdesk_server.embedders import Matrix


class EmbeddingsClient:
    """An `AsyncEmbedder` over HTTP: texts go out in batches, one after the other; vectors come back with length 1.

    `base_url` ends before `/embeddings`, usually in `/v1`. The HTTP client is the caller's, who closes it. Raises what
    `domain.errors.UpstreamError` roots; vectors of another dimension than configured are an `UpstreamProtocolError`.
    """

    inline = False

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        base_url: str,
        model: str,
        dimension: int,
        api_key: str = "",
        max_batch: int = 64,
        timeout_seconds: float = 10.0,
    ) -> None:
        self.dimension = dimension
        self._client = client
        self._url = base_url.rstrip("/") + "/embeddings"
        self._model = model
        self._headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._max_batch = max_batch
        self._timeouts = Timeouts(
            connect_seconds=timeout_seconds,
            first_token_seconds=timeout_seconds,
            idle_seconds=timeout_seconds,
            total_seconds=timeout_seconds,
        )
        served = f"{self._url}\n{model}\n{dimension}"
        self.id = f"{model}@{sha256(served.encode()).hexdigest()[:16]}"

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of the texts, shape (len(texts), dimension)."""
        batches = [texts[start : start + self._max_batch] for start in range(0, len(texts), self._max_batch)]
        vectors = [await self._embed_batch(batch) for batch in batches]
        return np.concatenate([np.empty((0, self.dimension), np.float32), *vectors])

    async def _embed_batch(self, texts: Sequence[str]) -> Matrix:
        body = orjson.dumps({"model": self._model, "input": list(texts), "encoding_format": "float"})
        seconds = self._timeouts.total_seconds
        try:
            response = await self._client.post(
                self._url,
                content=body,
                headers={"content-type": "application/json", **self._headers},
                timeout=seconds,
            )
        except HTTP_EXCEPTIONS as error:
            raise http_error(error, self._timeouts, seconds, began=False) from error
        if response.status_code != 200:
            raise status_error(response.status_code, response.headers, response.content)
        return self._read(response.content, len(texts))

    def _read(self, content: bytes, count: int) -> Matrix:
        try:
            document: Any = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise UpstreamProtocolError("the embeddings response is not valid JSON") from error
        if isinstance(document, dict) and (failure := error_object(document)):
            raise failure
        try:
            rows = {int(row["index"]): row["embedding"] for row in document["data"]}
            vectors = np.array([rows[index] for index in range(count)], np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise UpstreamProtocolError(
                f"the embeddings response does not hold one vector for each of {count} texts"
            ) from error
        if vectors.shape != (count, self.dimension):
            raise UpstreamProtocolError(
                f"{self._model} gives vectors of dimension {vectors.shape[-1]}, but {self.dimension} is configured"
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
