"""Routers: each a named tree of strategies with its defaults. The sections of strategies stand in their own files."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from frontdesk_server.config.base import Count, Fraction, Milliseconds, Section, Weight
from frontdesk_server.config.strategy_kinds import RootStrategy


class ExplorationConfig(Section):
    """A share of traffic goes to another model, so that the loop can learn."""

    share: Fraction = 0.0
    """Share of queries."""
    max_cost_nano_usd: Annotated[int, Field(ge=0)] | None = None
    """No exploration above this predicted cost. Default: no cap."""


class HedgeConfig(Section):
    """Another model is asked beside one that is slow to begin; the first to show content answers."""

    after_ms: Milliseconds | Literal["p95"] = "p95"
    """How long a stream may show nothing; `p95` is what 19 of 20 of the model's latest streams kept."""
    max_cost_nano_usd: Annotated[int, Field(ge=0)]
    """Most that the second answer may cost; models of unknown price are not asked."""


class RouterConfig(Section):
    """A named tree of strategies and its defaults."""

    strategy: RootStrategy
    default_model: str
    """Answers when every strategy abstains or fails."""
    models: tuple[str, ...] = ()
    """The candidates. Default: the whole pool."""
    fallbacks: tuple[str, ...] = ()
    """Asked in this order when a step fails."""
    quality_floor: Fraction | None = None
    """Cheapest model that reaches it is chosen. Default: best utility."""
    cost_weight: Weight = 0.0
    """Quality per 0.01 USD."""
    latency_weight: Weight = 0.0
    """Quality per second to the first token."""
    max_attempts: Count = 4
    """First choice, escalations and fallbacks."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 120.0
    """Deadline of calls that bring none."""
    strategy_timeout_ms: Milliseconds | None = None
    """Time budget of routing in all. Default: 250, and what router LLMs are given by a `timeout_ms` of their own."""
    exploration: ExplorationConfig = ExplorationConfig()
    hedge: HedgeConfig | None = None
    """Default: one model is asked at a time."""
    switch_cost: Weight | None = None
    """Least gain for which a conversation leaves its model: utility, or with a floor alone the share of cost saved.
    Default: what the tokens cost that the old model's provider has cached and the new one's has not."""
    prompt_caching: Literal["auto", "off"] = "off"
    """auto: providers that cache where they are told to keep tools, instructions and conversations, unless the caller
    says something of caching. Some charge more for writing to a cache, which pays only if calls go on alike."""
