"""The pool: models, their prices and what they can do."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from frontdesk_server.domain.usage import Prices


class Capability(enum.Enum):
    """What a model can do beyond plain text."""

    TOOLS = "tools"
    JSON_OBJECT = "json_object"
    JSON_SCHEMA = "json_schema"
    IMAGE_INPUT = "image_input"
    AUDIO_INPUT = "audio_input"
    DOCUMENT_INPUT = "document_input"
    REASONING = "reasoning"
    LOGPROBS = "logprobs"
    SEED = "seed"
    PENALTIES = "penalties"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timers of one attempt in seconds."""

    connect_seconds: float = 5.0
    first_token_seconds: float = 30.0
    idle_seconds: float = 30.0
    total_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """One place where a model is served: a backend and the model's name there."""

    backend: str
    upstream_model: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Model:
    """One LLM of the pool under its public name.

    `quality` is its prior predicted quality in [0, 1]: what policies go by where no strategy predicts one.
    `time_to_first_token_ms` and `output_tokens_per_second` are expectations until traffic has been observed.
    """

    name: str
    deployments: tuple[Deployment, ...]
    context_window: int
    description: str = ""
    prices: Prices | None = None
    max_output_tokens: int | None = None
    capabilities: frozenset[Capability] = frozenset()
    quality: float | None = None
    time_to_first_token_ms: float | None = None
    output_tokens_per_second: float | None = None
    timeouts: Timeouts = Timeouts()

    @property
    def primary(self) -> Deployment:
        """The first deployment."""
        return self.deployments[0]


Pool = Mapping[str, Model]
