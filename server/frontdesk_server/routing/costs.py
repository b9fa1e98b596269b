"""What an answer is expected to cost, before it exists."""

from __future__ import annotations

from frontdesk_server.domain.model import Model
from frontdesk_server.domain.usage import Usage


def predicted_cost_nano_usd(model: Model, usage: Usage) -> int | None:
    """Expected cost of an answer that would use so much, cut to what the model can answer; None for unknown prices."""
    if model.prices is None:
        return None
    limit = model.max_output_tokens
    if limit is not None and usage.output_tokens is not None and limit < usage.output_tokens:
        usage = Usage(usage.input_tokens, limit)
    return model.prices.cost_nano_usd(usage)
