"""POST /v1/embeddings: passed to the one backend that is configured for it, and neither routed nor priced."""

from __future__ import annotations

import asyncio
from typing import Protocol

from frontdesk_server.desk.calls import FrontCall
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.errors import DeadlineExceeded
from frontdesk_server.faces.http import HttpRequest, Reply
from frontdesk_server.faces.openai.dialect import OpenAIFace
from frontdesk_server.faces.status import NoSuchPath


class Endpoint(Protocol):
    """Where embeddings are asked for."""

    async def post(self, body: bytes) -> bytes:
        """Send a request's JSON and return the response's; raises UpstreamError."""


class Embeddings(OpenAIFace):
    """The face of embeddings."""

    method = "POST /v1/embeddings"

    def __init__(self, endpoint: Endpoint | None, clock: Clock) -> None:
        self._endpoint = endpoint
        self._clock = clock

    async def answer(self, request: HttpRequest, call: FrontCall, reply: Reply) -> None:
        """Pass on what is asked, and what is answered."""
        if self._endpoint is None:
            raise NoSuchPath("no backend is configured for embeddings (server.http.embeddings_backend)")
        request.json_object()
        remaining = None if call.deadline is None else call.deadline - self._clock.monotonic()
        try:
            async with asyncio.timeout(remaining):
                answer = await self._endpoint.post(request.body)
        except TimeoutError as timeout:
            raise DeadlineExceeded("the deadline passed before the embeddings came") from timeout
        reply.deadline = call.deadline
        await reply.document(answer)
