"""Clients of upstream APIs. Nothing outside this package knows httpx."""

from __future__ import annotations

from frontdesk_server.backends.anthropic import AnthropicBackend
from frontdesk_server.backends.azure_openai import AzureOpenAIBackend
from frontdesk_server.backends.bedrock import BedrockBackend
from frontdesk_server.backends.openai import OpenAIBackend
from frontdesk_server.backends.responses import OpenAIResponsesBackend
from frontdesk_server.backends.signon import SignOnUnusable
from frontdesk_server.backends.simulated import Pace, SimulatedBackend
from frontdesk_server.backends.vertex import VertexClaudeBackend, VertexGeminiBackend
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
from frontdesk_server.domain.model import Pool

__all__ = ["AnthropicBackend", "OpenAIBackend", "Pace", "SignOnUnusable", "SimulatedBackend", "build_backend"]


def build_backend(name: str, config: BackendConfig, models: Pool) -> Backend:
    """The client that a configuration describes; a simulated one keeps the pace which its models announce.

    Raises:
        SignOnUnusable: its sign-on cannot be used as it is configured.
    """
    match config:
        case OpenAIBackendConfig():
            return OpenAIBackend(name, config)
        case AzureOpenAIBackendConfig():
            return AzureOpenAIBackend(name, config)
        case OpenAIResponsesBackendConfig():
            return OpenAIResponsesBackend(name, config)
        case VertexGeminiBackendConfig():
            return VertexGeminiBackend(name, config)
        case AnthropicBackendConfig():
            return AnthropicBackend(name, config)
        case VertexClaudeBackendConfig():
            return VertexClaudeBackend(name, config)
        case BedrockBackendConfig():
            return BedrockBackend(name, config)
        case SimulatedBackendConfig():
            return SimulatedBackend(name, config, _paces(name, config, models))


def _paces(name: str, config: SimulatedBackendConfig, models: Pool) -> dict[str, Pace]:
    return {
        deployment.upstream_model: Pace(
            _either(model.time_to_first_token_ms, config.time_to_first_token_ms),
            _either(model.output_tokens_per_second, config.output_tokens_per_second),
        )
        for model in models.values()
        for deployment in model.deployments
        if deployment.backend == name
    }


def _either(first: float | None, second: float) -> float:
    return second if first is None else first
