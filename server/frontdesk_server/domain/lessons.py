"""What a refusal teaches of a model: the profile that would have foreseen it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from frontdesk_server.domain.profile import Caching, Profile, Range, Takes, Thinking
from frontdesk_server.domain.query import ReasoningEffort
from frontdesk_server.domain.settings import OPTION

_LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")
_MOST_REFUSED = 100
"""Callers can have anything refused that passes through: what is remembered of it is bounded."""


class RefusedHow(enum.Enum):
    """What of a field was refused."""

    FIELD = "field"
    """The API does not take it at all."""
    VALUE = "value"
    """It takes other values: `Refusal.only` or those of `Refusal.taken`, if the message says so."""
    TOGETHER = "together"
    """It does not take the fields at once."""
    COUNT = "count"
    """It takes at most `Refusal.only` items."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an upstream refused by name.

    `fields` are settings by the names of `domain.settings`, and what Frontdesk sends of its own by the API's names.
    Until it is known which settings stand behind them, all are the API's. `said` are the words that tell it.
    """

    fields: frozenset[str]
    how: RefusedHow = RefusedHow.FIELD
    only: float | None = None
    value: str = ""
    taken: frozenset[str] = frozenset()
    said: str = field(default="", compare=False)

    def __str__(self) -> str:
        return " with ".join(sorted(self.fields))

    @property
    def kind(self) -> str:
        """The refused fields without their forms, and without names that callers make up."""
        return " with ".join(sorted({name.partition(" ")[0] for name in self.fields}))


def learned(profile: Profile, refusal: Refusal) -> Profile:
    """The profile with what the refusal teaches; the same where it teaches nothing new.

    A setting of which a profile has no fact of its own is remembered as refused, by the form that was sent.
    """
    if refusal.how is RefusedHow.TOGETHER:
        return _together(profile, refusal.fields)
    for name in sorted(refusal.fields):
        lesson = _LESSONS.get(name) or OWN_FIELDS.get(name)
        if lesson is not None:
            profile = lesson(profile, refusal)
        elif refusal.how is RefusedHow.FIELD or (refusal.how is RefusedHow.VALUE and _is_form(name)):
            profile = _refusing(profile, frozenset((name,)))
    return profile


def _is_form(name: str) -> bool:
    """Whether it is one form of a setting; an option that passes through is named by its key, whatever its value."""
    setting, _, form = name.partition(" ")
    return bool(form) and setting != OPTION


def _refusing(profile: Profile, settings: frozenset[str]) -> Profile:
    if settings in profile.refused or len(profile.refused) >= _MOST_REFUSED:
        return profile
    return replace(profile, refused=profile.refused | {settings})


def _together(profile: Profile, fields: frozenset[str]) -> Profile:
    if {"temperature", "top_p"} <= fields:
        return _in_every_state(profile, temperature_with_top_p=False)
    if {"tools", "reasoning_effort"} <= fields:
        reasoning = replace(profile.reasoning, tools=False)
        # Who refuses an effort that nobody asked for reasons by itself.
        return replace(profile, reasoning=reasoning)
    return profile if fields & OWN_FIELDS.keys() else _refusing(profile, fields)


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


def _form(name: str) -> Callable[[Profile, Refusal], Profile]:
    """A form of a field that has several is refused with its field, and as a value of it."""

    def lesson(profile: Profile, refusal: Refusal) -> Profile:
        fact: dict[str, Any] = {name: False}
        return replace(profile, **fact)

    return lesson


def _no_demanded_tool(profile: Profile, refusal: Refusal) -> Profile:
    return _in_every_state(profile, demanded_tool=False)


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
    if refusal.how is not RefusedHow.VALUE:
        return profile
    taken = frozenset(effort for effort in profile.efforts if effort.value in refusal.taken)
    left = taken or frozenset(effort for effort in profile.efforts if effort.value != refusal.value)
    return replace(profile, efforts=left)


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
    "frequency_penalty": _setting("penalties"),
    "presence_penalty": _setting("penalties"),
    "logprobs": _setting("logprobs"),
    "top_logprobs": _setting("logprobs"),
    "stop_sequences": _stops,
    "response_format json_object": _form("json_object"),
    "response_format json_schema": _form("json_schema"),
    "tools": _setting("tools"),
    "tool_choice required": _no_demanded_tool,
    "tool_choice tool": _no_demanded_tool,
    "parallel_tool_calls": _fact("parallel_tool_calls", value=False),
    "reasoning_effort": _effort,
    "reasoning_budget_tokens": _fact("budgets", value=False),
    "user_id": _fact("user_field", value=None),
}
"""Settings of which a profile has a fact: it says more than that they are refused, or is adjusted to."""

OWN_FIELDS: Mapping[str, Callable[[Profile, Refusal], Profile]] = {
    "prefill": _setting("prefill"),
    "reasoning_effort": _effort,
    "max_tokens": _limit,
    "max_completion_tokens": _limit,
    "thinking.type.enabled": _budget_form,
    "thinking.budget_tokens": _budget_form,
    "thinking.type.adaptive": _adaptive_form,
    "thinking.type.disabled": _no_rest,
    "stream_options": _fact("stream_options", value=False),
    "reasoning_content": _fact("reasoning_field", value=None),
    "reasoning": _fact("reasoning_field", value=None),
    "refusal": _fact("refusals", value=False),
    "cache_control": _fact("prompt_caching", value=Caching.AUTOMATIC),
    "cache_point": _fact("prompt_caching", value=Caching.NONE),
    "prompt_cache_key": _fact("cache_key_field", value=None),
    "name": _fact("names", value=False),
    "detail": _fact("image_detail", value=False),
    "include": _fact("sealed_reasoning", value=False),
}
"""What Frontdesk says of its own accord or in words that it chooses, by the API's names, and what messages hold."""
