"""The pool: models, their prices and what they can do."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from frontdesk_server.domain.prices import Prices
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.query import Query, ReasoningEffort

INPUT_MARGIN = 1.25
"""Input tokens are estimated; upstreams count templates and their own way of splitting words."""


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
    TOP_K = "top_k"
    PREFILL = "prefill"
    TOOL_RESULT_MEDIA = "tool_result_media"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timers of one attempt in seconds."""

    connect_seconds: float = 5.0
    first_token_seconds: float = 30.0
    idle_seconds: float = 30.0
    total_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """One place where a model is served: a backend and the model's name there.

    `dialects` are the names under which a query may hold what is for this backend alone: its kind and its `provider`,
    which is the name that what it answered is bound to.
    `profile` follows from the others and the configuration: it does not tell deployments apart.
    """

    backend: str
    upstream_model: str
    weight: float = 1.0
    dialects: frozenset[str] = frozenset()
    provider: str = ""
    profile: Profile = field(default=Profile(), compare=False)


@dataclass(frozen=True, slots=True)
class Model:
    """One LLM of the pool under its public name.

    `quality` is its prior predicted quality in [0, 1]: what policies go by where no strategy predicts one.
    `time_to_first_token_ms` is an expectation until traffic has been observed, `output_tokens_per_second` the pace of a
    simulated model.
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

    def asked(self, query: Query) -> Query:
        """The query as this model is asked: one that cannot reason is not told not to."""
        effort = query.generation.reasoning_effort
        if effort is not ReasoningEffort.NONE or Capability.REASONING in self.capabilities:
            return query
        return replace(query, generation=replace(query.generation, reasoning_effort=None))

    def onward(self, moment: datetime) -> Model:
        """The model with the prices from a moment on."""
        return self if self.prices is None else replace(self, prices=self.prices.onward(moment))

    def output_bound(self, asked: int | None, estimated_input_tokens: int) -> int | None:
        """Most tokens of an answer: what is asked for and the model's own limit allow; None when neither is set.

        Where nothing is asked for, the model's limit is cut to what the input, with a margin, leaves of the window:
        upstreams refuse a limit that cannot fit.
        """
        if self.max_output_tokens is None or asked is not None:
            bounds = [bound for bound in (asked, self.max_output_tokens) if bound is not None]
            return min(bounds, default=None)
        room = self.context_window - round(estimated_input_tokens * INPUT_MARGIN)
        return max(1, min(self.max_output_tokens, room))


Pool = Mapping[str, Model]
