"""The most that one call of a model can use."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from frontdesk_server.domain.asked_tier import asked_service_tier
from frontdesk_server.domain.model import INPUT_MARGIN, Model
from frontdesk_server.domain.prices import Prices
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.usage import Usage


@dataclass(frozen=True, slots=True)
class WorstCase:
    """Tokens and money. None is unknown: the model has no prices."""

    tokens: int
    cost_nano_usd: int | None


def worst_case(model: Model, query: Query, estimated_input_tokens: int, moment: datetime) -> WorstCase:
    """The estimated input with a margin of a quarter, and the longest answer that query, model and window allow.

    Each is priced at the dearest token of its kind, such as one written to the cache, reasoning, or sound; and by the
    dearest tier that the input can reach. What a provider charges for its own tools is not bounded by the query.
    """
    input_tokens = round(estimated_input_tokens * INPUT_MARGIN)
    bound = model.output_bound(query.generation.max_output_tokens, estimated_input_tokens)
    output_tokens = max(1, model.context_window - input_tokens) if bound is None else bound
    tokens = input_tokens + output_tokens
    if model.prices is None:
        return WorstCase(tokens, None)
    usage = Usage(input_tokens, output_tokens)
    kinds = {part.mime_type.partition("/")[0] for part in query.media()}
    reachable = model.prices.at(moment).served(asked_service_tier(query, model)).reachable(input_tokens)
    costs = (_dearest(prices, kinds).cost_nano_usd(usage) for prices in reachable)
    return WorstCase(tokens, max(cost for cost in costs if cost is not None))


def _dearest(prices: Prices, media: Collection[str]) -> Prices:
    """The rate of the dearest token of either side; of an input without media of a kind it can be none of that kind."""
    inputs = [prices.input_nano_usd_per_million, prices.cache_write, prices.cache_write_long_nano_usd_per_million]
    if "audio" in media:
        inputs.append(prices.input_audio_nano_usd_per_million)
    if "image" in media:
        inputs.append(prices.input_image_nano_usd_per_million)
    outputs = (
        prices.output_nano_usd_per_million,
        prices.reasoning_nano_usd_per_million,
        prices.output_audio_nano_usd_per_million,
        prices.output_image_nano_usd_per_million,
    )
    return Prices(
        max(rate for rate in inputs if rate is not None),
        max(rate for rate in outputs if rate is not None),
        request_nano_usd=prices.request_nano_usd,
    )
