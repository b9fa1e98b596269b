"""The client of any OpenAI-compatible API: OpenAI, vLLM, Ollama, llama.cpp, Groq, Gemini's compatible endpoint."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from frontdesk_server.backends.exchange import Upstream, converse
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.events import Batch
from frontdesk_server.domain.model import Capability


class OpenAIBackend:
    """Speaks /chat/completions, streamed and unary."""

    capabilities = frozenset(Capability)

    def __init__(self, name: str, config: OpenAIBackendConfig) -> None:
        self.name = name
        self.provider = config.provider
        self._upstream = Upstream(config, "/chat/completions")

    def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        """Yield the answer as `domain.backend.Backend` demands."""
        translator = OpenAITranslator(call.provider, reasoning_apart=call.profile.reasoning_beside_output)
        return converse(self._upstream, chat_completion_body, translator, call)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._upstream.aclose()
