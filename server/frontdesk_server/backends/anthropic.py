"""The client of Anthropic's native Messages API."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from frontdesk_server.backends.anthropic_betas import with_betas, without_betas
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.backends.anthropic_response import AnthropicTranslator
from frontdesk_server.backends.exchange import Upstream, converse
from frontdesk_server.backends.signon import keyed
from frontdesk_server.config.pool import AnthropicBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.events import Batch
from frontdesk_server.domain.model import Capability

DEFAULT_MAX_TOKENS = 4096
"""Limit of an answer when neither the caller nor the model's configuration sets one."""


class AnthropicBackend:
    """Speaks /v1/messages, streamed and unary."""

    provider = "anthropic"
    capabilities = frozenset(
        (
            Capability.TOOLS,
            Capability.JSON_SCHEMA,
            Capability.IMAGE_INPUT,
            Capability.DOCUMENT_INPUT,
            Capability.REASONING,
            Capability.TOP_K,
            Capability.PREFILL,
            Capability.TOOL_RESULT_MEDIA,
        )
    )

    def __init__(self, name: str, config: AnthropicBackendConfig) -> None:
        self.name = name
        # Configurations name the root with and without the version.
        path = "/messages" if str(config.base_url).rstrip("/").endswith("/v1") else "/v1/messages"
        self._upstream = Upstream(config, path, keyed("x-api-key"), {"anthropic-version": config.version})

    def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        """Yield the answer as `domain.backend.Backend` demands."""
        return converse(self._upstream, self._body, AnthropicTranslator(call.provider), with_betas(call))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._upstream.aclose()

    def _body(self, call: BackendCall) -> dict[str, Any]:
        return without_betas(messages_body(call, DEFAULT_MAX_TOKENS))
