"""What is changed of a query for one model's sake, and is said where anything that its caller set is lost by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from frontdesk_server.domain.attempt import Adjustment
from frontdesk_server.domain.objections import can_rest, refused_settings, rests_for_tools, rests_in_its_loop
from frontdesk_server.domain.profile import Profile, Range, Thinking
from frontdesk_server.domain.query import (
    GenerationConfig,
    JsonObjectFormat,
    JsonSchemaFormat,
    Query,
    ReasoningEffort,
)
from frontdesk_server.domain.settings import without

_ROOM_TO_REASON = 2048
"""Tokens more than a question of our own needs for its answer, where a model cannot be kept from reasoning."""


def adjusted(query: Query, profile: Profile) -> tuple[Query, list[Adjustment]]:
    """The query as the model can be told, and what is said of that."""
    made: list[Adjustment] = []
    generation = query.generation
    changes: dict[str, Any] = {}
    if rests_for_tools(profile, query):
        changes["reasoning_effort"] = ReasoningEffort.NONE
        made.append(Adjustment("query.generation.reasoning_effort", "none: its API takes these tools with no other"))
    elif rests_in_its_loop(profile, query):
        changes |= {"reasoning_effort": None, "reasoning_budget_tokens": None}
        said = "reasoning_effort" if generation.reasoning_budget_tokens is None else "reasoning_budget_tokens"
        detail = "left out: it cannot begin to reason in a tool loop that began without reasoning which it signed"
        made.append(Adjustment(f"query.generation.{said}", detail))
    elif generation.reasoning_effort is ReasoningEffort.NONE and not (profile.reasons_unasked or can_rest(profile)):
        changes["reasoning_effort"] = None  # it has no word for what it does anyway
    if generation.parallel_tool_calls and not profile.parallel_tool_calls:
        changes["parallel_tool_calls"] = None
        made.append(Adjustment("query.generation.parallel_tool_calls", "left out: its API does not take it"))
    takes = profile.takes(replace(generation, **changes) if changes else generation)
    changes |= dict.fromkeys(_said_by_silence(generation, (("temperature", takes.temperature), ("top_p", takes.top_p))))
    if generation.logprobs and not takes.logprobs:  # a check wants them: where the caller does, the model is excluded
        changes |= {"logprobs": False, "top_logprobs": 0}
        made.append(Adjustment("query.generation.logprobs", "left out: its API does not take it"))
    if not takes.penalties:
        changes |= {name: None for name in ("frequency_penalty", "presence_penalty") if getattr(generation, name) == 0}
    if changes:
        query = replace(query, generation=replace(generation, **changes))
    if query.user_id and profile.user_field is None:
        query = replace(query, user_id="")
        made.append(Adjustment("query.user_id", "left out: its API does not take it"))
    return query, made


def own_question(query: Query, profile: Profile) -> Query:
    """A question of our own, without what the model does not take: its answer is judged whatever it is."""
    generation = query.generation
    if profile.reasons_unasked and generation.reasoning_effort is None:
        generation = _reasoning_least(generation, profile)
    if generation.max_output_tokens is not None and generation.max_output_tokens < profile.least_output_tokens:
        generation = replace(generation, max_output_tokens=profile.least_output_tokens)
    takes = profile.takes(generation)
    temperature = generation.temperature
    if temperature is not None and (takes.temperature is None or temperature not in takes.temperature):
        generation = replace(generation, temperature=None)
    top_p = generation.top_p
    if top_p is not None and (takes.top_p is None or top_p not in takes.top_p):
        generation = replace(generation, top_p=None)
    if generation.temperature is not None and not takes.temperature_with_top_p:
        generation = replace(generation, top_p=None)
    if not takes.logprobs:
        generation = replace(generation, logprobs=False, top_logprobs=0)
    if not takes.seed:
        generation = replace(generation, seed=None)
    match generation.response_format:
        case JsonObjectFormat() if not profile.json_object:
            generation = replace(generation, response_format=None)
        case JsonSchemaFormat() if not profile.json_schema:
            generation = replace(generation, response_format=None)
    query = query if generation is query.generation else replace(query, generation=generation)
    for refused in refused_settings(profile, query) if profile.refused else ():
        query = without(query, min(refused))
    return query


def _reasoning_least(generation: GenerationConfig, profile: Profile) -> GenerationConfig:
    if profile.thinking is Thinking.NONE:
        least = None
    else:
        least = next((effort for effort in ReasoningEffort if effort in profile.efforts), None)
    limit = generation.max_output_tokens
    if least is not ReasoningEffort.NONE and limit is not None:
        limit += _ROOM_TO_REASON
    return replace(generation, reasoning_effort=least, max_output_tokens=limit)


def _said_by_silence(generation: GenerationConfig, ranges: Iterable[tuple[str, Range | None]]) -> list[str]:
    """Settings of which the model has one value only, which it is sure to take by itself."""
    return [
        name
        for name, taken in ranges
        if taken is not None and taken.is_fixed and (value := getattr(generation, name)) is not None and value in taken
    ]
