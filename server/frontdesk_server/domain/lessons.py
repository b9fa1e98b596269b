"""What a refusal teaches of a model: the profile that would have foreseen it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from frontdesk_server.domain.profile import Caching, Profile, Range, Takes, Thinking
from frontdesk_server.domain.query import ReasoningEffort

_LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")


class RefusedHow(enum.Enum):
    """What of a field was refused."""

    FIELD = "field"
    """The API does not take it at all."""
    VALUE = "value"
    """It takes other values; `Refusal.only` is the one it takes, if the message says so."""
    TOGETHER = "together"
    """It does not take the fields at once."""
    COUNT = "count"
    """It takes at most `Refusal.only` items."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an upstream refused by name: fields as the API calls them."""

    fields: frozenset[str]
    how: RefusedHow = RefusedHow.FIELD
    only: float | None = None
    value: str = ""

    def __str__(self) -> str:
        return " with ".join(sorted(self.fields))


def learned(profile: Profile, refusal: Refusal) -> Profile:
    """The profile with what the refusal teaches; the same where it teaches nothing new."""
    fields = refusal.fields
    if refusal.how is RefusedHow.TOGETHER:
        return _together(profile, fields)
    for field in sorted(fields):
        profile = _LESSONS[field](profile, refusal) if field in _LESSONS else profile
    return profile


def _together(profile: Profile, fields: frozenset[str]) -> Profile:
    if {"temperature", "top_p"} <= fields:
        return _in_every_state(profile, temperature_with_top_p=False)
    if {"tools", "reasoning_effort"} <= fields:
        reasoning = replace(profile.reasoning, tools=False)
        # Who refuses an effort that nobody asked for reasons by itself.
        return replace(profile, reasoning=reasoning)
    return profile


def _in_every_state(profile: Profile, **facts: Any) -> Profile:
    return replace(profile, at_rest=replace(profile.at_rest, **facts), reasoning=replace(profile.reasoning, **facts))


def _range(name: str) -> Callable[[Profile, Refusal], Profile]:
    def lesson(profile: Profile, refusal: Refusal) -> Profile:
        if refusal.how is RefusedHow.FIELD:
            return _in_every_state(profile, **{name: None})
        if refusal.how is RefusedHow.VALUE and refusal.only is not None:
            return _in_every_state(profile, **{name: Range(refusal.only, refusal.only)})
        return profile

    return lesson


def _setting(name: str) -> Callable[[Profile, Refusal], Profile]:
    def lesson(profile: Profile, refusal: Refusal) -> Profile:
        return _in_every_state(profile, **{name: False}) if refusal.how is RefusedHow.FIELD else profile

    return lesson


def _fact(name: str, value: Any) -> Callable[[Profile, Refusal], Profile]:
    def lesson(profile: Profile, refusal: Refusal) -> Profile:
        return replace(profile, **{name: value}) if refusal.how is RefusedHow.FIELD else profile

    return lesson


def _stops(profile: Profile, refusal: Refusal) -> Profile:
    if refusal.how is RefusedHow.FIELD:
        return _in_every_state(profile, stop_sequences=0)
    if refusal.how is RefusedHow.COUNT and refusal.only is not None:
        most = min(int(refusal.only), Takes().stop_sequences)
        return _in_every_state(profile, stop_sequences=most)
    return profile


def _limit(profile: Profile, refusal: Refusal) -> Profile:
    """The other of the two names, unless it was refused before."""
    if refusal.how is not RefusedHow.FIELD or profile.output_limit_field not in refusal.fields:
        return profile
    other = next(name for name in _LIMIT_FIELDS if name != profile.output_limit_field)
    return replace(profile, output_limit_field=other)


def _effort(profile: Profile, refusal: Refusal) -> Profile:
    if refusal.how is RefusedHow.FIELD:
        return replace(profile, efforts=frozenset())
    known = {effort.value: effort for effort in ReasoningEffort}
    if refusal.how is RefusedHow.VALUE and refusal.value in known:
        return replace(profile, efforts=profile.efforts - {known[refusal.value]})
    return profile


def _budget_form(profile: Profile, refusal: Refusal) -> Profile:
    """Newer models of Anthropic refuse budgets, and each sampling setting with them."""
    if profile.thinking is not Thinking.BUDGET and not profile.budgets:
        return profile
    return replace(profile, thinking=Thinking.ADAPTIVE, budgets=False, loops_begin_reasoning=False)


def _adaptive_form(profile: Profile, refusal: Refusal) -> Profile:
    if profile.thinking is not Thinking.ADAPTIVE:
        return profile
    return replace(profile, thinking=Thinking.BUDGET, budgets=True, loops_begin_reasoning=True)


def _no_rest(profile: Profile, refusal: Refusal) -> Profile:
    return replace(profile, reasons_unasked=True, efforts=profile.efforts - {ReasoningEffort.NONE})


_LESSONS: Mapping[str, Callable[[Profile, Refusal], Profile]] = {
    "temperature": _range("temperature"),
    "top_p": _range("top_p"),
    "top_k": _setting("top_k"),
    "seed": _setting("seed"),
    "random_seed": _setting("seed"),
    "frequency_penalty": _setting("penalties"),
    "presence_penalty": _setting("penalties"),
    "logprobs": _setting("logprobs"),
    "top_logprobs": _setting("logprobs"),
    "stop": _stops,
    "stop_sequences": _stops,
    "prefill": _setting("prefill"),
    "max_tokens": _limit,
    "max_completion_tokens": _limit,
    "reasoning_effort": _effort,
    "reasoning.effort": _effort,
    "thinking.type.enabled": _budget_form,
    "thinking.budget_tokens": _budget_form,
    "thinking.type.adaptive": _adaptive_form,
    "thinking.type.disabled": _no_rest,
    "parallel_tool_calls": _fact("parallel_tool_calls", value=False),
    "stream_options": _fact("stream_options", value=False),
    "reasoning_content": _fact("reasoning_field", value=None),
    "reasoning": _fact("reasoning_field", value=None),
    "refusal": _fact("refusals", value=False),
    "cache_control": _fact("prompt_caching", value=Caching.AUTOMATIC),
    "prompt_cache_key": _fact("cache_key_field", value=None),
    "user": _fact("user_field", value=None),
    "safety_identifier": _fact("user_field", value=None),
    "name": _fact("names", value=False),
    "include": _fact("sealed_reasoning", value=False),
}

KNOWN_FIELDS = frozenset(_LESSONS) | {"tools"}
"""What a refusal can teach something of."""
