"""What an answer is expected to cost, before it exists."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from frontdesk_server.domain.asked_tier import asked_service_tier
from frontdesk_server.domain.caching import history_of
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.profile import Caching
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.tokens import estimate_input_tokens
from frontdesk_server.domain.usage import Usage

_PER_MILLION = 1_000_000


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


def cold_cost_nano_usd(query: Query, old: Model, new: Model, moment: datetime) -> int | None:
    """What a conversation costs once that leaves a model whose provider has cached it; None for unknown prices.

    Its tokens up to the last answer are no longer read from the old cache, and are written to the new one, where each
    provider caches so short a beginning. A provider whose cache has no price of its own saves nothing by it.
    """
    if old.prices is None or new.prices is None:
        return None
    history = history_of(query)
    if not history:
        return 0
    tokens = estimate_input_tokens(replace(query, messages=history))
    left, entered = old.prices.at(moment).for_input(tokens), new.prices.at(moment).for_input(tokens)
    lost = max(0, left.input_nano_usd_per_million - left.cache_read) if _caches(old, tokens) else 0
    paid = max(0, entered.cache_write - entered.input_nano_usd_per_million) if _caches(new, tokens) else 0
    return tokens * (lost + paid) // _PER_MILLION


def _caches(model: Model, tokens: int) -> bool:
    profile = model.primary.profile
    return profile.prompt_caching is not Caching.NONE and tokens >= profile.least_cached_tokens
