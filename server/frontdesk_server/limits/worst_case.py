"""The most that one call of a model can use."""

from __future__ import annotations

from dataclasses import dataclass

from frontdesk_server.domain.model import Model
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.usage import Prices, Usage

_INPUT_MARGIN = 1.25
"""Input tokens are estimated; upstreams count templates and their own way of splitting words."""


@dataclass(frozen=True, slots=True)
class WorstCase:
    """Tokens and money. None is unknown: the model has no prices."""

    tokens: int
    cost_nano_usd: int | None


def worst_case(model: Model, query: Query, estimated_input_tokens: int) -> WorstCase:
    """The estimated input with a margin of a quarter, and the longest answer that query, model and window allow.

    Each is priced at the dearest token of its kind: written to the cache, or reasoning.
    """
    input_tokens = round(estimated_input_tokens * _INPUT_MARGIN)
    bounds = (query.generation.max_output_tokens, model.max_output_tokens, model.context_window - input_tokens)
    output_tokens = max(1, min(bound for bound in bounds if bound is not None))
    cost = None if model.prices is None else _dearest(model.prices).cost_nano_usd(Usage(input_tokens, output_tokens))
    return WorstCase(input_tokens + output_tokens, cost)


def _dearest(prices: Prices) -> Prices:
    return Prices(
        max(prices.input_nano_usd_per_million, prices.cache_write_nano_usd_per_million or 0),
        max(prices.output_nano_usd_per_million, prices.reasoning_nano_usd_per_million or 0),
    )
