"""The APIs that models are reached by, and what a caller may set that one of them cannot honour.

Routing excludes a model for it before anything is sent; the API's client refuses it in the same words.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from itertools import takewhile

from frontdesk_server.domain.history import sendable
from frontdesk_server.domain.query import (
    ContentPart,
    GenerationConfig,
    ImageDetail,
    Message,
    Query,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
    ToolChoiceMode,
)

MIN_THINKING_TOKENS = 1024
"""The least thinking budget that Anthropic accepts; it must be less than the limit of the answer."""

_MAX_TEMPERATURE = 1.0
_THINKING_TEMPERATURE = 1.0
_THINKING_MIN_TOP_P = 0.95


class Dialect(enum.Enum):
    """An upstream API; the value is the kind of its backends in the configuration, which Claude shares on Bedrock."""

    OPENAI = "openai"
    AZURE_OPENAI = "azure_openai"
    VERTEX_GEMINI = "vertex_gemini"
    ANTHROPIC = "anthropic"
    VERTEX_CLAUDE = "vertex_claude"
    BEDROCK = "bedrock"
    BEDROCK_CLAUDE = "bedrock_claude"
    SIMULATED = "simulated"


CHAT_COMPLETIONS = frozenset((Dialect.OPENAI, Dialect.AZURE_OPENAI, Dialect.VERTEX_GEMINI))
"""APIs which speak OpenAI's /chat/completions."""

MESSAGES = frozenset((Dialect.ANTHROPIC, Dialect.VERTEX_CLAUDE))
"""APIs which speak Anthropic's /v1/messages."""


CONVERSE = frozenset((Dialect.BEDROCK, Dialect.BEDROCK_CLAUDE))
"""APIs which speak Amazon Bedrock's Converse."""

CLAUDE = MESSAGES | {Dialect.BEDROCK_CLAUDE}
"""APIs behind which is Claude, with its rules for reasoning."""


def spoken(dialect: Dialect) -> Dialect:
    """The API of whose JSON a dialect is."""
    if dialect in CHAT_COMPLETIONS:
        return Dialect.OPENAI
    if dialect in MESSAGES:
        return Dialect.ANTHROPIC
    return Dialect.BEDROCK if dialect in CONVERSE else dialect


def objection(dialect: Dialect, query: Query) -> str | None:
    """What the caller set that no model behind this API can honour, in words; None when there is nothing.

    Source: the Messages API's reference, and its pages on extended thinking and tool use.
    """
    if dialect in CHAT_COMPLETIONS and query.generation.reasoning_budget_tokens is not None:
        return "reasoning has efforts, but no budget in tokens"
    objections: list[str] = []
    if dialect in CLAUDE:
        objections += _of_anthropic(query)
    if dialect is Dialect.VERTEX_CLAUDE:
        objections += _of_vertex_claude(query)
    if dialect in CONVERSE:
        objections += _of_converse(query)
    return "; ".join(dict.fromkeys(objections)) or None


def thinking_objection(limit: int, budget_tokens: int = MIN_THINKING_TOKENS) -> str | None:
    """Why Anthropic cannot reason so much within an answer of so many tokens; None when it can."""
    if limit > budget_tokens:
        return None
    return f"reasoning needs more than {budget_tokens} output tokens, {limit} are left to it"


def _of_anthropic(query: Query) -> Iterator[str]:
    yield from _of_sampling(query.generation)
    if query.generation.demands_reasoning:
        yield from _of_thinking(query)
    if any(media.detail in (ImageDetail.LOW, ImageDetail.HIGH) for media in query.media()):
        yield "no detail of an image can be asked for"
    if query.is_prefilled and query.messages[-1].text[-1:].isspace():
        yield "what the answer continues may not end in white space"


def _of_vertex_claude(query: Query) -> Iterator[str]:
    if any(media.data is None for media in query.media()):
        yield "images and documents are taken as bytes only, not by URI"


def _of_converse(query: Query) -> Iterator[str]:
    generation, choice = query.generation, query.tool_choice
    if generation.temperature is not None and generation.temperature > _MAX_TEMPERATURE:
        yield f"the temperature is at most {_MAX_TEMPERATURE:g}, not {generation.temperature:g}"
    if any(media.data is None and not (media.uri or "").startswith("s3://") for media in query.media()):
        yield "media are taken as bytes or from S3, not by another URI"
    if query.tools and generation.parallel_tool_calls is False:
        yield "it cannot be asked for one tool call at a time"
    if query.tools and choice is not None and choice.mode is ToolChoiceMode.NONE and _speaks_of_tools(query):
        yield "no tool can be forbidden in a conversation that speaks of tools"


def _speaks_of_tools(query: Query) -> bool:
    return any(isinstance(part, ToolCall) for message in query.messages for part in message.parts)


def _of_sampling(generation: GenerationConfig) -> Iterator[str]:
    temperature = generation.temperature
    if temperature is not None and temperature > _MAX_TEMPERATURE:
        yield f"the temperature is at most {_MAX_TEMPERATURE:g}, not {temperature:g}"
    if any(not sequence.strip() for sequence in generation.stop_sequences):
        yield "a stop sequence may not be blank"


def _of_thinking(query: Query) -> Iterator[str]:
    generation, choice = query.generation, query.tool_choice
    budget = generation.reasoning_budget_tokens
    if budget is not None and budget < MIN_THINKING_TOKENS:
        yield f"reasoning has at least {MIN_THINKING_TOKENS} tokens, not {budget}"
    if generation.top_k is not None:
        yield "reasoning allows no top_k"
    if query.is_prefilled:
        yield "reasoning allows no answer that continues another"
    if generation.temperature not in (None, _THINKING_TEMPERATURE):
        yield f"reasoning allows no temperature but {_THINKING_TEMPERATURE:g}, not {generation.temperature:g}"
    if generation.top_p is not None and generation.top_p < _THINKING_MIN_TOP_P:
        yield f"reasoning allows no top_p below {_THINKING_MIN_TOP_P:g}, {generation.top_p:g} is set"
    if choice is not None and (choice.tool_name or choice.mode is ToolChoiceMode.REQUIRED):
        yield "reasoning allows no demanded tool"
    if not _reasons_in_its_loop(query.messages):
        yield "it cannot begin to reason in a tool loop that began without reasoning which it signed"


def _reasons_in_its_loop(messages: Sequence[Message]) -> bool:
    """Whether the tool loop that the query continues, if any, began with reasoning that Anthropic signed.

    A loop reaches back to the last user who said something before its results.
    """
    said = [m for m in sendable(messages, None) if m.role is not Role.SYSTEM and any(map(_says, m.parts))]
    while said and said[-1].role is Role.USER:
        said.pop()
    if not said or said[-1].role is not Role.TOOL:
        return True
    began: ContentPart | None = None
    for message in takewhile(lambda m: m.role is not Role.USER, reversed(said)):
        if message.role is Role.ASSISTANT:
            began = next(filter(_says, message.parts))
    return isinstance(began, ReasoningPart)


def _says(part: ContentPart) -> bool:
    """Whether anything of the part is sent to Anthropic."""
    match part:
        case TextPart(text):
            return bool(text.strip())
        case ReasoningPart():
            return part.signed
    return True
