"""The client of any OpenAI-compatible API: OpenAI, vLLM, Ollama, llama.cpp, Groq, Gemini's compatible endpoint."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from frontdesk_server.backends.exchange import Upstream, converse
from frontdesk_server.backends.manners import manners_of
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.events import BackendEvent
from frontdesk_server.domain.model import Capability


class OpenAIBackend:
    """Speaks /chat/completions, streamed and unary."""

    capabilities = frozenset(Capability)

    def __init__(self, name: str, config: OpenAIBackendConfig) -> None:
        self.name = name
        self.provider = config.provider
        self._manners = manners_of(config)
        self._upstream = Upstream(config, "/chat/completions")

    def stream(self, call: BackendCall) -> AsyncGenerator[BackendEvent]:
        """Yield the answer as `domain.backend.Backend` demands."""
        return converse(self._upstream, self._body, OpenAITranslator(call.provider), call)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._upstream.aclose()

    def _body(self, call: BackendCall) -> dict[str, Any]:
        return chat_completion_body(call, self._manners)
