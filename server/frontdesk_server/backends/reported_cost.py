"""What a provider says that a call cost."""

from __future__ import annotations

import math
from typing import Any

from frontdesk_server.backends.json_reading import Json

_NANO_USD_PER_USD = 1_000_000_000
_TICKS_PER_NANO_USD = 10
_MOST_USD = 1_000_000
"""What exceeds it is no cost of one call."""


def reported_cost_nano_usd(usage: Json) -> int | None:
    """The cost in a usage object; None when it holds none.

    OpenRouter, Vercel and others say `cost` in USD, Perplexity `cost.total_cost`, DeepInfra `estimated_cost`, xAI
    `cost_in_usd_ticks` of 1e-10 USD. Where the caller's own key pays the provider (`is_byok`), OpenRouter says that
    part apart.
    """
    ticks = _number(usage.get("cost_in_usd_ticks"))
    if ticks is not None:
        return round(ticks / _TICKS_PER_NANO_USD)
    cost = usage.get("cost")
    usd = _number(cost.get("total_cost") if isinstance(cost, dict) else cost)
    if usd is None:
        usd = _number(usage.get("estimated_cost"))
    if usd is None:
        return None
    details = usage.get("cost_details")
    if usage.get("is_byok") is True and isinstance(details, dict):
        usd += _number(details.get("upstream_inference_cost")) or 0
    return round(usd * _NANO_USD_PER_USD) if usd <= _MOST_USD else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return float(value)
