"""What is known of each deployment's model, as `frontdesk check --models` shows it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from rich.console import Console

from frontdesk_server.cli.tables import Column, table
from frontdesk_server.domain.history import IdRule
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.profile import Profile, Range, Takes
from frontdesk_server.domain.query import ReasoningEffort

_USUAL = Profile()
_PARTS = ("at_rest", "reasoning", "refused", "sources")
_ANY = ("image_types", "tool_call_ids", "uri_schemes")
"""Of which None is no bound."""


def model_facts(pool: Mapping[str, Model]) -> list[dict[str, Any]]:
    """All facts of every deployment, as plain values under the names of the configuration's `profile`."""
    return [_row(name, place) for name, model in pool.items() for place in model.deployments]


def print_facts(pool: Mapping[str, Model], console: Console) -> None:
    """One row a deployment: whence its facts come, and what it does not take as an API usually does."""
    columns = (
        Column("model", head=True),
        Column("deployment", head=True),
        Column("by", free=True),
        Column("takes", free=True),
    )
    rows = [
        (
            name,
            f"{place.backend}: {place.upstream_model}",
            " · ".join(place.profile.sources) or "nothing known",
            "\n".join(_lines(place.profile)),
        )
        for name, model in pool.items()
        for place in model.deployments
    ]
    console.print(table(columns, rows, console.width))


def _row(model: str, place: Deployment) -> dict[str, Any]:
    profile = place.profile
    while_reasoning = {
        name: value for name, value in _settings(profile.reasoning).items() if value != _settings(profile.at_rest)[name]
    }
    facts = {field.name: _fact(profile, field.name) for field in fields(profile) if field.name not in _PARTS}
    return {
        "model": model,
        "backend": place.backend,
        "upstream_model": place.upstream_model,
        "sources": list(profile.sources),
        "profile": {**_settings(profile.at_rest), "while_reasoning": while_reasoning, **facts},
    }


def _lines(profile: Profile) -> list[str]:
    """What differs from an API of which nothing is known."""
    usual, own, reasoning = _settings(_USUAL.at_rest), _settings(profile.at_rest), _settings(profile.reasoning)
    lines = [f"{name}: {_shown(value)}" for name, value in own.items() if value != usual[name]]
    differing = [f"{name}: {_shown(value)}" for name, value in reasoning.items() if value != own[name]]
    if differing:
        lines.append(f"while reasoning {', '.join(differing)}")
    names = [field.name for field in fields(profile) if field.name not in _PARTS]
    differing = [name for name in names if getattr(profile, name) != getattr(_USUAL, name)]
    lines += [f"{name}: {_shown(_fact(profile, name))}" for name in differing]
    return lines or ["everything"]


def _fact(profile: Profile, name: str) -> Any:
    return _plain(getattr(profile, name), missing="any" if name in _ANY else "none")


def _settings(takes: Takes) -> dict[str, Any]:
    return {field.name: _plain(getattr(takes, field.name), missing=False) for field in fields(takes)}


def _plain(value: Any, *, missing: Any = "none") -> Any:
    """A fact as the configuration writes it."""
    match value:
        case None:
            return missing
        case Range(least, most):
            return least if least == most else [least, most]
        case IdRule():
            return {"pattern": value.accepted.pattern, "length": value.length}
        case enum.Enum():
            return value.value
        case frozenset():
            order = [effort.value for effort in ReasoningEffort]
            names = {str(_plain(one)) for one in value}
            return sorted(names, key=lambda name: (order.index(name) if name in order else -1, name))
        case tuple():
            return list(value)
    return value


def _shown(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value)) or "none"
        case dict():
            return ", ".join(f"{name} {one}" for name, one in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
