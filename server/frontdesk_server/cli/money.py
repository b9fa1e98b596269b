"""Money as people read it."""

from __future__ import annotations

from frontdesk.v1.routing_pb2 import Cost

from frontdesk_server.domain.money import usd


def total_usd(cost: Cost) -> str:
    """What a request cost in USD."""
    return nano_usd(cost.total_nano_usd if cost.HasField("total_nano_usd") else None)


def strongest_usd(cost: Cost) -> str:
    """What the strongest model would have cost in USD."""
    return nano_usd(cost.strongest_nano_usd if cost.HasField("strongest_nano_usd") else None)


def nano_usd(amount: int | None) -> str:
    """An amount in USD, as `usd` writes it."""
    return usd(amount)
