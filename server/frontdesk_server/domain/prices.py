"""What models charge: rates in whole nano-USD by class of token, by length of input, by service tier and by date."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from frontdesk_server.domain.either import either
from frontdesk_server.domain.usage import Usage

_PER_MILLION = 1_000_000
_MOST_NANO_USD = 2**53 - 1
"""Nine million USD: more than any call, and exact in every store and language."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Rates in nano-USD per million tokens; None follows what the class is a part of.

    Cached input and input media follow input, long cache writes cache writes, cached sound cached input; reasoning and
    output media follow output. `request_nano_usd` and `web_search_nano_usd` are for one each.

    These rates hold unless others do: those of the service tier that served the call, at the time of the call, and of
    the highest of `tiers` whose length the input exceeds. A tier's rates hold for all tokens of the call.
    """

    input_nano_usd_per_million: int
    output_nano_usd_per_million: int
    cache_read_nano_usd_per_million: int | None = None
    cache_write_nano_usd_per_million: int | None = None
    reasoning_nano_usd_per_million: int | None = None
    cache_write_long_nano_usd_per_million: int | None = None
    input_audio_nano_usd_per_million: int | None = None
    cache_read_audio_nano_usd_per_million: int | None = None
    output_audio_nano_usd_per_million: int | None = None
    input_image_nano_usd_per_million: int | None = None
    output_image_nano_usd_per_million: int | None = None
    request_nano_usd: int = 0
    web_search_nano_usd: int = 0
    tiers: tuple[PriceTier, ...] = ()
    service_tiers: tuple[ServiceTierPrices, ...] = ()
    periods: tuple[PricePeriod, ...] = ()

    def at(self, moment: datetime) -> Prices:
        """The prices at a moment: of the last period that it lies in."""
        return next((period.prices for period in reversed(self.periods) if period.holds(moment)), self)

    def onward(self, moment: datetime) -> Prices:
        """The prices at a moment, and those of later dates."""
        if not self.periods:
            return self
        later = tuple(period for period in self.periods if period.since > moment)
        return replace(self.at(moment), periods=tuple(sorted(later, key=lambda period: period.since)))

    def served(self, tier: str) -> Prices:
        """The prices of a service tier; these where it has none of its own."""
        return next((served.prices for served in self.service_tiers if served.service_tier == tier), self)

    def for_input(self, tokens: int) -> Prices:
        """The prices of a call with so many input tokens."""
        return next((tier.prices for tier in reversed(self.tiers) if tokens > tier.above_input_tokens), self)

    def reachable(self, tokens: int) -> Iterator[Prices]:
        """The prices of every call with at most so many input tokens."""
        yield self
        yield from (tier.prices for tier in self.tiers if tokens > tier.above_input_tokens)

    def cost_nano_usd(self, usage: Usage, moment: datetime | None = None) -> int | None:
        """Exact cost of one call, rounded half up once at the end; None when input or output tokens are unknown.

        What consumed no token costs nothing. No call costs more than nine million USD, so that every cost, and the sum
        of many, can be kept and sent. `moment` may be left out of prices that already are those of a moment.
        """
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        if not (usage.input_tokens or usage.output_tokens):
            return 0
        prices = self
        if moment is not None and prices.periods:
            prices = prices.at(moment)
        if usage.service_tier and prices.service_tiers:
            prices = prices.served(usage.service_tier)
        if prices.tiers:
            prices = prices.for_input(usage.input_tokens)
        total = prices.tokens_cost(usage, usage.input_tokens, usage.output_tokens)
        fees = prices.request_nano_usd + prices.web_search_nano_usd * (usage.web_searches or 0)
        return min(_MOST_NANO_USD, fees + (total + _PER_MILLION // 2) // _PER_MILLION)

    def tokens_cost(self, usage: Usage, input_tokens: int, output_tokens: int) -> int:
        """Cost of the tokens by these rates alone, in millionths of a nano-USD.

        Media that have no room beside the cached tokens are cached themselves.
        """
        read, write = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
        fresh = max(0, input_tokens - read - write)
        total = 0
        if usage.input_audio_tokens and self.input_audio_nano_usd_per_million is not None:
            audio = min(usage.input_audio_tokens, fresh)
            cached = min(usage.input_audio_tokens - audio, read)
            fresh, read = fresh - audio, read - cached
            total += audio * self.input_audio_nano_usd_per_million
            total += cached * either(self.cache_read_audio_nano_usd_per_million, self.cache_read)
        if usage.input_image_tokens and self.input_image_nano_usd_per_million is not None:
            image = min(usage.input_image_tokens, fresh)
            fresh -= image
            total += image * self.input_image_nano_usd_per_million
        total += fresh * self.input_nano_usd_per_million
        if read:
            total += read * self.cache_read
        if write:
            long = min(write, usage.cache_write_long_tokens or 0)
            total += (write - long) * self.cache_write
            total += long * either(self.cache_write_long_nano_usd_per_million, self.cache_write)
        return total + self._output_cost(usage, output_tokens)

    def _output_cost(self, usage: Usage, output_tokens: int) -> int:
        total, plain = 0, output_tokens
        for count, rate in (
            (usage.reasoning_tokens, self.reasoning_nano_usd_per_million),
            (usage.output_audio_tokens, self.output_audio_nano_usd_per_million),
            (usage.output_image_tokens, self.output_image_nano_usd_per_million),
        ):
            if count and rate is not None:
                part = min(count, plain)
                plain -= part
                total += part * rate
        return total + plain * self.output_nano_usd_per_million

    @property
    def cache_read(self) -> int:
        """Of a million tokens read from the provider's cache."""
        return either(self.cache_read_nano_usd_per_million, self.input_nano_usd_per_million)

    @property
    def cache_write(self) -> int:
        """Of a million tokens written to the provider's cache."""
        return either(self.cache_write_nano_usd_per_million, self.input_nano_usd_per_million)


@dataclass(frozen=True, slots=True)
class PriceTier:
    """Prices of calls with more input tokens than `above_input_tokens`, cached ones counted."""

    above_input_tokens: int
    prices: Prices


@dataclass(frozen=True, slots=True)
class ServiceTierPrices:
    """Prices of what a provider serves in a service tier of this name, such as `priority`, `flex` or `batch`."""

    service_tier: str
    prices: Prices


@dataclass(frozen=True, slots=True)
class PricePeriod:
    """Prices from an instant on, or of one part of the day from then on.

    `daily` begins with its first time (UTC) and ends before its second, of the next day if that is not the later.
    """

    since: datetime
    prices: Prices
    daily: tuple[time, time] | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether the moment lies in it."""
        if moment < self.since:
            return False
        if self.daily is None:
            return True
        begin, end = self.daily
        now = moment.astimezone(UTC).time()
        return begin <= now < end if begin < end else now >= begin or now < end
