"""The service tier that a query asks its provider for."""

from __future__ import annotations

import json

from frontdesk_server.domain.model import Model
from frontdesk_server.domain.query import Query

_NAMES = ("speed", "service_tier", "serviceTier")


def asked_service_tier(query: Query, model: Model) -> str:
    """What the options for the model's dialects ask for; empty where they ask for none, or it has one price anyway."""
    if not query.provider_options or model.prices is None or not model.prices.service_tiers:
        return ""
    dialects = {dialect for deployment in model.deployments for dialect in deployment.dialects}
    for options in query.provider_options:
        if options.dialect in dialects:
            asked = json.loads(options.options_json)
            for name in _NAMES:
                tier = asked.get(name)
                if isinstance(tier, dict):  # as Amazon Bedrock has it
                    tier = tier.get("type")
                if isinstance(tier, str):
                    return tier
    return ""
