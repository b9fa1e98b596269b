"""What a simulated model says: composed from the query alone, so that the same query has the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import orjson

from frontdesk_server.backends.json_sample import sample_json
from frontdesk_server.backends.simulated_text import TOKEN, paraphrase, prose
from frontdesk_server.domain.query import (
    JsonObjectFormat,
    JsonSchemaFormat,
    Query,
    Tool,
    ToolCall,
    ToolChoiceMode,
    ToolResult,
)
from frontdesk_server.domain.tokens import estimate_input_tokens, estimate_tokens, expected_output_tokens
from frontdesk_server.domain.usage import FinishReason, TokenLogprob, TopLogprob, Usage


@dataclass(frozen=True, slots=True)
class SimulatedAnswer:
    """A whole answer, before it is paced."""

    tokens: tuple[str, ...]
    logprobs: tuple[TokenLogprob, ...]
    reasoning: str
    tool_call: ToolCall | None
    finish_reason: FinishReason
    usage: Usage


def compose(model: str, query: Query, limit: int | None = None, expected: int | None = None) -> SimulatedAnswer:
    """The answer of a simulated model: about as many tokens as are `expected` of it, and at most `limit`."""
    generation = query.generation
    reasoning = f"[simulated {model}] No thought went into this." if generation.demands_reasoning else ""
    tool = _demanded_tool(query)
    tool_call = None
    text = ""
    finish_reason = FinishReason.STOP
    if tool is not None:
        arguments = sample_json(tool.parameters_json) if tool.parameters_json else "{}"
        seed = f"{tool.name}{len(query.messages)}{query.last_user_text}"
        tool_call = ToolCall(f"call_simulated_{crc32(seed.encode()):08x}", tool.name, arguments)
        finish_reason = FinishReason.TOOL_CALLS
    else:
        text = _until_stop(_text(model, query, expected or expected_output_tokens(query)), generation.stop_sequences)
    tokens = tuple(TOKEN.findall(text))
    if limit is not None and len(tokens) > limit:
        tokens = tokens[:limit]
        finish_reason = FinishReason.LENGTH
    reasoning_tokens = estimate_tokens(reasoning)
    call_tokens = estimate_tokens(tool_call.name + tool_call.arguments_json) if tool_call else 0
    return SimulatedAnswer(
        tokens,
        _logprobs(tokens, generation.top_logprobs) if generation.logprobs or generation.top_logprobs else (),
        reasoning,
        tool_call,
        finish_reason,
        Usage(
            estimate_input_tokens(query),
            len(tokens) + reasoning_tokens + call_tokens,
            cache_read_tokens=0,
            cache_write_tokens=0,
            reasoning_tokens=reasoning_tokens,
        ),
    )


def _text(model: str, query: Query, expected_tokens: int) -> str:
    match query.generation.response_format:
        case JsonSchemaFormat(schema_json=schema_json):
            return sample_json(schema_json)
        case JsonObjectFormat():
            return orjson.dumps({"simulated": True, "model": model, "answer": paraphrase(_asked(query))}).decode()
    opening = "The tool returned" if query.in_tool_loop else "You asked"
    return prose(model, _asked(query), opening, expected_tokens)


def _asked(query: Query) -> str:
    if query.in_tool_loop:
        return " ".join(part.text for part in query.messages[-1].parts if isinstance(part, ToolResult))
    return query.last_user_text


def _demanded_tool(query: Query) -> Tool | None:
    choice = query.tool_choice
    if choice is None or not query.tools:
        return None
    if choice.tool_name:
        return next((tool for tool in query.tools if tool.name == choice.tool_name), None)
    return query.tools[0] if choice.mode is ToolChoiceMode.REQUIRED else None


def _until_stop(text: str, stop_sequences: tuple[str, ...]) -> str:
    ends = [end for stop in stop_sequences if stop and (end := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text


def _logprobs(tokens: tuple[str, ...], top: int) -> tuple[TokenLogprob, ...]:
    """Log-probabilities in [-2, 0]: some answers are surer than others, so that checks pass some and reject others."""
    doubt = crc32("".join(tokens).encode()) % 1000 / 500
    logprobs = []
    for position, token in enumerate(tokens):
        logprob = -doubt * (crc32(f"{position}{token}".encode()) % 1000) / 1000
        alternatives = [TopLogprob(token, logprob), *(TopLogprob(f"~{n}", logprob - n) for n in range(1, top))]
        logprobs.append(TokenLogprob(token, logprob, tuple(alternatives[:top])))
    return tuple(logprobs)
