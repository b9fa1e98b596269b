"""Budgets and rate limits, affinity, and the Redis that several machines share for them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from frontdesk_server.config.base import Count, Milliseconds, Seconds, Secret, Section
from frontdesk_server.config.names import Name

_REDIS_URL = re.compile(
    r"rediss?://(?:[^/\s]*@)?(?:\[[0-9a-f:.]+\]|[^/\s:@\[\]?]*)(?::\d{1,5})?(?:/\d*)?(?:\?\S*)?"
    r"|unix://(?:[^/\s]*@)?/\S+"
    r"|rediss?\+sentinel://(?:[^/\s]*@)?[^/\s@]+/[^/\s?]+(?:/\d*)?(?:\?\S*)?",
    re.IGNORECASE,
)


class LimitRule(Section):
    """What may be used per window. While a rule about models is exhausted, other models answer."""

    name: Name
    """Shown in errors and decisions. A new name starts new counters."""
    per: frozenset[Literal["caller", "router", "model"]] = frozenset()
    """Each of these, or each combination, has counters of its own. Default: one for all."""
    callers: frozenset[str] = frozenset()
    """Holds for these callers only. Default: all."""
    routers: frozenset[str] = frozenset()
    """Holds for these routers only. Default: all."""
    models: frozenset[str] = frozenset()
    """Holds for calls of these models only. Default: all."""
    window: Literal["second", "minute", "hour", "day", "month"]
    """Calendar windows in UTC: counters start again at each full second, minute, …"""
    requests: Count | None = None
    """Completions; of a rule about models, calls of models."""
    tokens: Count | None = None
    """Input and output tokens."""
    usd: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    """Money."""

    @property
    def about_models(self) -> bool:
        """Whether it limits single models, and not whatever a caller or router does."""
        return "model" in self.per or bool(self.models)

    @model_validator(mode="after")
    def _makes_sense(self) -> LimitRule:
        if self.requests is None and self.tokens is None and self.usd is None:
            raise ValueError("limit requests, tokens or usd")
        if self.about_models and ("router" in self.per or self.routers):
            raise ValueError("a rule about models cannot be about routers too; make it about callers, or two rules")
        return self


class LimitsConfig(Section):
    """Budgets and rate limits. Every rule that holds for a call must have room for it."""

    rules: tuple[LimitRule, ...] = ()
    store: Literal["memory", "sqlite", "redis"] = "sqlite"
    """Where counters are kept: in one process, in a file that all workers of a machine share, or in Redis."""
    path: Path = Path("frontdesk-limits.db")
    """File of `sqlite`."""
    when_unavailable: Literal["refuse", "allow", "share"] = "refuse"
    """What happens to calls while the store does not answer; `share`, with `redis` only: each process has its share."""

    @model_validator(mode="after")
    def _shares_are_of_something(self) -> LimitsConfig:
        if self.when_unavailable == "share" and self.store != "redis":
            raise ValueError("when_unavailable: share needs store: redis")
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> LimitsConfig:
        twice = [name for name, count in Counter(rule.name for rule in self.rules).items() if count > 1]
        if twice:
            raise ValueError(f"two rules are named {', '.join(twice)}")
        return self


class AffinityStoreConfig(Section):
    """Where it is remembered which model serves a conversation."""

    store: Literal["memory", "redis"] = "memory"
    """In each process, or in Redis."""
    max_conversations: Count = 100_000
    """Of `memory`; the longest unused are forgotten first."""
    idle_seconds: Seconds = 3600.0
    """A conversation that rests longer is forgotten, as providers' prompt caches forget it."""


class RedisConfig(Section):
    """A Redis (6.2 or later) that several machines share."""

    url: Secret
    """redis://HOST:PORT/NUMBER, rediss://… with TLS, unix:///PATH, or redis+sentinel://HOST:PORT,HOST:PORT/MASTER/NUMBER"""
    prefix: str = "frontdesk"
    """Begins every key."""
    timeout_ms: Milliseconds = 1000.0
    """Longest wait for an answer."""
    max_connections: Count = 32
    """Of one process."""

    @field_validator("url")
    @classmethod
    def _is_of_redis(cls, url: Secret) -> Secret:
        """The client itself would take a misspelt number of a database for the first one."""
        if not _REDIS_URL.fullmatch(url.get_secret_value()):
            raise ValueError(
                "no address of Redis: redis://HOST:PORT/NUMBER, rediss://…, unix:///PATH or"
                " redis+sentinel://HOST:PORT,HOST:PORT/MASTER/NUMBER;"
                " special characters of a password are written as %XX"
            )
        return url
