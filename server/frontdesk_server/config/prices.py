"""What models charge."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from frontdesk_server.config.base import Count, Section

_MOST_USD = Decimal(1_000_000_000)
"""Beyond any price, and few enough nano-USD for sixty-four bits."""

Usd = Annotated[Decimal, Field(ge=0, le=_MOST_USD)]


def _midnight(value: object) -> object:
    """A date begins at midnight."""
    return datetime.combine(value, time()) if isinstance(value, date) and not isinstance(value, datetime) else value


def _in_utc(value: datetime) -> datetime:
    """A time without a zone is UTC."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


Instant = Annotated[datetime, BeforeValidator(_midnight), AfterValidator(_in_utc)]


class RatesConfig(Section):
    """USD per million tokens. What is left open is as elsewhere in the same prices, or follows what it is part of."""

    input: Usd | None = None
    """Input tokens."""
    output: Usd | None = None
    """Output tokens."""
    cache_read: Usd | None = None
    """Input read from the provider's cache. Default: as input."""
    cache_write: Usd | None = None
    """Input written to the provider's cache. Default: as input."""
    cache_write_long: Usd | None = None
    """Input written to the provider's cache for an hour or longer. Default: as cache_write."""
    reasoning: Usd | None = None
    """Reasoning tokens. Default: as output."""
    input_audio: Usd | None = None
    """Sound in the input. Default: as input."""
    cache_read_audio: Usd | None = None
    """Sound read from the provider's cache. Default: as cache_read."""
    output_audio: Usd | None = None
    """Sound in the answer. Default: as output."""
    input_image: Usd | None = None
    """Images in the input. Default: as input."""
    output_image: Usd | None = None
    """Images in the answer. Default: as output."""
    request: Usd | None = None
    """USD for each call, whatever its length. Default: nothing."""
    web_search: Usd | None = None
    """USD for each search that the provider runs for a call. Default: nothing."""


class PriceTierConfig(RatesConfig):
    """Prices of all tokens of a call whose input is longer. What is left open is as in shorter ones."""

    above_input_tokens: Count
    """Most input tokens, cached ones counted, for which this tier does not hold yet."""


class ServiceTierConfig(RatesConfig):
    """Prices of what is served in a service tier. What is left open is as without one."""

    tiers: tuple[PriceTierConfig, ...] = ()
    """Prices by length of input. Default: the lengths of the model's own tiers."""


class PricesConfig(RatesConfig):
    """USD per million tokens."""

    input: Usd
    """Input tokens."""
    output: Usd
    """Output tokens."""
    tiers: tuple[PriceTierConfig, ...] = ()
    """Prices by length of input."""
    service_tiers: dict[str, ServiceTierConfig] = {}
    """Prices by service tier, under the name that the provider gives it in its answers: priority, flex, batch."""
    since: Instant | None = None
    """First instant at which these prices hold, such as 2027-01-01. Only in a list."""
    daily: tuple[time, time] | None = None
    """Part of the day in which these prices hold, from the first time (UTC) until the second. Only in a list."""

    @property
    def holds_always(self) -> bool:
        """Whether neither a date nor a time of day bounds them."""
        return self.since is None and self.daily is None


def _one(prices: PricesConfig) -> PricesConfig:
    if not prices.holds_always:
        raise ValueError("since and daily tell several prices apart: give a list, the prices until then first")
    return prices


def _several(prices: tuple[PricesConfig, ...]) -> tuple[PricesConfig, ...]:
    if not prices:
        raise ValueError("a list of prices holds at least one")
    if not prices[0].holds_always:
        raise ValueError("the first of several prices holds wherever no later one does: it takes no since and no daily")
    if any(later.holds_always for later in prices[1:]):
        raise ValueError("of several prices each but the first says since when, or when daily, it holds")
    return prices


def _form(value: object) -> str:
    if isinstance(value, str):
        return "auto"
    return "several" if isinstance(value, list | tuple) else "one"


ModelPrices = Annotated[
    Annotated[PricesConfig, AfterValidator(_one), Tag("one")]
    | Annotated[tuple[PricesConfig, ...], AfterValidator(_several), Tag("several")]
    | Annotated[Literal["auto"], Tag("auto")],
    Discriminator(_form),
]
"""Prices; or several, of which the last that holds at the time of a call counts; or `auto`."""
