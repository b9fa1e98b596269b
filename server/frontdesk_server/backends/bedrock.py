"""The client of Amazon Bedrock: Converse and ConverseStream, for all its models alike."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote

from frontdesk_server.backends.bedrock_request import converse_body
from frontdesk_server.backends.bedrock_response import BedrockTranslator
from frontdesk_server.backends.event_stream import CONTENT_TYPE
from frontdesk_server.backends.exchange import Upstream, converse
from frontdesk_server.config.clouds import BedrockBackendConfig
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.events import Batch
from frontdesk_server.domain.model import Capability


class BedrockBackend:
    """Speaks /model/ID/converse and /converse-stream."""

    provider = "aws.bedrock"
    capabilities = frozenset(
        (
            Capability.TOOLS,
            Capability.JSON_SCHEMA,
            Capability.IMAGE_INPUT,
            Capability.AUDIO_INPUT,
            Capability.DOCUMENT_INPUT,
            Capability.REASONING,
            Capability.TOP_K,
            Capability.PREFILL,
            Capability.TOOL_RESULT_MEDIA,
        )
    )

    def __init__(self, name: str, config: BedrockBackendConfig) -> None:
        self.name = name
        self._config = config
        self._upstream = Upstream(config, _path, headers={"accept": f"{CONTENT_TYPE}, application/json"})

    def stream(self, call: BackendCall) -> AsyncGenerator[Batch]:
        """Yield the answer as `domain.backend.Backend` demands."""
        return converse(self._upstream, self._body, BedrockTranslator(call.upstream_model, call.provider), call)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._upstream.aclose()

    def _body(self, call: BackendCall) -> dict[str, Any]:
        return converse_body(call, self._config.family_of(call.upstream_model))


def _path(call: BackendCall) -> str:
    """With the colons of ids as they are: one transport decodes them, and what is signed must be what is sent."""
    return f"/model/{quote(call.upstream_model, safe=':')}/{'converse-stream' if call.stream else 'converse'}"
