"""The client of Azure OpenAI: OpenAI's own dialect under two forms of address, with verdicts of content filters.

The filters' verdicts on the prompt come in a chunk without choices; those on the answer beside its pieces, or in chunks
of their own. What they stop ends with `content_filter`, or is a refused request from the beginning.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from urllib.parse import quote

from frontdesk_server.backends.exchange import Upstream, converse
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.backends.openai_response import OpenAITranslator
from frontdesk_server.backends.signon import keyed
from frontdesk_server.config.clouds import AzureOpenAIBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.events import Batch
from frontdesk_server.domain.model import Capability


class AzureOpenAIBackend:
    """Speaks /chat/completions of one deployment, streamed and unary."""

    provider = "azure.ai.openai"
    capabilities = frozenset(Capability)

    def __init__(self, name: str, config: AzureOpenAIBackendConfig) -> None:
        self.name = name
        self._version = config.api_version
        self._upstream = Upstream(config, self._path, keyed("api-key"))

    def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        """Yield the answer as `domain.backend.Backend` demands."""
        return converse(self._upstream, chat_completion_body, OpenAITranslator(call.provider), call)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._upstream.aclose()

    def _path(self, call: BackendCall) -> str:
        if self._version is None:
            return "/openai/v1/chat/completions"
        deployment = quote(call.upstream_model, safe="")
        return f"/openai/deployments/{deployment}/chat/completions?api-version={self._version}"
