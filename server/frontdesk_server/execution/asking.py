"""Asks a model of the pool a question of Frontdesk's own: the router LLM, verifiers, second opinions."""

from __future__ import annotations

from collections.abc import Mapping

from frontdesk_server.domain.asking import Bill
from frontdesk_server.domain.attempt import Answer, AttemptOutcome
from frontdesk_server.domain.decision import StepKind
from frontdesk_server.domain.errors import UpstreamUnreachable
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.observer import AttemptParent
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.tokens import estimate_input_tokens, expected_output_tokens
from frontdesk_server.execution.attempt import AttemptRun, drop
from frontdesk_server.execution.order import AttemptOrder, AttemptTools
from frontdesk_server.execution.timers import AttemptTimers, Bound


class Asker:
    """Implements the `Ask` seam: one model, one unary call, no fallback."""

    def __init__(self, tools: AttemptTools, models: Mapping[str, Model]) -> None:
        self._tools = tools
        self._models = models

    async def __call__(
        self, model: str, query: Query, *, purpose: str, timeout_seconds: float, parent: AttemptParent, bill: Bill
    ) -> Answer:
        """Return the whole answer; raise `UpstreamError` on any failure."""
        asked = self._models[model]
        passage = self._tools.balancer.acquire(asked)
        if passage is None:
            raise UpstreamUnreachable(f"circuit breaker of {model} is open")
        bound = Bound(timeout_seconds, "the time that its question may take")
        order = AttemptOrder(
            index=0,
            model=asked,
            kind=StepKind.PRIMARY,
            query=query,
            stream=False,
            timers=AttemptTimers.of(asked.timeouts, bound, bound, bound, stream=False),
            input_tokens=estimate_input_tokens(query),
            output_tokens=expected_output_tokens(query),
            purpose=purpose,
        )
        run = AttemptRun(self._tools, order, passage, parent)
        try:
            await run.run(drop)
        except BaseException as error:
            outcome = AttemptOutcome.FAILED if isinstance(error, Exception) else AttemptOutcome.CANCELLED
            bill.add(run.settle(outcome, error=error).cost_nano_usd)
            raise
        bill.add(run.settle(AttemptOutcome.ACCEPTED).cost_nano_usd)
        return run.answer()
