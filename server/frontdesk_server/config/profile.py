"""What a model takes and refuses, as profiles.yaml and the configuration say it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, field_validator, model_validator

from frontdesk_server.config.base import Count, Section
from frontdesk_server.domain.profile import MOST_LEAST_OUTPUT_TOKENS, MOST_STOP_SEQUENCES, Caching, Thinking
from frontdesk_server.domain.query import ReasoningEffort

Bounds = StrictBool | float | tuple[float, float]
"""Whether a setting is taken at all, the one value, or the least and the most."""


class ToolCallIdsConfig(Section):
    """Ids of tool calls that an API accepts."""

    pattern: str
    """Regular expression of the whole id."""
    length: Annotated[int, Field(ge=1, le=32)]
    """Characters, hexadecimal digits, of the ids that replace others."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return pattern


class SettingsConfig(Section):
    """Settings that a model takes: `no` none, `yes` all that callers may set. What is left open, others say of it."""

    temperature: Bounds | None = None
    """`no`, the one value, or [least, most]."""
    top_p: Bounds | None = None
    """`no`, the one value, or [least, most]."""
    temperature_with_top_p: StrictBool | None = None
    """Both at once."""
    top_k: StrictBool | None = None
    penalties: StrictBool | None = None
    """frequency_penalty and presence_penalty."""
    seed: StrictBool | None = None
    stop_sequences: Annotated[int, Field(ge=0, le=MOST_STOP_SEQUENCES)] | None = None
    """How many."""
    blank_stop_sequences: StrictBool | None = None
    """Stop sequences of white space."""
    logprobs: StrictBool | None = None
    tools: StrictBool | None = None
    demanded_tool: StrictBool | None = None
    """A tool that must be called."""
    prefill: StrictBool | None = None
    """A last message of the assistant, which the answer continues."""
    prefill_ending_blank: StrictBool | None = None
    """One that ends in white space."""

    @field_validator("temperature", "top_p")
    @classmethod
    def _in_order(cls, bounds: Any) -> Any:
        if isinstance(bounds, tuple) and bounds[0] > bounds[1]:
            raise ValueError("the least comes first")
        return bounds


class ProfileConfig(SettingsConfig):
    """What a model takes and refuses. What is left open, profiles.yaml says of its API, host and name."""

    like: str | None = None
    """Name of a model whose facts hold for this one, such as gpt-5.6 for a deployment with a name of your own."""
    while_reasoning: SettingsConfig | None = None
    """What differs while the model reasons."""
    thinking: Thinking | None = None
    """The words in which it is told how much to reason."""
    efforts: frozenset[ReasoningEffort] | None = None
    """Reasoning efforts that it honours; without none among them it cannot be kept from reasoning."""
    unbounded_efforts: frozenset[ReasoningEffort] | None = None
    """Efforts beside which its API takes no limit of the answer, no temperature and no top_p (Amazon Bedrock)."""
    budgets: StrictBool | None = None
    """Whether it takes a reasoning budget in tokens."""
    least_budget: Count | None = None
    """The fewest tokens of a reasoning budget."""
    reasons_unasked: StrictBool | None = None
    """Whether it reasons where nothing is said of reasoning."""
    unthinking: str | None = None
    """The type of `thinking` that keeps it from reasoning (Anthropic)."""
    loops_begin_reasoning: StrictBool | None = None
    """Whether it reasons within a tool loop only if the loop began with reasoning that it signed."""
    json_object: StrictBool | None = None
    """Answers in JSON without a schema."""
    json_schema: StrictBool | None = None
    """Answers in JSON by a schema."""
    image_detail: StrictBool | None = None
    """How closely an image is looked at."""
    image_types: frozenset[str] | Literal["any"] | None = None
    """Media types of the images it takes."""
    uri_schemes: frozenset[str] | Literal["any"] | None = None
    """Schemes of addresses that media may be named by, such as https and s3."""
    forbidden_tools: StrictBool | None = None
    """Tools that may not be called, where the conversation speaks of some."""
    least_output_tokens: Annotated[int, Field(ge=1, le=MOST_LEAST_OUTPUT_TOKENS)] | None = None
    """The least limit of an answer that the API takes."""
    sealed_reasoning: StrictBool | None = None
    """Its reasoning can be asked for sealed, to go back in later turns (OpenAI Responses)."""
    state: StrictBool | None = None
    """What came with an answer beside what is known goes back with it."""
    output_limit_field: Literal["max_completion_tokens", "max_tokens"] | None = None
    """What the API calls the most tokens of an answer."""
    seed_field: str | None = None
    """What the API calls a seed."""
    user_field: Literal["user", "safety_identifier", "metadata", "none"] | None = None
    """Field for the end user, if any."""
    reasoning_field: Literal["reasoning_content", "reasoning", "content", "none"] | None = None
    """Field in which reasoning goes back, if any; content: as a part of what is said, to none but who gave it."""
    tool_call_ids: ToolCallIdsConfig | Literal["any", "at_most_40", "nine_alphanumeric"] | None = None
    """Ids of tool calls that the API accepts; others are replaced."""
    parallel_tool_calls: StrictBool | None = None
    """Whether parallel calls can be switched on and off."""
    stream_options: StrictBool | None = None
    """Whether the usage of streams can be asked for."""
    content_lists: StrictBool | None = None
    """Content in parts; no: as one text only."""
    names: StrictBool | None = None
    """Names of speakers; no: they stand before what is said."""
    refusals: StrictBool | None = None
    """A refusal goes back in a field of its own."""
    empty_answers: StrictBool | None = None
    """An answer that says nothing goes back like any other; no: it is left out."""
    later_system_messages: StrictBool | None = None
    """System messages after others; no: they move to the beginning."""
    cache_key_field: Literal["prompt_cache_key", "none"] | None = None
    """Field for what calls with one beginning have in common, if any, by which they come to the same cache."""
    user_after_tool: StrictBool | None = None
    """A user at once after results of tools; no: the assistant says "OK." between them."""
    repeated_roles: StrictBool | None = None
    """Messages of one role after each other, and an assistant who begins; no: they become one, after a user's."""
    prompt_caching: Caching | None = None
    """Where the request sets breakpoints (explicit), by itself (automatic), or not at all (none)."""
    least_cached_tokens: Count | None = None
    """Tokens of the shortest beginning that is cached."""
    cached_tools: StrictBool | None = None
    """A breakpoint behind tools (Amazon Bedrock)."""
    cached_for_an_hour: StrictBool | None = None
    """A cache that is kept for an hour on demand, not for five minutes only (Amazon Bedrock)."""
    reasoning_beside_output: StrictBool | None = None
    """Whether usage counts reasoning beside the output tokens, where no total says so."""


class ProfileEntry(Section):
    """One entry of profiles.yaml. All that match a model hold for it; the later says what it says over the earlier."""

    name: str
    apis: tuple[str, ...] = ()
    """Kinds of backends. Default: all."""
    hosts: tuple[str, ...] = ()
    """Words of the host or of the provider's name, or ends of the host (with a dot). Default: all."""
    models: tuple[str, ...] = ()
    """Upstream names, with * for anything, without provider, date and version. Default: all."""
    but: tuple[str, ...] = ()
    """Names that it does not hold for."""
    facts: ProfileConfig

    @model_validator(mode="after")
    def _says_something(self) -> ProfileEntry:
        if not self.facts.model_fields_set:
            raise ValueError("an entry without facts says nothing")
        return self
