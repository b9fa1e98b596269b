"""The service tier that a query asks for, in the words of each dialect."""

from __future__ import annotations

from dataclasses import replace

import pytest
from frontdesk_server.domain.asked_tier import asked_service_tier
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.prices import Prices, ServiceTierPrices
from frontdesk_server.domain.provider import ProviderOptions
from frontdesk_server.domain.query import text_query

from tests.fakes import a_model


def _served_by(dialect: str) -> Model:
    prices = Prices(1_000_000, 1_000_000, service_tiers=(ServiceTierPrices("flex", Prices(500_000, 500_000)),))
    place = Deployment("b", "m", dialects=frozenset({dialect}), provider=dialect)
    return replace(a_model("a"), prices=prices, deployments=(place,))


@pytest.mark.parametrize(
    ("dialect", "options_json", "tier"),
    [
        ("openai", '{"service_tier": "flex"}', "flex"),
        ("anthropic", '{"speed": "fast"}', "fast"),
        ("bedrock", '{"serviceTier": {"type": "priority"}}', "priority"),
        ("bedrock", '{"serviceTier": {}}', ""),
        ("bedrock", '{"serviceTier": [1]}', ""),
        ("bedrock", "{}", ""),
    ],
)
def test_the_tier_is_read_where_the_dialect_has_it(dialect: str, options_json: str, tier: str) -> None:
    query = replace(text_query("Hi"), provider_options=(ProviderOptions(dialect, options_json),))
    assert asked_service_tier(query, _served_by(dialect)) == tier
    assert asked_service_tier(query, _served_by("another")) == ""
