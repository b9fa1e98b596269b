"""What one model, where it is served, takes and refuses: facts that requests are built by and models excluded for.

The values of a `Profile` come from `backends/profiles.yaml` and the configuration; an attempt learns more from what
the upstream refuses. Nothing here looks at a model's name.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from frontdesk_server.domain.history import IdRule
from frontdesk_server.domain.query import GenerationConfig, ReasoningEffort

MIN_THINKING_TOKENS = 1024
"""The least budget that any API accepts for reasoning; the reasoning must leave room for the answer."""

MOST_STOP_SEQUENCES = 8
"""What the contract allows."""

MOST_LEAST_OUTPUT_TOKENS = 1024
"""No API demands an answer to have room for more."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `least` to `most`, both included."""

    least: float
    most: float

    def __contains__(self, value: float) -> bool:
        return self.least <= value <= self.most

    @property
    def is_fixed(self) -> bool:
        """Whether there is one value only, which then is the model's own, and need not be said."""
        return self.least == self.most


class Thinking(enum.Enum):
    """The words in which a model is told how much to reason."""

    NONE = "none"
    """It cannot be told."""
    EFFORT = "effort"
    """`reasoning_effort`."""
    OBJECT = "object"
    """`reasoning`, an object with an effort or a number of tokens (OpenRouter)."""
    TOGGLE = "toggle"
    """`thinking`, enabled or disabled, and `reasoning_effort` (DeepSeek, Kimi, GLM)."""
    SWITCH = "switch"
    """`enable_thinking` and `thinking_budget` (Qwen)."""
    BUDGET = "budget"
    """`thinking` with a budget in tokens (Anthropic)."""
    ADAPTIVE = "adaptive"
    """`thinking` of the type adaptive, and an effort (Anthropic)."""


class Caching(enum.Enum):
    """How a provider comes to cache the beginning of a prompt."""

    EXPLICIT = "explicit"
    """Where the request sets breakpoints."""
    AUTOMATIC = "automatic"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Takes:
    """Which settings a model takes. None: none of them; ranges and counts bound what the contract allows."""

    temperature: Range | None = Range(0, 2)
    top_p: Range | None = Range(0, 1)
    temperature_with_top_p: bool = True
    top_k: bool = True
    penalties: bool = True
    seed: bool = True
    stop_sequences: int = MOST_STOP_SEQUENCES
    blank_stop_sequences: bool = True
    logprobs: bool = True
    tools: bool = True
    demanded_tool: bool = True
    prefill: bool = True
    prefill_ending_blank: bool = True


@dataclass(frozen=True, slots=True)
class Profile:
    """One model behind one API. `sources` names the entries of profiles.yaml that say so.

    `at_rest` holds while the model does not reason and `reasoning` while it does, be it asked to or `reasons_unasked`.
    `efforts` are those that it can honour; without NONE among them it cannot be kept from reasoning. `unthinking` is
    the type of `thinking` that keeps it from reasoning. `unbounded_efforts` are those beside which its API takes no
    limit of the answer, no temperature and no top_p. `loops_begin_reasoning`: it reasons within a tool loop only if
    the loop began with reasoning that it signed.

    Fields: what the API calls the most tokens of an answer, a seed, the end user, and reasoning that is fed back; None
    where it takes none. `tool_call_ids` and `image_types` None: any. `uri_schemes` are those of the
    addresses that media may be named by; None: any. `forbidden_tools`: tools may be forbidden where the conversation
    speaks of some. `least_output_tokens`: the least limit of an answer. `sealed_reasoning`: its reasoning can be asked
    for sealed, to go back in later turns. `state`: what came with an answer may go back with it. `empty_answers`: one
    that says nothing may go back.
    `refused` are settings by the names of `domain.settings`, alone or together, that its API has refused of late.
    `least_cached_tokens` is the shortest beginning that its provider caches; `cached_tools`: a breakpoint may stand
    behind tools; `cached_for_an_hour`: on demand, not for five minutes only.
    """

    at_rest: Takes = Takes()
    reasoning: Takes = Takes()
    thinking: Thinking = Thinking.EFFORT
    efforts: frozenset[ReasoningEffort] = frozenset(ReasoningEffort)
    unbounded_efforts: frozenset[ReasoningEffort] = frozenset()
    budgets: bool = False
    least_budget: int = MIN_THINKING_TOKENS
    reasons_unasked: bool = False
    unthinking: str = "disabled"
    loops_begin_reasoning: bool = False
    json_object: bool = True
    json_schema: bool = True
    image_detail: bool = True
    image_types: frozenset[str] | None = None
    uri_schemes: frozenset[str] | None = None
    forbidden_tools: bool = True
    least_output_tokens: int = 1
    sealed_reasoning: bool = True
    state: bool = True
    output_limit_field: str = "max_tokens"
    seed_field: str = "seed"
    user_field: str | None = "user"
    reasoning_field: str | None = "reasoning_content"
    tool_call_ids: IdRule | None = None
    parallel_tool_calls: bool = True
    stream_options: bool = True
    content_lists: bool = True
    names: bool = True
    refusals: bool = False
    empty_answers: bool = True
    later_system_messages: bool = True
    user_after_tool: bool = True
    repeated_roles: bool = True
    prompt_caching: Caching = Caching.AUTOMATIC
    least_cached_tokens: int = 1024
    cached_tools: bool = True
    cached_for_an_hour: bool = True
    cache_key_field: str | None = None
    reasoning_beside_output: bool = False
    refused: frozenset[frozenset[str]] = frozenset()
    sources: tuple[str, ...] = ()

    def reasons(self, generation: GenerationConfig) -> bool:
        """Whether the model reasons when it is asked so."""
        asked = generation.reasoning_effort is not None or generation.reasoning_budget_tokens is not None
        return generation.demands_reasoning if asked else self.reasons_unasked

    def takes(self, generation: GenerationConfig) -> Takes:
        """Which settings it takes beside what it is told of reasoning."""
        return self.reasoning if self.reasons(generation) else self.at_rest

    @property
    def reserves_budget(self) -> bool:
        """Whether an effort becomes a budget, for which the answer must have room."""
        return self.thinking is Thinking.BUDGET
