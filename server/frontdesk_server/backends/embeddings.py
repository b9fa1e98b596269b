"""Embeddings by an OpenAI-compatible `/v1/embeddings` endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import httpx
import numpy as np
import orjson

from frontdesk_server.artefacts.embedders import Matrix
from frontdesk_server.backends.failures import HTTP_EXCEPTIONS, http_error
from frontdesk_server.backends.headers import RepeatedHeaders
from frontdesk_server.backends.json_reading import json_value, place
from frontdesk_server.backends.refusals import error_object, status_error
from frontdesk_server.backends.signon import SignOn
from frontdesk_server.backends.transport import timeout_of
from frontdesk_server.domain.errors import UpstreamProtocolError
from frontdesk_server.domain.model import Timeouts


class EmbeddingsEndpoint:
    """Where embeddings are asked for. `base_url` ends before `/embeddings`, usually in `/v1`.

    The transport is the caller's, who closes it.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        base_url: str,
        sign_on: SignOn | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        self.url = base_url.rstrip("/") + "/embeddings"
        self._transport = transport
        self._sign_on = sign_on
        fixed = {"content-type": "application/json", "user-agent": "frontdesk", "accept-encoding": "gzip, deflate"}
        self._headers = RepeatedHeaders({**fixed, **(headers or {})})
        self._timeouts = Timeouts(
            connect_seconds=timeout_seconds,
            first_token_seconds=timeout_seconds,
            idle_seconds=timeout_seconds,
            total_seconds=timeout_seconds,
        )

    async def post(self, body: bytes) -> bytes:
        """Send a request's JSON and return the response's; raises what `domain.errors.UpstreamError` roots."""
        seconds = self._timeouts.total_seconds
        signed = {} if self._sign_on is None else await self._sign_on.headers(self.url, body)
        timeout = timeout_of(seconds, seconds)
        headers = self._headers.signed(signed)
        request = httpx.Request("POST", self.url, headers=headers, content=body, extensions={"timeout": timeout})
        try:
            response = await self._transport.handle_async_request(request)
            try:
                await response.aread()
            finally:
                await response.aclose()
        except HTTP_EXCEPTIONS as error:
            raise http_error(error, self._timeouts, seconds, began=False) from error
        if response.status_code != 200:
            raise status_error(response.status_code, response.headers, response.content)
        return response.content


class EmbeddingsClient:
    """An `AsyncEmbedder` over HTTP: texts go out in batches, one after the other; vectors come back with length 1.

    Raises what `domain.errors.UpstreamError` roots; vectors of another dimension than configured are an
    `UpstreamProtocolError`.
    """

    inline = False

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        base_url: str,
        model: str,
        dimension: int,
        sign_on: SignOn | None = None,
        headers: Mapping[str, str] | None = None,
        max_batch: int = 64,
        timeout_seconds: float = 10.0,
    ) -> None:
        self.dimension = dimension
        self._endpoint = EmbeddingsEndpoint(
            transport, base_url=base_url, sign_on=sign_on, headers=headers, timeout_seconds=timeout_seconds
        )
        self._model = model
        self._max_batch = max_batch
        served = f"{self._endpoint.url}\n{model}\n{dimension}"
        self.id = f"{model}@{sha256(served.encode()).hexdigest()[:16]}"

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of the texts, shape (len(texts), dimension)."""
        batches = [texts[start : start + self._max_batch] for start in range(0, len(texts), self._max_batch)]
        vectors = [await self._embed_batch(batch) for batch in batches]
        return np.concatenate([np.empty((0, self.dimension), np.float32), *vectors])

    async def _embed_batch(self, texts: Sequence[str]) -> Matrix:
        body = orjson.dumps({"model": self._model, "input": list(texts), "encoding_format": "float"})
        return self._read(await self._endpoint.post(body), len(texts))

    def _read(self, content: bytes, count: int) -> Matrix:
        try:
            document = json_value(content)
        except ValueError as error:
            raise UpstreamProtocolError("the embeddings response is not valid JSON") from error
        if failure := error_object(document):
            raise failure
        try:
            rows = _in_order(document["data"])
            embeddings = [rows[index] for index in range(count)]
        except (AttributeError, KeyError, TypeError) as error:
            raise UpstreamProtocolError(
                f"the embeddings response does not hold one vector for each of {count} texts"
            ) from error
        vectors = np.array([self._vector(index, embedding) for index, embedding in enumerate(embeddings)], np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)

    def _vector(self, index: int, embedding: Any) -> Matrix:
        try:
            vector = np.array(embedding)
        except ValueError:  # lists within
            vector = np.empty(0, object)
        if not isinstance(embedding, list) or vector.dtype.kind not in "fiu":
            raise UpstreamProtocolError(f"the embedding of text {index} is not a list of numbers")
        if vector.shape != (self.dimension,):
            raise UpstreamProtocolError(
                f"{self._model} gives vectors of dimension {vector.shape[-1]}, but {self.dimension} is configured"
            )
        with np.errstate(over="ignore"):
            vector = vector.astype(np.float32)
        if not np.isfinite(vector).all():
            raise UpstreamProtocolError(f"the embedding of text {index} holds a number without bounds")
        return vector


def _in_order(items: Sequence[Any]) -> dict[int, Any]:
    """The embeddings by index; items without one, as where serialisers leave a zero out, have those that are free."""
    indexes = [place(item.get("index")) for item in items]
    free = (index for index in range(len(items)) if index not in indexes)
    return {
        next(free) if index is None else index: item["embedding"] for index, item in zip(indexes, items, strict=True)
    }
