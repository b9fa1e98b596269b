"""Backends and the models they serve."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from frontdesk_server.config.base import Count, Fraction, Line, Milliseconds, Seconds, Section, refuse_disorder
from frontdesk_server.config.clouds import (
    AzureOpenAIBackendConfig,
    BedrockBackendConfig,
    VertexClaudeBackendConfig,
    VertexGeminiBackendConfig,
)
from frontdesk_server.config.headers import HeaderText
from frontdesk_server.config.prices import ModelPrices
from frontdesk_server.config.profile import ProfileConfig
from frontdesk_server.config.upstream import HttpBackendConfig
from frontdesk_server.domain.model import Capability


class OpenAIBackendConfig(HttpBackendConfig):
    """Any OpenAI-compatible /chat/completions."""

    kind: Literal["openai"]
    provider: str = "openai"
    """Provider's name in traces."""
    max_tokens_field: Literal["auto", "max_completion_tokens", "max_tokens"] = "auto"
    """Short for `profile.output_limit_field`. Default: what the API is known to accept."""
    reasoning_field: Literal["auto", "reasoning_content", "reasoning", "content", "none"] = "auto"
    """Short for `profile.reasoning_field`. Default: what the API is known to accept."""
    tool_call_ids: Literal["auto", "any", "at_most_40", "nine_alphanumeric"] = "auto"
    """Short for `profile.tool_call_ids`. Default: what the API is known to accept."""
    stream_options: bool | None = None
    """Short for `profile.stream_options`: ask for the usage of streams, which else is estimated."""


class OpenAIResponsesBackendConfig(HttpBackendConfig):
    """OpenAI's /responses, stateless: nothing is stored there, sealed reasoning goes back with the conversation."""

    kind: Literal["openai_responses"]
    provider: str = "openai_responses"
    """Provider's name in traces, and what its answers are bound to: only who has this name gets its reasoning back."""


class AnthropicBackendConfig(HttpBackendConfig):
    """The native Messages API of Anthropic."""

    kind: Literal["anthropic"]
    version: HeaderText = "2023-06-01"
    """Value of the anthropic-version header."""


class SimulatedBackendConfig(Section):
    """Embedded: deterministic text that says it is simulated. No network."""

    kind: Literal["simulated"]
    time_to_first_token_ms: Annotated[float, Field(ge=0)] = 50.0
    """Wait before the first token; a model's own expectation overrides it."""
    output_tokens_per_second: Annotated[float, Field(gt=0)] = 200.0
    """Speed of the answer; a model's own expectation overrides it."""
    error_rate: Fraction = 0.0
    """Share of calls that fail, spread evenly and repeatably."""


BackendConfig = Annotated[
    OpenAIBackendConfig
    | AzureOpenAIBackendConfig
    | VertexGeminiBackendConfig
    | OpenAIResponsesBackendConfig
    | AnthropicBackendConfig
    | VertexClaudeBackendConfig
    | BedrockBackendConfig
    | SimulatedBackendConfig,
    Field(discriminator="kind"),
]


class TimeoutsConfig(Section):
    """Timers of one attempt."""

    connect_seconds: Seconds = 5.0
    """Until the connection stands."""
    first_token_seconds: Seconds = 30.0
    """Until the first content."""
    idle_seconds: Seconds = 30.0
    """Between two pieces of content."""
    total_seconds: Seconds = 300.0
    """The whole attempt. It bounds the others."""

    @model_validator(mode="after")
    def _in_order(self) -> TimeoutsConfig:
        for timer in self.model_fields_set - {"total_seconds"} if "total_seconds" in self.model_fields_set else ():
            refuse_disorder(self, timer, "total_seconds")
        return self


class DeploymentConfig(Section):
    """One place where a model is served."""

    backend: str
    """Name of the backend."""
    upstream_model: Line | None = None
    """The model's name there. Default: its public name."""
    weight: Annotated[float, Field(gt=0)] = 1.0
    """Share of the load against the other deployments."""
    profile: ProfileConfig = ProfileConfig()
    """What the model takes and refuses in this place; over the model's own profile."""


class ModelConfig(Section):
    """One LLM of the pool."""

    backend: str | None = None
    """Name of the backend. Either this or deployments."""
    upstream_model: Line | None = None
    """The provider's name of the model. Default: the public name."""
    deployments: tuple[DeploymentConfig, ...] = ()
    """Several places that serve the model; load is balanced over them."""
    description: str = ""
    """What it is good at; a router LLM reads it."""
    prices: ModelPrices | None = None
    """USD per million tokens; a list where they change with time; auto looks them up by the upstream model's name.
    Default: unknown."""
    context_window: Annotated[int, Field(ge=16)] = 8192
    """Most tokens of input and output together."""
    max_output_tokens: Count | None = None
    """Most tokens of an answer."""
    capabilities: frozenset[Capability] = frozenset()
    """What it can do beyond plain text."""
    quality: Fraction | None = None
    """Prior quality: what policies go by where no strategy predicts one."""
    time_to_first_token_ms: Milliseconds | None = None
    """Expectation until traffic has been observed."""
    output_tokens_per_second: Annotated[float, Field(gt=0)] | None = None
    """Pace of a simulated model."""
    timeouts: TimeoutsConfig = TimeoutsConfig()
    profile: ProfileConfig = ProfileConfig()
    """What it takes and refuses, where that differs from what Frontdesk knows; over the profile of its backends."""

    @model_validator(mode="after")
    def _served_somewhere(self) -> ModelConfig:
        if (self.backend is None) == (not self.deployments):
            raise ValueError("name either a backend or deployments")
        refuse_disorder(self, "max_output_tokens", "context_window")
        return self
