"""Which counters a rule has, and how far they are used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from frontdesk_server.config.limits import LimitRule
from frontdesk_server.domain.usage import NANO_USD_PER_USD
from frontdesk_server.state.limits.reservation import Quantity
from frontdesk_server.state.limits.windows import window_bounds

_NAMES: tuple[str, ...] = ("caller", "router", "model")

Sight = Mapping[str, str]
"""By the words `caller`, `router` and `model`, of whom counters are meant."""


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter of a rule, and where it stops."""

    key: str
    per: Sight
    """What has this counter for itself; empty where all share it."""
    quantity: Quantity
    limit: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a counter is used in the window that now runs."""

    rule: str
    per: Sight
    quantity: Quantity
    used: int
    limit: int
    window: str
    ends_at: datetime


def holds_for(rule: LimitRule, sight: Sight) -> bool:
    """Whether the rule is about it."""
    return (
        (not rule.callers or sight["caller"] in rule.callers)
        and (not rule.routers or sight["router"] in rule.routers)
        and (not rule.models or sight["model"] in rule.models)
    )


def counters(rule: LimitRule, sight: Sight, now: datetime) -> Iterator[Counter]:
    """The rule's counters for it, one a quantity, of the window that runs."""
    start, _ = window_bounds(rule.window, now)
    per: Sight = {name: sight[name] for name in _NAMES if name in rule.per}
    named = (f"{name}={quote(part, safe='')}" for name, part in per.items())
    key = "/".join((quote(rule.name, safe=""), *named, f"{start:%Y%m%dT%H%M%S}"))
    limits = {
        Quantity.REQUESTS: rule.requests,
        Quantity.TOKENS: rule.tokens,
        Quantity.NANO_USD: None if rule.usd is None else round(rule.usd * NANO_USD_PER_USD),
    }
    for quantity, limit in limits.items():
        if limit is not None:
            yield Counter(f"{key}/{quantity.value}", per, quantity, limit)


def standing(rule: LimitRule, counter: Counter, used: int, now: datetime) -> Standing:
    """The counter as it stands."""
    _, end = window_bounds(rule.window, now)
    return Standing(rule.name, counter.per, counter.quantity, used, counter.limit, rule.window, end)
