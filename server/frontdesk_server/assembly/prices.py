"""Prices: from the configuration, or looked up in the price table of the `genai-prices` package."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from frontdesk_server.assembly.price_table import look_up
from frontdesk_server.config.prices import ModelPrices, PricesConfig, PriceTierConfig, RatesConfig
from frontdesk_server.domain.prices import PricePeriod, Prices, PriceTier, ServiceTierPrices
from frontdesk_server.domain.usage import nano_usd

Rates = dict[str, Any]

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_RATES = {
    field.name: field.name.removesuffix("_nano_usd_per_million").removesuffix("_nano_usd") for field in fields(Prices)
}
"""The fields of prices that are rates, and what they are called in the configuration."""


def resolve_prices(
    config: ModelPrices | None, *, upstream_model: str, provider: str, now: datetime, address: str = ""
) -> tuple[Prices | None, str]:
    """Exact integer prices, or None and why `auto` found none; unknown is never zero.

    `provider` is its name in the GenAI conventions, `address` the root of its API, where it has one.
    """
    match config:
        case None:
            return None, ""
        case "auto":
            return look_up(upstream_model, provider, address, now)
        case PricesConfig():
            return _prices(config), ""
    base, *later = config
    periods = tuple(PricePeriod(one.since or _ALWAYS, _prices(one), one.daily) for one in later)
    return replace(_prices(base), periods=periods), ""


def _prices(config: PricesConfig) -> Prices:
    rates = _said(config)
    served = []
    for name, service_tier in config.service_tiers.items():
        own = _said(service_tier)
        if service_tier.tiers:
            prices = _tiered(rates | own, service_tier.tiers, {})
        else:
            prices = _tiered(rates | own, config.tiers, own)
        served.append(ServiceTierPrices(name, prices))
    return replace(_tiered(rates, config.tiers, {}), service_tiers=tuple(served))


def _tiered(rates: Rates, tiers: Iterable[PriceTierConfig], throughout: Rates) -> Prices:
    """Prices whose tiers say what differs from the rates; `throughout` holds in all of them."""
    ordered = sorted(tiers, key=lambda tier: tier.above_input_tokens)
    built = (PriceTier(tier.above_input_tokens, Prices(**rates | _said(tier) | throughout)) for tier in ordered)
    return Prices(**rates, tiers=tuple(built))


def _said(config: RatesConfig) -> Rates:
    """The rates that a section spells out, by the fields of prices."""
    said = ((field, getattr(config, name, None)) for field, name in _RATES.items())
    return {field: nano_usd(usd) for field, usd in said if isinstance(usd, Decimal)}
