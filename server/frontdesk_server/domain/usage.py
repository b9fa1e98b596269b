"""What an answer consumed and what it cost. None is unknown, which is not zero."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

NANO_USD_PER_USD = 1_000_000_000
_PER_MILLION = 1_000_000
_MOST_NANO_USD = 2**53 - 1
"""Nine million USD: more than any call, and exact in every store and language."""


_INT64 = 2**63


def within_int64(number: int | None) -> int | None:
    """The number as far as protobuf and databases tell it: sixty-four bits, signed."""
    return number if number is None else max(-_INT64, min(number, _INT64 - 1))


class FinishReason(enum.Enum):
    """Why generation ended."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TopLogprob:
    """One alternative at the place of a token."""

    token: str
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """Natural log-probability of one generated token, and the most likely tokens at its place."""

    token: str
    logprob: float
    top: tuple[TopLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens consumed: input includes cached tokens, output includes reasoning tokens."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in nano-USD per million tokens; None follows input (cache) or output (reasoning)."""

    input_nano_usd_per_million: int
    output_nano_usd_per_million: int
    cache_read_nano_usd_per_million: int | None = None
    cache_write_nano_usd_per_million: int | None = None
    reasoning_nano_usd_per_million: int | None = None

    def cost_nano_usd(self, usage: Usage) -> int | None:
        """Exact cost, rounded half up once at the end; None when input or output tokens are unknown.

        No call costs more than nine million USD, so that every cost, and the sum of many, can be kept and sent.
        """
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        read = usage.cache_read_tokens or 0
        write = usage.cache_write_tokens or 0
        reasoning = usage.reasoning_tokens or 0
        total = (
            max(0, usage.input_tokens - read - write) * self.input_nano_usd_per_million
            + read * _either(self.cache_read_nano_usd_per_million, self.input_nano_usd_per_million)
            + write * _either(self.cache_write_nano_usd_per_million, self.input_nano_usd_per_million)
            + max(0, usage.output_tokens - reasoning) * self.output_nano_usd_per_million
            + reasoning * _either(self.reasoning_nano_usd_per_million, self.output_nano_usd_per_million)
        )
        return min(_MOST_NANO_USD, (total + _PER_MILLION // 2) // _PER_MILLION)


@dataclass(frozen=True, slots=True)
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


def _either(first: int | None, second: int) -> int:
    return second if first is None else first
