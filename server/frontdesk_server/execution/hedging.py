"""Hedging: a second model is asked in parallel when the first shows nothing in time (Dean and Barroso 2013).

Nothing has been committed while two attempts run. The first to show content speaks; the other one is aborted and
settled as cancelled before any of it reaches the caller. So exactly one attempt is open whenever a delta comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from frontdesk_server.config.strategies import HedgeConfig
from frontdesk_server.domain.attempt import Attempt, AttemptOutcome
from frontdesk_server.domain.decision import RoutedQuery, StepKind
from frontdesk_server.domain.errors import LimitsUnavailable, UpstreamError
from frontdesk_server.domain.events import AttemptEnded, AttemptStarted
from frontdesk_server.domain.model import Model
from frontdesk_server.execution.attempt import AttemptRun
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.steps import Steps
from frontdesk_server.state.limits import worst_case


@dataclass(slots=True)
class Lane:
    """The attempt that speaks, and the position of the last step that was begun."""

    run: AttemptRun
    position: int


class Settle(Protocol):
    """Closes an attempt's books."""

    def __call__(self, run: AttemptRun, outcome: AttemptOutcome, *, error: UpstreamError | None = None) -> Attempt:
        """Return the attempt."""


@dataclass(frozen=True, slots=True)
class Hedging:
    """Hedges the streams of one request."""

    config: HedgeConfig
    routed: RoutedQuery
    models: Mapping[str, Model]
    conditions: LiveConditions
    steps: Steps

    async def race(
        self, lane: Lane, start: Callable[[int, StepKind], AttemptRun], settle: Settle
    ) -> AsyncGenerator[AttemptStarted | AttemptEnded]:
        """Return when the lane's attempt has shown its first content; on the way another may have taken it over.

        Raises:
            UpstreamError: the lane's attempt failed, and no other runs; it is not settled.
        """
        first = lane.run
        priming = {first: asyncio.create_task(first.prime())}
        try:
            await asyncio.wait(priming.values(), timeout=self._patience_seconds(first.model))
            position = None if priming[first].done() else await self._rival(lane.position + 1)
            if position is not None and not priming[first].done():
                rival = start(position, StepKind.FALLBACK)
                lane.position = position
                priming[rival] = asyncio.create_task(rival.prime())
                yield AttemptStarted(rival.index, rival.model.name, StepKind.FALLBACK)
            else:
                self.steps.release()
            while len(priming) > 1:
                await asyncio.wait(priming.values(), return_when=asyncio.FIRST_COMPLETED)
                ended = next(run for run, task in priming.items() if task.done())
                error = priming[ended].exception()
                if error is None:
                    lane.run, loser = ended, next(run for run in priming if run is not ended)
                    await _abort(priming.pop(loser))
                    attempt = settle(loser, AttemptOutcome.CANCELLED)
                elif isinstance(error, UpstreamError):
                    del priming[ended]
                    lane.run = next(iter(priming))
                    attempt = settle(ended, AttemptOutcome.FAILED, error=error)
                else:
                    raise error
                yield AttemptEnded(attempt, lane.run.model.name)
            await priming[lane.run]
        finally:
            for task in priming.values():
                await _abort(task)

    def _patience_seconds(self, model: Model) -> float | None:
        """How long the model may show nothing; None for as long as its timers let it."""
        if self.config.after_ms == "p95":
            return self.conditions.slow_first_token_seconds(model.name)
        return self.config.after_ms / 1000

    async def _rival(self, position: int) -> int | None:
        """The next step, when its answer needs no check and costs at most what a hedge may."""
        routed = self.routed
        with suppress(LimitsUnavailable):
            position = await self.steps.next(position)
            if position < self.steps.end and not (step := routed.decision.plan[position]).check:
                decision = routed.decision
                model = self.models[step.model]
                worst = worst_case(model, routed.query, decision.signals.input_tokens, decision.decided_at)
                if worst.cost_nano_usd is not None and worst.cost_nano_usd <= self.config.max_cost_nano_usd:
                    return position
        return None


async def _abort(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
