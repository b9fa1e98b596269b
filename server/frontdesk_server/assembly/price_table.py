"""The price table of the `genai-prices` package, whose data are in the package: nothing is fetched."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from frontdesk_server.domain.extras import brought_by
from frontdesk_server.domain.prices import PricePeriod, Prices, PriceTier, ServiceTierPrices
from frontdesk_server.domain.usage import nano_usd

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

_PER_THOUSAND = 1000
_RATES = {
    "input_nano_usd_per_million": "input_mtok",
    "output_nano_usd_per_million": "output_mtok",
    "cache_read_nano_usd_per_million": "cache_read_mtok",
    "cache_write_nano_usd_per_million": "cache_write_mtok",
    "reasoning_nano_usd_per_million": "output_reasoning_mtok",
    "cache_write_long_nano_usd_per_million": "cache_write_1h_mtok",
    "input_audio_nano_usd_per_million": "input_audio_mtok",
    "cache_read_audio_nano_usd_per_million": "cache_audio_read_mtok",
    "output_audio_nano_usd_per_million": "output_audio_mtok",
    "input_image_nano_usd_per_million": "input_image_mtok",
    "output_image_nano_usd_per_million": "output_image_mtok",
}
_FEES = {"request_nano_usd": "requests_kcount", "web_search_nano_usd": "web_searches_kcount"}
_SERVICES = ("service_tier", "processing", "speed")
"""What the table calls the choices that make a service tier."""


def look_up(upstream_model: str, provider: str, address: str, now: datetime) -> tuple[Prices | None, str]:
    """All that the table says of the model from now on; or None, and why.

    The provider is known by its address, or else by its name, empty for any. A gateway that the table does not know is
    taken to charge what the vendor charges that it names before the model, such as `anthropic/claude-sonnet-5`.
    """
    try:
        from genai_prices import data_snapshot
    except ImportError:
        return None, f"genai-prices is not installed: {brought_by('prices')}"
    table = data_snapshot.get_snapshot()
    model = _found(table, upstream_model, None, address) if address else None
    if model is None:
        model = _found(table, upstream_model, provider or None, None)
    vendor, slash, named = upstream_model.partition("/")
    if model is None and slash and not _knows(table, provider, address):
        model = _found(table, named, vendor, None)
    if model is None:
        return None, "not in the price table"
    if (prices := prices_of(model, now)) is None:
        return None, "the price table has no price for input or output tokens"
    return prices, ""


def _found(table: DataSnapshot, model: str, provider: str | None, address: str | None) -> ModelInfo | None:
    try:
        return table.find_provider_model(model, None, provider, address)[1]
    except LookupError:
        return None


def _knows(table: DataSnapshot, provider: str, address: str) -> bool:
    for name, url in ((provider or None, None), (None, address or None)):
        try:
            if name or url:
                table.find_provider(None, name, url)
                return True
        except LookupError:
            continue
    return False


def prices_of(model: ModelInfo, now: datetime) -> Prices | None:
    """Prices now, and those that follow: the table is asked about each time within which none of them changes."""
    days, times = _changes(model, now)
    slots = [(begin, times[(index + 1) % len(times)]) for index, begin in enumerate(times)]
    base = _with_services(model, datetime.combine(now.date(), slots[0][0], UTC) if slots else now)
    if base is None:
        return None
    periods = []
    for since in (None, *days):
        for slot in slots or (None,):
            at = since or now
            prices = _with_services(model, at if slot is None else datetime.combine(at.date(), slot[0], UTC))
            if prices is not None and (since is not None or prices != base):
                periods.append(PricePeriod(since or datetime.min.replace(tzinfo=UTC), prices, slot))
    return replace(base, periods=tuple(periods))


def _changes(model: ModelInfo, now: datetime) -> tuple[list[datetime], list[time]]:
    """The instants to come, and the times of day (UTC), at which some price changes."""
    dated: list[Any] = model.prices if isinstance(model.prices, list) else []
    constraints = [one.constraint for one in (*dated, *(model.price_variants or ()))]
    days = {
        datetime.combine(constraint.start_date, time(), UTC)
        for constraint in constraints
        if hasattr(constraint, "start_date")
    }
    times = {
        datetime.combine(now.date(), edge).astimezone(UTC).time()
        for constraint in constraints
        if hasattr(constraint, "start_time")
        for edge in (constraint.start_time, constraint.end_time)
    }
    return sorted(day for day in days if day > now), sorted(times)


def _with_services(model: ModelInfo, moment: datetime) -> Prices | None:
    plain = _prices(model.get_prices(moment))
    if plain is None:
        return None
    named = {
        name: choice
        for variant in model.price_variants or ()
        for choice, name in variant.when.items()
        if len(variant.when) == 1 and choice in _SERVICES
    }
    services = ((name, _prices(model.get_prices(moment, {choice: name}))) for name, choice in named.items())
    return replace(
        plain,
        service_tiers=tuple(ServiceTierPrices(name, prices) for name, prices in services if prices and prices != plain),
    )


def _prices(found: ModelPrice) -> Prices | None:
    """The rates of the table by length of input; None without a price for input or output tokens."""
    rates = _rates(found, 0)
    if not {"input_nano_usd_per_million", "output_nano_usd_per_million"} <= rates.keys():
        return None
    lengths = {tier.start for name in _RATES.values() for tier in getattr(getattr(found, name), "tiers", ())}
    tiers = tuple(PriceTier(length, Prices(**_rates(found, length))) for length in sorted(lengths))
    return replace(Prices(**rates), tiers=tiers)


def _rates(found: ModelPrice, length: int) -> dict[str, Any]:
    """The known rates of calls with more input tokens than `length`; 0 for the shortest."""
    prices = {field: _usd(getattr(found, name), length) for field, name in _RATES.items()}
    fees = {field: _usd(getattr(found, name), length) for field, name in _FEES.items()}
    rates: dict[str, Any] = {field: nano_usd(usd) for field, usd in prices.items() if usd is not None}
    return rates | {field: nano_usd(usd / _PER_THOUSAND) for field, usd in fees.items() if usd is not None}


def _usd(price: Decimal | TieredPrices | None, length: int) -> Decimal | None:
    if price is None or isinstance(price, Decimal):
        return price
    return next((tier.price for tier in reversed(price.tiers) if length and length >= tier.start), price.base)
