"""Prices as ListModels tells them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from frontdesk.v1 import router_service_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from frontdesk_server.domain.prices import Prices
from frontdesk_server.domain.usage import within_int64

_RATES = tuple(field.name for field in fields(Prices) if "nano_usd" in field.name)
"""Fields of the same name on both sides."""


def encode_prices(prices: Prices) -> router_service_pb2.Prices:
    """The prices with all that differs by service tier, length and date."""
    message = _with_services(prices)
    for period in prices.periods:
        if period.daily is None:
            effective_at = Timestamp()
            effective_at.FromDatetime(period.since)
            message.changes.add(effective_at=effective_at, prices=_with_services(period.prices))
    return message


def _with_services(prices: Prices) -> router_service_pb2.Prices:
    message = _with_tiers(prices)
    for service in prices.service_tiers:
        message.service_tiers.add(service_tier=service.service_tier, prices=_with_tiers(service.prices))
    return message


def _with_tiers(prices: Prices) -> router_service_pb2.Prices:
    message = _rates(prices)
    for tier in prices.tiers:
        message.tiers.add(above_input_tokens=tier.above_input_tokens, prices=_rates(tier.prices))
    return message


def _rates(prices: Prices) -> router_service_pb2.Prices:
    rates: dict[str, Any] = {name: within_int64(getattr(prices, name)) for name in _RATES}
    return router_service_pb2.Prices(**rates)
