"""Resolves what is known of a model: entries of profiles.yaml in their order, then what the configuration says."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

import yaml

from frontdesk_server.config.clouds import BedrockBackendConfig
from frontdesk_server.config.pool import BackendConfig, OpenAIResponsesBackendConfig, SimulatedBackendConfig
from frontdesk_server.config.profile import Bounds, ProfileConfig, ProfileEntry, SettingsConfig, ToolCallIdsConfig
from frontdesk_server.domain.history import IdRule
from frontdesk_server.domain.profile import Profile, Range, Takes

_WORD = re.compile(r"[a-z0-9]+")
_WIDEST = {"temperature": Range(0, 2), "top_p": Range(0, 1)}
_SETTINGS = frozenset(SettingsConfig.model_fields)
_ID_RULES = {
    "any": None,
    "at_most_40": IdRule(re.compile(r".{1,40}", re.DOTALL), 24),
    "nine_alphanumeric": IdRule(re.compile(r"[a-zA-Z0-9]{9}"), 9),
}
_SHORT_FORMS = {
    "max_tokens_field": "output_limit_field",
    "reasoning_field": "reasoning_field",
    "tool_call_ids": "tool_call_ids",
    "stream_options": "stream_options",
}
_NOT_FACTS = frozenset({"like", "while_reasoning"})

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Served:
    """A model where it is served. `apis` are the kind of the backend and the kind whose API it speaks."""

    apis: frozenset[str]
    model: str
    host: str = ""
    words: frozenset[str] = frozenset()
    """Of the host, the provider's name, and a kind that is narrower than the API it speaks."""

    @classmethod
    def of(cls, kind: str, model: str, *, speaks: str = "", host: str = "", provider: str = "") -> Served:
        """A model behind a backend of this kind."""
        narrower = kind if speaks and speaks != kind else ""
        words = frozenset(_WORD.findall(f"{host} {provider} {narrower}".replace("_", " ").lower()))
        return cls(frozenset(filter(None, (kind, speaks))), model, host.lower(), words)


class ProfileBook:
    """All entries. Immutable, and safe to share."""

    def __init__(self, entries: Iterable[ProfileEntry]) -> None:
        self.entries = tuple(entries)

    def matching(self, served: Served) -> list[ProfileEntry]:
        """The entries that hold for a model, in their order."""
        return [entry for entry in self.entries if _holds(entry, served)]

    def profile(self, served: Served, configured: Sequence[ProfileConfig] = ()) -> Profile:
        """What is known of a model; the later of what is configured over the earlier, and all over the entries."""
        named = next((config.like for config in reversed(configured) if config.like), served.model)
        entries = self.matching(replace(served, model=named))
        plain: dict[str, Any] = {}
        reasoning: dict[str, Any] = {}
        for facts in (*(entry.facts for entry in entries), *configured):
            plain |= _said(facts)
            if facts.while_reasoning is not None:
                reasoning |= _said(facts.while_reasoning)
        sources = [entry.name for entry in entries]
        if any(config.model_fields_set for config in configured):
            sources.append("configuration")
        return _profile(plain, reasoning, tuple(sources))


@functools.cache
def default_profiles() -> ProfileBook:
    """The entries that ship with Frontdesk."""
    source = resources.files("frontdesk_server.backends").joinpath("profiles.yaml").read_text("utf-8")
    return ProfileBook(map(ProfileEntry.model_validate, yaml.load(source, Loader=yaml.CSafeLoader)))


def profile_of(config: BackendConfig, upstream_model: str, *configured: ProfileConfig) -> Profile:
    """What is known of a model behind a backend; `configured` says more, the last over the others."""
    if isinstance(config, SimulatedBackendConfig):
        return default_profiles().profile(Served.of(config.kind, upstream_model), configured)
    served = Served.of(
        config.kind,
        upstream_model,
        speaks=_spoken(config, upstream_model),
        host=urlsplit(config.root).hostname or "",
        provider=getattr(config, "provider", "") if "provider" in config.model_fields_set else "",
    )
    return default_profiles().profile(served, [*_short_forms(config), config.profile, *configured])


def _spoken(config: BackendConfig, upstream_model: str) -> str:
    """The kind whose rules hold beside the backend's own: Claude is Claude, also behind an API that others share.

    OpenAI's models are the same behind both of its APIs, though these speak differently.
    """
    if isinstance(config, OpenAIResponsesBackendConfig):
        return "openai"
    if isinstance(config, BedrockBackendConfig):
        return "anthropic" if config.family_of(upstream_model) == "claude" else ""
    return getattr(config, "speaks", "")


def _short_forms(config: BackendConfig) -> list[ProfileConfig]:
    """The facts for which backends have fields of their own."""
    said = {fact: getattr(config, field) for field, fact in _SHORT_FORMS.items() if field in config.model_fields_set}
    known = {fact: value for fact, value in said.items() if value not in (None, "auto")}
    return [ProfileConfig.model_validate(known)] if known else []


def _holds(entry: ProfileEntry, served: Served) -> bool:
    return (
        (not entry.apis or not served.apis.isdisjoint(entry.apis))
        and (not entry.hosts or any(_is_at(place, served) for place in entry.hosts))
        and (not entry.models or _named(served.model, entry.models))
        and not _named(served.model, entry.but)
    )


def _is_at(place: str, served: Served) -> bool:
    if "." in place:
        return served.host == place or served.host.endswith(f".{place}")
    return place in served.words


def _named(model: str, patterns: Sequence[str]) -> bool:
    return any(_pattern(pattern).search(model.lower()) for pattern in patterns)


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """A name after any provider's, and before any date, version or `latest`."""
    name = ".*".join(map(re.escape, pattern.lower().split("*")))
    return re.compile(rf"(?:^|[/.:])(?:{name})(?:[-@:](?:\d{{4}}|latest|preview|exp|v\d|free|thinking:).*)?$")


def _said(section: SettingsConfig) -> dict[str, Any]:
    return {
        name: value for name in section.model_fields_set - _NOT_FACTS if (value := getattr(section, name)) is not None
    }


def _profile(plain: Facts, reasoning: Facts, sources: tuple[str, ...]) -> Profile:
    settings = {name: value for name, value in plain.items() if name in _SETTINGS}
    facts = {name: _fact(value) for name, value in plain.items() if name not in _SETTINGS}
    return Profile(at_rest=_takes(settings), reasoning=_takes({**settings, **reasoning}), **facts, sources=sources)


def _fact(value: Any) -> Any:
    if isinstance(value, ToolCallIdsConfig):
        return IdRule(re.compile(value.pattern), value.length)
    if isinstance(value, str) and value in _ID_RULES:
        return _ID_RULES[value]
    return None if value == "none" else value


def _takes(settings: Facts) -> Takes:
    bounds = {name: _range(settings[name], _WIDEST[name]) for name in _WIDEST if name in settings}
    return Takes(**{**settings, **bounds})


def _range(bounds: Bounds, widest: Range) -> Range | None:
    match bounds:
        case bool():
            return widest if bounds else None
        case (least, most):
            return Range(least, most)
        case _:
            return Range(float(bounds), float(bounds))
