"""What a call costs by class of token, length of input, service tier and time: exact to the nano-USD."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from fractions import Fraction

import pytest
from frontdesk_server.domain.prices import PricePeriod, Prices, PriceTier, ServiceTierPrices
from frontdesk_server.domain.usage import Usage
from hypothesis import given
from hypothesis import strategies as st

PLAIN = Prices(1_000_000, 2_000_000)
"""One nano-USD a token of input, two a token of output."""
LONG = Prices(3_000_000, 5_000_000)
LONGER = Prices(7_000_000, 11_000_000)
TIERED = Prices(1_000_000, 2_000_000, tiers=(PriceTier(100, LONG), PriceTier(200, LONGER)))
MIDNIGHT = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("input_tokens", "nano_usd"),
    [(100, 100 * 1 + 10 * 2), (101, 101 * 3 + 10 * 5), (200, 200 * 3 + 10 * 5), (201, 201 * 7 + 10 * 11)],
)
def test_a_tier_holds_for_all_tokens_of_a_longer_call(input_tokens: int, nano_usd: int) -> None:
    assert TIERED.cost_nano_usd(Usage(input_tokens, 10)) == nano_usd
    assert TIERED.cost_nano_usd(Usage(input_tokens, 10, cache_read_tokens=input_tokens)) == nano_usd


SOUND = Prices(
    1_000_000,
    2_000_000,
    cache_read_nano_usd_per_million=100_000,
    cache_write_nano_usd_per_million=1_250_000,
    cache_write_long_nano_usd_per_million=2_000_000,
    input_audio_nano_usd_per_million=10_000_000,
    cache_read_audio_nano_usd_per_million=5_000_000,
    output_audio_nano_usd_per_million=20_000_000,
    input_image_nano_usd_per_million=4_000_000,
    output_image_nano_usd_per_million=30_000_000,
    request_nano_usd=1_000,
    web_search_nano_usd=10_000,
)


@pytest.mark.parametrize(
    ("usage", "nano_usd"),
    [
        (Usage(100, 0), 1_000 + 100),
        (Usage(0, 0), 0),
        (Usage(100, 0, web_searches=3), 1_000 + 30_000 + 100),
        (Usage(100, 0, input_audio_tokens=40), 1_000 + 60 + 400),
        (Usage(100, 0, cache_read_tokens=50, input_audio_tokens=40), 1_000 + 10 + 400 + 5),
        (Usage(100, 0, cache_read_tokens=70, input_audio_tokens=40), 1_000 + 30 * 10 + 10 * 5 + 6),
        (Usage(100, 0, cache_write_tokens=40, cache_write_long_tokens=10), 1_000 + 60 + 30 * 5 // 4 + 20 + 1),
        (Usage(100, 0, input_image_tokens=25, input_audio_tokens=25), 1_000 + 50 + 250 + 100),
        (Usage(0, 100, output_audio_tokens=40), 1_000 + 120 + 800),
        (Usage(0, 100, output_image_tokens=40), 1_000 + 120 + 1_200),
        (Usage(0, 100, reasoning_tokens=50, output_audio_tokens=40), 1_000 + 120 + 800),
    ],
)
def test_every_class_has_its_price(usage: Usage, nano_usd: int) -> None:
    assert SOUND.cost_nano_usd(usage) == nano_usd


@given(
    st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.integers(0, 10**9),
    st.tuples(*[st.integers(0, 10**7)] * 7),
)
def test_at_one_rate_classes_make_no_difference(fresh: int, output: int, rate: int, parts: tuple[int, ...]) -> None:
    """Whatever is said of parts, every token is paid once."""
    read, write, long, audio, image, reasoning, spoken = parts
    same = Prices(rate, rate, *(rate,) * 9)
    usage = Usage(fresh + read + write, output, read, write, reasoning, long, audio, spoken, image)
    exact = Fraction((fresh + read + write + output) * rate, 1_000_000)
    cost = same.cost_nano_usd(usage)
    assert cost is not None
    assert cost == min(2**53 - 1, int(exact + Fraction(1, 2)))


def test_what_the_provider_says_it_served_sets_the_price() -> None:
    priority = Prices(10_000_000, 0, tiers=(PriceTier(100, Prices(20_000_000, 0)),))
    prices = Prices(1_000_000, 2_000_000, service_tiers=(ServiceTierPrices("priority", priority),))
    assert prices.cost_nano_usd(Usage(10, 10)) == 30
    assert prices.cost_nano_usd(Usage(10, 10, service_tier="priority")) == 100
    assert prices.cost_nano_usd(Usage(101, 10, service_tier="priority")) == 2020
    assert prices.cost_nano_usd(Usage(10, 10, service_tier="unheard of")) == 30


def test_prices_change_with_the_date() -> None:
    later = MIDNIGHT + timedelta(days=31)
    prices = Prices(1_000_000, 0, periods=(PricePeriod(MIDNIGHT, LONG), PricePeriod(later, LONGER)))
    moments = [MIDNIGHT - timedelta(microseconds=1), MIDNIGHT, later - timedelta(seconds=1), later]
    assert [prices.cost_nano_usd(Usage(10, 0), moment) for moment in moments] == [10, 30, 30, 70]
    assert prices.onward(MIDNIGHT).periods == prices.periods[1:]
    assert prices.onward(MIDNIGHT).input_nano_usd_per_million == 3_000_000
    assert PLAIN.onward(MIDNIGHT) is PLAIN


@pytest.mark.parametrize(
    ("daily", "hours"),
    [((time(8), time(20)), range(8, 20)), ((time(22), time(2)), (22, 23, 0, 1)), ((time(0), time(0)), range(24))],
)
def test_prices_change_with_the_hour(daily: tuple[time, time], hours: range | tuple[int, ...]) -> None:
    prices = Prices(1_000_000, 0, periods=(PricePeriod(MIDNIGHT, LONG, daily),))
    dear = {hour for hour in range(24) if prices.at(MIDNIGHT + timedelta(hours=hour)) is LONG}
    assert dear == set(hours)
    assert prices.at(MIDNIGHT - timedelta(hours=12)) is prices
