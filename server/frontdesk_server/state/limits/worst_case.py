"""The most that one call of a model can use."""

from __future__ import annotations

from dataclasses import dataclass

from frontdesk_server.domain.model import INPUT_MARGIN, Model
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.usage import Prices, Usage


@dataclass(frozen=True, slots=True)
class WorstCase:
    """Tokens and money. None is unknown: the model has no prices."""

    tokens: int
    cost_nano_usd: int | None


def worst_case(model: Model, query: Query, estimated_input_tokens: int) -> WorstCase:
    """The estimated input with a margin of a quarter, and the longest answer that query, model and window allow.

    Each is priced at the dearest token of its kind: written to the cache, or reasoning.
    """
    input_tokens = round(estimated_input_tokens * INPUT_MARGIN)
    bound = model.output_bound(query.generation.max_output_tokens, estimated_input_tokens)
    output_tokens = max(1, model.context_window - input_tokens) if bound is None else bound
    cost = None if model.prices is None else _dearest(model.prices).cost_nano_usd(Usage(input_tokens, output_tokens))
    return WorstCase(input_tokens + output_tokens, cost)


def _dearest(prices: Prices) -> Prices:
    return Prices(
        max(prices.input_nano_usd_per_million, prices.cache_write_nano_usd_per_million or 0),
        max(prices.output_nano_usd_per_million, prices.reasoning_nano_usd_per_million or 0),
    )
