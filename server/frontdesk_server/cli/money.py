"""Money as people read it."""

from __future__ import annotations

from typing import Literal

from frontdesk.v1.routing_pb2 import Cost

_NANO = 1_000_000_000


def usd(cost: Cost, part: Literal["total", "strongest"]) -> str:
    """One part of a cost in USD; "unknown" when it is."""
    field = f"{part}_nano_usd"
    return nano_usd(getattr(cost, field) if cost.HasField(field) else None)


def nano_usd(amount: int | None) -> str:
    """An amount in USD with six decimals, the usual size of a query; "unknown" when it is."""
    return "unknown" if amount is None else f"${amount / _NANO:.6f}"
