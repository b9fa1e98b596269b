"""Money as people read it: what was paid in USD, means and predictions in USD per 1,000 queries."""

from __future__ import annotations

import math

from frontdesk_server.domain.usage import NANO_USD_PER_USD

PER_THOUSAND = "USD per 1,000 queries"

_UNKNOWN = "unknown"
_QUERIES = 1_000


def usd(nano_usd: float | None) -> str:
    """An amount: two significant digits at least, six decimals below a dollar; "unknown" where it is."""
    if nano_usd is None or math.isnan(nano_usd):
        return _UNKNOWN
    amount = abs(nano_usd) / NANO_USD_PER_USD
    decimals = 2 if amount >= 100 else 4 if amount >= 1 else 6
    if 0 < amount < 1e-5:
        decimals = 1 - math.floor(math.log10(amount))
    return f"{'-' * (nano_usd < 0)}${amount:,.{decimals}f}"


def saved_share(saved_nano_usd: float, strongest_nano_usd: float) -> float | None:
    """What was saved, as a share of what the strongest model would have cost for the same whole answers.

    Calls without a whole answer are in neither amount. None where it would have cost nothing.
    """
    return saved_nano_usd / strongest_nano_usd if strongest_nano_usd else None


def in_thousands(nano_usd_per_query: float) -> float:
    """The mean cost of a query as USD per 1,000 of them."""
    return nano_usd_per_query * _QUERIES / NANO_USD_PER_USD


def per_thousand(nano_usd_per_query: float | None, *, sign: bool = False) -> str:
    """The mean or predicted cost of a query in USD per 1,000 of them, three significant digits; "unknown" likewise."""
    if nano_usd_per_query is None or math.isnan(nano_usd_per_query):
        return _UNKNOWN
    amount = in_thousands(abs(nano_usd_per_query))
    digits = 2 if amount == 0 else max(2 - math.floor(math.log10(amount)), 0)
    mark = "-" if nano_usd_per_query < 0 else "+" * sign
    return f"{mark}${amount:,.{digits}f}"
