"""The client of OpenAI's Responses API, and of whoever else speaks it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from frontdesk_server.backends.exchange import Upstream, converse
from frontdesk_server.backends.responses_request import response_body
from frontdesk_server.backends.responses_response import ResponsesTranslator
from frontdesk_server.config.pool import OpenAIResponsesBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.events import Batch
from frontdesk_server.domain.model import Capability


class OpenAIResponsesBackend:
    """Speaks /responses, streamed and unary."""

    capabilities = frozenset(Capability) - {
        Capability.AUDIO_INPUT,
        Capability.PENALTIES,
        Capability.PREFILL,
        Capability.SEED,
        Capability.TOP_K,
    }

    def __init__(self, name: str, config: OpenAIResponsesBackendConfig) -> None:
        self.name = name
        self.provider = config.provider if "provider" in config.model_fields_set else "openai"
        self._upstream = Upstream(config, "/responses")

    def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        """Yield the answer as `domain.backend.Backend` demands."""
        return converse(self._upstream, response_body, ResponsesTranslator(call.provider), call)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._upstream.aclose()
