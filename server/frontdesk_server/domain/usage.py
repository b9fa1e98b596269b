"""What an answer consumed and what it cost. None is unknown, which is not zero."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from frontdesk_server.domain.value import value

NANO_USD_PER_USD = 1_000_000_000

_INT64 = 2**63


def within_int64(number: int | None) -> int | None:
    """The number as far as protobuf and databases tell it: sixty-four bits, signed."""
    return number if number is None else max(-_INT64, min(number, _INT64 - 1))


def nano_usd(usd: Decimal) -> int:
    """Dollars as whole nano-USD, rounded half up."""
    return int((usd * NANO_USD_PER_USD).to_integral_value(ROUND_HALF_UP))


class FinishReason(enum.Enum):
    """Why generation ended."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    OTHER = "other"


@value
class TopLogprob:
    """One alternative at the place of a token."""

    token: str
    logprob: float


@value
class TokenLogprob:
    """Natural log-probability of one generated token, and the most likely tokens at its place."""

    token: str
    logprob: float
    top: tuple[TopLogprob, ...] = ()


@value
class Usage:
    """Tokens consumed: input includes cached tokens and media, output includes reasoning and media.

    `cache_write_long_tokens`, the part of `cache_write_tokens` that is kept for an hour or longer, and `web_searches`,
    which the provider ran, are priced apart; of them and of media None is none, too. `service_tier` is what the
    provider says that it served the call with, empty for its ordinary one. `total_tokens` is input and output together
    where the provider tells neither of them; what a call is settled with has none.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_long_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    input_image_tokens: int | None = None
    output_image_tokens: int | None = None
    web_searches: int | None = None
    total_tokens: int | None = None
    service_tier: str = ""

    def uncached(self) -> Usage:
        """The same tokens, none of them read from a cache or written to it."""
        return replace(self, cache_read_tokens=None, cache_write_tokens=None, cache_write_long_tokens=None)


@value
class Cost:
    """What a request cost in nano-USD, and what the strongest model would have cost for the same tokens."""

    attempts_nano_usd: int | None
    checks_nano_usd: int | None
    router_nano_usd: int | None
    strongest_nano_usd: int | None = None

    @property
    def total_nano_usd(self) -> int | None:
        """Attempts, checks and routing together."""
        return sum_known((self.attempts_nano_usd, self.checks_nano_usd, self.router_nano_usd))

    @property
    def saved_nano_usd(self) -> int | None:
        """What was saved against always asking the strongest model; negative when more was spent."""
        total = self.total_nano_usd
        return None if total is None or self.strongest_nano_usd is None else self.strongest_nano_usd - total


def sum_known(amounts: Iterable[int | None]) -> int | None:
    """The sum; None as soon as one amount is unknown."""
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total
