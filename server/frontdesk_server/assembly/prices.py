"""Prices: from the configuration, or looked up in the price table of the `genai-prices` package."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from frontdesk_server.config.pool import PricesConfig
from frontdesk_server.domain.usage import NANO_USD_PER_USD, Prices


def resolve_prices(
    config: PricesConfig | Literal["auto"] | None,
    *,
    upstream_model: str,
    provider: str,
    context_window: int,
    now: datetime,
) -> tuple[Prices | None, str]:
    """Exact integer prices, or None and why `auto` found none; unknown is never zero.

    `provider` is its name in the GenAI conventions. Where a price rises with the query's length, the base price holds
    only if no query of this context window can reach the next tier; otherwise the price is unknown.
    """
    if config is None:
        return None, ""
    if isinstance(config, PricesConfig):
        return _exact(config.input, config.output, config.cache_read, config.cache_write, config.reasoning), ""
    return _looked_up(upstream_model, provider, context_window, now)


def _looked_up(upstream_model: str, provider: str, context_window: int, now: datetime) -> tuple[Prices | None, str]:
    """The package's data are in the package: nothing is fetched."""
    try:
        from genai_prices import data_snapshot
    except ImportError:
        return None, "package genai-prices is not installed: frontdesk[prices]"
    try:
        _, model = data_snapshot.get_snapshot().find_provider_model(upstream_model, None, provider or None, None)
    except LookupError:
        return None, "not in the price table"
    found = model.get_prices(now)
    parts = []
    for name in ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "output_reasoning_mtok"):
        price: Any = getattr(found, name, None)
        if hasattr(price, "tiers"):
            if min(tier.start for tier in price.tiers) < context_window:
                return None, "it rises with the query's length within this context window"
            price = price.base
        parts.append(price)
    input_usd, output_usd, cache_read_usd, cache_write_usd, reasoning_usd = parts
    if input_usd is None or output_usd is None:
        return None, "the price table has no price for input or output tokens"
    return _exact(input_usd, output_usd, cache_read_usd, cache_write_usd, reasoning_usd), ""


def _exact(
    input_usd: float | Decimal,
    output_usd: float | Decimal,
    cache_read_usd: float | Decimal | None,
    cache_write_usd: float | Decimal | None,
    reasoning_usd: float | Decimal | None,
) -> Prices:
    return Prices(
        _nano_usd(input_usd),
        _nano_usd(output_usd),
        None if cache_read_usd is None else _nano_usd(cache_read_usd),
        None if cache_write_usd is None else _nano_usd(cache_write_usd),
        None if reasoning_usd is None else _nano_usd(reasoning_usd),
    )


def _nano_usd(usd: float | Decimal) -> int:
    """Through decimal text, so that 0.1 USD is 100,000,000 nano-USD and not one less."""
    return int((Decimal(str(usd)) * NANO_USD_PER_USD).to_integral_value(ROUND_HALF_UP))
