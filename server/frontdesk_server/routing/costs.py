"""What an answer is expected to cost, before it exists."""

from __future__ import annotations

from frontdesk_server.domain.model import Model
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.signals import Signals, Task
from frontdesk_server.domain.usage import Usage

_OUTPUT_TOKENS = {
    Task.CHAT: 60,
    Task.SUMMARISE: 150,
    Task.EXTRACT: 120,
    Task.TRANSLATE: 120,
    Task.CODE: 500,
    Task.MATH: 200,
    Task.REASONING: 800,
    Task.CREATIVE: 500,
    Task.KNOWLEDGE: 200,
    Task.OTHER: 250,
}
_SPREAD = 4.0


def expected_output_tokens(query: Query, signals: Signals) -> int:
    """Tokens of an answer of middling difficulty, a quarter of it for the easiest query and four times for the hardest.

    A translation is about as long as its original. The query's own limit caps the estimate.
    """
    tokens: float = _OUTPUT_TOKENS[signals.task] * _SPREAD ** (2 * signals.difficulty - 1)
    if signals.task is Task.TRANSLATE:
        tokens = max(tokens, signals.input_tokens)
    limit = query.generation.max_output_tokens
    return max(1, round(tokens if limit is None else min(tokens, limit)))


def predicted_cost_nano_usd(model: Model, usage: Usage) -> int | None:
    """Expected cost of an answer that would use so much, cut to what the model can answer; None for unknown prices."""
    if model.prices is None:
        return None
    limit = model.max_output_tokens
    if limit is not None and usage.output_tokens is not None and limit < usage.output_tokens:
        usage = Usage(usage.input_tokens, limit)
    return model.prices.cost_nano_usd(usage)
