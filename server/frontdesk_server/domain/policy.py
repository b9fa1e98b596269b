"""The caller's wishes for one query."""

from __future__ import annotations

from dataclasses import dataclass

from frontdesk_server.domain.model import Capability


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """Every None takes the router's default.

    `cost_weight` is quality per 0.01 USD, `latency_weight` quality per second to the first token.
    """

    router: str = "default"
    quality_floor: float | None = None
    cost_weight: float | None = None
    latency_weight: float | None = None
    max_cost_nano_usd: int | None = None
    max_time_to_first_token_seconds: float | None = None
    allowed_models: frozenset[str] = frozenset()
    excluded_models: frozenset[str] = frozenset()
    required_capabilities: frozenset[Capability] = frozenset()
    affinity_key: str = ""
    max_attempts: int | None = None
