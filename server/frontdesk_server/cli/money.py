"""Money as people read it."""

from __future__ import annotations

from frontdesk.v1.routing_pb2 import Cost

_NANO = 1_000_000_000


def total_usd(cost: Cost) -> str:
    """What a request cost in USD."""
    return nano_usd(cost.total_nano_usd if cost.HasField("total_nano_usd") else None)


def strongest_usd(cost: Cost) -> str:
    """What the strongest model would have cost in USD."""
    return nano_usd(cost.strongest_nano_usd if cost.HasField("strongest_nano_usd") else None)


def nano_usd(amount: int | None) -> str:
    """An amount in USD with six decimals, the usual size of a query; "unknown" when it is."""
    return "unknown" if amount is None else f"{'-' * (amount < 0)}${abs(amount) / _NANO:.6f}"
