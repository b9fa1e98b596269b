"""What an answer is expected to cost, before it exists."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from frontdesk_server.domain.asked_tier import asked_service_tier
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.usage import Usage


def predicted_cost_nano_usd(model: Model, query: Query, usage: Usage, moment: datetime) -> int | None:
    """Expected cost of an answer that would use so much, cut to what the model can answer; None for unknown prices.

    It is served in the tier that the query asks for.
    """
    if model.prices is None:
        return None
    limit = model.max_output_tokens
    if limit is not None and usage.output_tokens is not None and limit < usage.output_tokens:
        usage = replace(usage, output_tokens=limit)
    if query.provider_options:
        usage = replace(usage, service_tier=asked_service_tier(query, model))
    return model.prices.cost_nano_usd(usage, moment)
