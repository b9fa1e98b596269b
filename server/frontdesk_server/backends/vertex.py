"""The clients of Vertex AI: Gemini by its OpenAI-compatible endpoint, Claude by its publisher's own API."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from frontdesk_server.backends.anthropic import DEFAULT_MAX_TOKENS, AnthropicBackend
from frontdesk_server.backends.anthropic_betas import with_betas, without_betas
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.backends.anthropic_response import AnthropicTranslator
from frontdesk_server.backends.exchange import Upstream, converse
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.config.clouds import VertexClaudeBackendConfig, VertexGeminiBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.events import Batch
from frontdesk_server.domain.model import Capability

_PUBLISHER = "google/"
"""Whose models are meant where a name does not say."""


class VertexGeminiBackend:
    """Speaks /endpoints/openapi/chat/completions, streamed and unary."""

    provider = "gcp.vertex_ai"
    capabilities = frozenset(Capability)

    def __init__(self, name: str, config: VertexGeminiBackendConfig) -> None:
        self.name = name
        self._upstream = Upstream(config, "/endpoints/openapi/chat/completions")

    def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        """Yield the answer as `domain.backend.Backend` demands."""
        return converse(self._upstream, self._body, OpenAITranslator(call.provider), call)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._upstream.aclose()

    def _body(self, call: BackendCall) -> dict[str, Any]:
        if "/" not in call.upstream_model:
            call = replace(call, upstream_model=_PUBLISHER + call.upstream_model)
        return chat_completion_body(call)


class VertexClaudeBackend:
    """Speaks :rawPredict and :streamRawPredict: Anthropic's Messages with the model in the address."""

    provider = "gcp.vertex_ai"
    capabilities = AnthropicBackend.capabilities - {Capability.JSON_SCHEMA}  # output_config is refused there

    def __init__(self, name: str, config: VertexClaudeBackendConfig) -> None:
        self.name = name
        self._version = config.version
        self._upstream = Upstream(config, _claude_path)

    def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        """Yield the answer as `domain.backend.Backend` demands."""
        return converse(self._upstream, self._body, AnthropicTranslator(call.provider), with_betas(call))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._upstream.aclose()

    def _body(self, call: BackendCall) -> dict[str, Any]:
        body = without_betas(messages_body(call, DEFAULT_MAX_TOKENS))
        del body["model"]
        return {"anthropic_version": self._version, **body}


def _claude_path(call: BackendCall) -> str:
    method = "streamRawPredict" if call.stream else "rawPredict"
    return f"/publishers/anthropic/models/{quote(call.upstream_model, safe='@')}:{method}"
