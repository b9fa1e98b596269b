"""Clients of upstream APIs, each imported where one is configured. Nothing outside this package knows httpx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frontdesk_server.config.clouds import (
    AzureOpenAIBackendConfig,
    BedrockBackendConfig,
    VertexClaudeBackendConfig,
    VertexGeminiBackendConfig,
)
from frontdesk_server.config.pool import (
    AnthropicBackendConfig,
    BackendConfig,
    OpenAIBackendConfig,
    OpenAIResponsesBackendConfig,
    SimulatedBackendConfig,
)
from frontdesk_server.domain.backend import Backend
from frontdesk_server.domain.either import either
from frontdesk_server.domain.model import Pool

if TYPE_CHECKING:
    from frontdesk_server.backends.simulated import Pace

__all__ = ["build_backend"]


def build_backend(name: str, config: BackendConfig, models: Pool) -> Backend:
    """The client that a configuration describes; a simulated one keeps the pace which its models announce.

    Raises:
        signon.SignOnUnusable: its sign-on cannot be used as it is configured.
    """
    match config:
        case OpenAIBackendConfig():
            from frontdesk_server.backends.openai import OpenAIBackend

            return OpenAIBackend(name, config)
        case AzureOpenAIBackendConfig():
            from frontdesk_server.backends.azure_openai import AzureOpenAIBackend

            return AzureOpenAIBackend(name, config)
        case OpenAIResponsesBackendConfig():
            from frontdesk_server.backends.responses import OpenAIResponsesBackend

            return OpenAIResponsesBackend(name, config)
        case VertexGeminiBackendConfig():
            from frontdesk_server.backends.vertex import VertexGeminiBackend

            return VertexGeminiBackend(name, config)
        case AnthropicBackendConfig():
            from frontdesk_server.backends.anthropic import AnthropicBackend

            return AnthropicBackend(name, config)
        case VertexClaudeBackendConfig():
            from frontdesk_server.backends.vertex import VertexClaudeBackend

            return VertexClaudeBackend(name, config)
        case BedrockBackendConfig():
            from frontdesk_server.backends.bedrock import BedrockBackend

            return BedrockBackend(name, config)
        case SimulatedBackendConfig():
            from frontdesk_server.backends.simulated import SimulatedBackend

            return SimulatedBackend(name, config, _paces(name, config, models))


def _paces(name: str, config: SimulatedBackendConfig, models: Pool) -> dict[str, Pace]:
    from frontdesk_server.backends.simulated import Pace

    return {
        deployment.upstream_model: Pace(
            either(model.time_to_first_token_ms, config.time_to_first_token_ms),
            either(model.output_tokens_per_second, config.output_tokens_per_second),
        )
        for model in models.values()
        for deployment in model.deployments
        if deployment.backend == name
    }
