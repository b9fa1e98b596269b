"""Prices are exact, and what is not known is not made up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from frontdesk_server.assembly.pool import build_pool, unknown_prices
from frontdesk_server.assembly.prices import resolve_prices
from frontdesk_server.config.prices import ModelPrices, PricesConfig
from frontdesk_server.config.root import Config
from frontdesk_server.domain.prices import Prices
from frontdesk_server.domain.usage import Usage

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def resolve(config: ModelPrices | None, model: str = "gpt-4o-mini", provider: str = "openai") -> Prices | None:
    prices, trouble = resolve_prices(config, upstream_model=model, provider=provider, now=NOW)
    assert (prices is None and config == "auto") == bool(trouble)
    return prices


@pytest.mark.parametrize(
    ("usd", "nano_usd"),
    [(0.1, 100_000_000), (0.15, 150_000_000), (0.07, 70_000_000), (1.1e-9, 1), (15, 15_000_000_000), (0, 0)],
)
def test_configured_prices_are_exact(usd: float, nano_usd: int) -> None:
    prices = resolve(PricesConfig.model_validate({"input": usd, "output": 2.5, "cache_read": usd}))
    assert prices == Prices(nano_usd, 2_500_000_000, nano_usd)


@pytest.mark.parametrize(
    ("usage", "nano_usd"),
    [
        (Usage(1_000_000, 0), 3_000_000_000),
        (Usage(1, 1), 3_000 + 15_000),
        (Usage(100, 10, cache_read_tokens=60, cache_write_tokens=30), 10 * 3_000 + 60 * 300 + 30 * 3_750 + 10 * 15_000),
        (Usage(0, 100, reasoning_tokens=40), 60 * 15_000 + 40 * 20_000),
        (Usage(None, 10), None),
        (Usage(10, None), None),
    ],
)
def test_every_token_class_has_its_price(usage: Usage, nano_usd: int | None) -> None:
    usd = {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75, "reasoning": 20}
    prices = resolve(PricesConfig.model_validate(usd))
    assert prices is not None
    assert prices.cost_nano_usd(usage) == nano_usd


def test_unconfigured_prices_are_unknown() -> None:
    assert resolve(None) is None


def test_auto_looks_prices_up_by_the_upstream_model() -> None:
    pytest.importorskip("genai_prices")
    prices = resolve("auto")
    assert prices is not None
    assert (prices.input_nano_usd_per_million, prices.output_nano_usd_per_million) == (150_000_000, 600_000_000)
    assert prices.cache_read == 75_000_000


def test_auto_knows_no_price_of_an_unknown_model() -> None:
    assert resolve("auto", model="nobody-sells-this") is None


def test_the_pool_says_which_automatic_prices_it_does_not_know() -> None:
    pytest.importorskip("genai_prices")
    config = Config.model_validate(
        {
            "backends": {
                "cloud": {"kind": "openai", "base_url": "https://api.openai.com/v1"},
                "toy": {"kind": "simulated"},
            },
            "models": {
                "mini": {"backend": "cloud", "upstream_model": "gpt-4o-mini", "prices": "auto"},
                "mystery": {"backend": "cloud", "prices": "auto"},
                "free": {"backend": "toy"},
            },
            "routers": {"default": {"default_model": "mini", "strategy": {"kind": "model", "model": "mini"}}},
        }
    )
    pool = build_pool(config)
    assert pool["mini"].prices is not None
    assert pool["mini"].prices.input_nano_usd_per_million == 150_000_000
    assert pool["mystery"].prices is pool["free"].prices is None
    assert unknown_prices(config) == {"mystery": "not in the price table"}
