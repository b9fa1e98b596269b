"""Prices in the configuration, and those of the price table."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from frontdesk_server.assembly.price_table import prices_of
from frontdesk_server.assembly.prices import resolve_prices
from frontdesk_server.config.prices import ModelPrices
from frontdesk_server.domain.prices import PricePeriod, Prices, PriceTier, ServiceTierPrices
from pydantic import TypeAdapter, ValidationError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PRICES: TypeAdapter[ModelPrices] = TypeAdapter(ModelPrices)


def resolved(config: Any, model: str = "m", provider: str = "openai", now: datetime = NOW) -> Prices:
    parsed = PRICES.validate_python(config)
    prices, trouble = resolve_prices(parsed, upstream_model=model, provider=provider, now=now)
    assert prices is not None, trouble
    return prices


@pytest.mark.parametrize("usd", [0.1, "0.1"])
def test_decimals_are_exact(usd: object) -> None:
    assert resolved({"input": usd, "output": 1}).input_nano_usd_per_million == 100_000_000


def test_tiers_say_what_differs() -> None:
    tiers = [{"above_input_tokens": 500, "input": 4}, {"above_input_tokens": 200, "input": 2, "cache_read": 0}]
    prices = resolved({"input": 1, "output": 3, "cache_read": 0.5, "tiers": tiers})
    assert prices.tiers == (
        PriceTier(200, Prices(2_000_000_000, 3_000_000_000, 0)),
        PriceTier(500, Prices(4_000_000_000, 3_000_000_000, 500_000_000)),
    )


def test_service_tiers_say_what_differs_at_every_length() -> None:
    config = {
        "input": 1,
        "output": 3,
        "request": 0.005,
        "tiers": [{"above_input_tokens": 200, "input": 2}],
        "service_tiers": {"priority": {"output": 6}, "batch": {"input": 0.5, "tiers": []}},
    }
    assert resolved(config).service_tiers == (
        ServiceTierPrices(
            "priority",
            Prices(
                1_000_000_000,
                6_000_000_000,
                request_nano_usd=5_000_000,
                tiers=(PriceTier(200, Prices(2_000_000_000, 6_000_000_000, request_nano_usd=5_000_000)),),
            ),
        ),
        ServiceTierPrices(
            "batch",
            Prices(
                500_000_000,
                3_000_000_000,
                request_nano_usd=5_000_000,
                tiers=(PriceTier(200, Prices(500_000_000, 3_000_000_000, request_nano_usd=5_000_000)),),
            ),
        ),
    )


@pytest.mark.parametrize("since", [date(2026, 7, 1), "2026-07-01", datetime(2026, 7, 1, tzinfo=UTC)])
def test_a_list_of_prices_tells_when_each_begins(since: object) -> None:
    prices = resolved(
        [
            {"input": 1, "output": 1},
            {"input": 2, "output": 2, "since": since},
            {"input": 3, "output": 3, "daily": ["22:00", "06:00"]},
        ]
    )
    assert prices.periods[0] == PricePeriod(datetime(2026, 7, 1, tzinfo=UTC), Prices(2_000_000_000, 2_000_000_000))
    assert prices.periods[1].daily == (time(22), time(6))
    assert prices.at(NOW) is prices
    assert prices.at(NOW + timedelta(days=60)).input_nano_usd_per_million == 2_000_000_000
    assert prices.at(NOW + timedelta(hours=11)).input_nano_usd_per_million == 3_000_000_000


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"input": -1, "output": 1}, "greater than or equal to 0"),
        ({"input": 1}, "Field required"),
        ({"input": float("nan"), "output": 1}, "finite"),
        ({"input": 1, "output": 1, "since": "2026-07-01"}, "give a list"),
        ([], "at least one"),
        ([{"input": 1, "output": 1, "since": "2026-07-01"}], "the first of several"),
        ([{"input": 1, "output": 1}, {"input": 2, "output": 1}], "says since when"),
        ("free", "'auto'"),
    ],
)
def test_prices_that_say_too_little_or_cannot_be(config: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as refused:
        PRICES.validate_python(config)
    assert refused.value.error_count() == 1


def test_the_price_table_knows_longer_input_service_tiers_and_media() -> None:
    pytest.importorskip("genai_prices")
    pro = resolved("auto", "gemini-2.5-pro", "google")
    assert [tier.above_input_tokens for tier in pro.tiers] == [200_000]
    assert pro.tiers[0].prices.input_nano_usd_per_million == 2 * pro.input_nano_usd_per_million
    claude = resolved("auto", "claude-sonnet-4-5", "anthropic", datetime(2027, 1, 1, tzinfo=UTC))
    assert claude.cache_write_long_nano_usd_per_million == 2 * claude.input_nano_usd_per_million
    assert claude.web_search_nano_usd == 10_000_000
    assert {service.service_tier for service in claude.service_tiers} == {"batch"}
    flash = resolved("auto", "gemini-2.0-flash", "google")
    assert flash.input_audio_nano_usd_per_million == 700_000_000
    assert resolved("auto", "sonar", "perplexity").request_nano_usd == 12_000_000


@pytest.mark.parametrize(
    ("provider", "address", "model", "usd"),
    [
        ("openai", "https://api.groq.com/openai/v1/", "openai/gpt-oss-120b", "0.15"),
        ("vercel", "https://gateway.example/v1/", "anthropic/claude-sonnet-4-5", "3"),
        ("openai", "", "anthropic/claude-sonnet-4-5", None),
        ("vercel", "", "nobody/nothing", None),
    ],
)
def test_whose_price_it_is(provider: str, address: str, model: str, usd: str | None) -> None:
    pytest.importorskip("genai_prices")
    prices, trouble = resolve_prices("auto", upstream_model=model, provider=provider, address=address, now=NOW)
    assert (prices is None) == bool(trouble)
    found = None if prices is None else prices.input_nano_usd_per_million
    assert found == (None if usd is None else int(Decimal(usd) * 10**9))


def table_model(**fields: Any) -> Any:
    types = pytest.importorskip("genai_prices.types")
    return types.ModelInfo(id="m", match=types.ClauseEquals("m"), **fields)


def test_the_price_table_s_dates_and_hours_are_kept() -> None:
    types = pytest.importorskip("genai_prices.types")

    def price(usd: int) -> Any:
        return types.ModelPrice(input_mtok=Decimal(usd), output_mtok=Decimal(usd))

    dated = [
        types.ConditionalPrice(prices=price(1)),
        types.ConditionalPrice(constraint=types.StartDateConstraint(date(2026, 1, 1)), prices=price(2)),
        types.ConditionalPrice(constraint=types.StartDateConstraint(date(2026, 7, 1)), prices=price(3)),
        types.ConditionalPrice(constraint=types.TimeOfDateConstraint(time(22), time(6)), prices=price(4)),
    ]
    batch = types.PriceVariant(
        {"processing": "batch"}, types.ModelPrice(output_mtok=Decimal(0)), types.StartDateConstraint(date(2026, 8, 1))
    )
    model = table_model(prices=dated, price_variants=[batch])
    prices = prices_of(model, NOW)
    assert prices is not None
    for hours in range(0, 24 * 100, 5):
        moment = NOW + timedelta(hours=hours)
        usd = int(model.get_prices(moment).input_mtok)
        assert prices.at(moment).input_nano_usd_per_million == usd * 1_000_000_000
        output = model.get_prices(moment, {"processing": "batch"}).output_mtok
        assert prices.at(moment).served("batch").output_nano_usd_per_million == output * 1_000_000_000
