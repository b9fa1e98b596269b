"""Hedging: a second model is asked in parallel when the first shows nothing in time (Dean and Barroso 2013).

Nothing has been committed while two attempts run. The first to show content speaks; the other one is aborted and
settled as cancelled before any of it reaches the caller. So exactly one attempt is open whenever a delta comes.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from frontdesk_server.config.routers import HedgeConfig
from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.decision import StepKind
from frontdesk_server.domain.errors import LimitsUnavailable, UpstreamError
from frontdesk_server.domain.events import AttemptEnded, Delta
from frontdesk_server.execution.attempt import AttemptRun, Take
from frontdesk_server.execution.runners.base import Given, Onward, Request
from frontdesk_server.state.limits import worst_case


async def run_hedged(request: Request, position: int, kind: StepKind) -> Given | Onward:
    """Ask the step's model and, where that shows nothing in time, the next step's beside it; no check may be due."""
    if request.hedge is None:
        raise RuntimeError("the request is not hedged")
    race = _Race(request, request.hedge, position)
    try:
        run = await race.run(kind)
    except _LostError as lost:
        return await request.hand_over(lost.run, race.position, AttemptOutcome.FAILED, error=lost.error)
    return Given(run)


class _LostError(Exception):
    """The last attempt of a race has failed."""

    def __init__(self, run: AttemptRun, error: UpstreamError) -> None:
        super().__init__(str(error))
        self.run = run
        self.error = error


class _Lane:
    """An attempt in a task of its own, which waits with its first content until it may speak."""

    def __init__(self, run: AttemptRun, speak: Take) -> None:
        loop = asyncio.get_running_loop()
        self.run = run
        self.shown: asyncio.Future[None] = loop.create_future()
        """Done when its first content has come, or it has ended."""
        self._turn: asyncio.Future[None] = loop.create_future()
        self._speak = speak
        self._task = asyncio.create_task(run.run(self._take))
        self._task.add_done_callback(self._ended)

    @property
    def failure(self) -> BaseException | None:
        """Why it has ended, if it has, without an answer."""
        return self._task.exception() if self._task.done() else None

    async def speak(self) -> None:
        """Let it speak, to its end; raises as the attempt does."""
        self._turn.set_result(None)
        await self._task

    async def abort(self) -> None:
        """Abort it, if it runs."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _take(self, delta: Delta) -> None:
        self._show()
        await self._turn
        await self._speak(delta)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # of an attempt that has lost nobody asks why
        self._show()

    def _show(self) -> None:
        if not self.shown.done():
            self.shown.set_result(None)


class _Race:
    """One or two attempts of which one will speak. `position` is that of the last step that was begun."""

    def __init__(self, request: Request, hedge: HedgeConfig, position: int) -> None:
        self.position = position
        self._request = request
        self._hedge = hedge
        self._lanes: list[_Lane] = []

    async def run(self, kind: StepKind) -> AttemptRun:
        """The attempt whose answer is given.

        Raises:
            _LostError: none has one; the last attempt is not settled.
        """
        try:
            await self._begin(kind)
            await self._hedged()
            while len(self._lanes) > 1:
                await self._drop_one()
            (speaker,) = self._lanes
            try:
                await speaker.speak()
            except UpstreamError as error:
                raise _LostError(speaker.run, error) from error
            return speaker.run
        finally:
            for lane in self._lanes:
                await lane.abort()

    async def _begin(self, kind: StepKind) -> None:
        run = await self._request.begin(self.position, kind)
        self._lanes.append(_Lane(run, self._request.commit))

    async def _hedged(self) -> None:
        """Begin a second attempt, if the first one has shown nothing in time and there is a step for it."""
        (first,) = self._lanes
        await asyncio.wait([first.shown], timeout=self._patience_seconds(first.run.model.name))
        position = None if first.shown.done() else await self._rival()
        if position is None or first.shown.done():
            self._request.steps.release()
        else:
            self.position = position
            await self._begin(StepKind.FALLBACK)

    async def _drop_one(self) -> None:
        """Wait until one attempt shows content, which aborts the other one, or fails, which leaves the other one."""
        request, lanes = self._request, self._lanes
        await asyncio.wait([lane.shown for lane in lanes], return_when=asyncio.FIRST_COMPLETED)
        first = next(lane for lane in lanes if lane.shown.done())
        other = next(lane for lane in lanes if lane is not first)
        error = first.failure
        if error is None:
            await other.abort()
            lanes.remove(other)
            attempt = request.account.settle(other.run, AttemptOutcome.CANCELLED)
        elif isinstance(error, UpstreamError):
            lanes.remove(first)
            attempt = request.account.settle(first.run, AttemptOutcome.FAILED, error=error)
        else:
            raise error
        await request.emit(AttemptEnded(attempt, lanes[0].run.model.name))

    def _patience_seconds(self, model: str) -> float | None:
        """How long the model may show nothing; None for as long as its timers let it."""
        if self._hedge.after_ms == "p95":
            return self._request.conditions.slow_first_token_seconds(model)
        return self._hedge.after_ms / 1000

    async def _rival(self) -> int | None:
        """The next step, when its answer needs no check and costs at most what a hedge may."""
        request, routed = self._request, self._request.routed
        with suppress(LimitsUnavailable):
            position = await request.steps.next(self.position + 1)
            if position < request.steps.end and not (step := request.plan[position]).is_judged:
                decision = routed.decision
                worst = worst_case(step.model, routed.query, decision.signals.input_tokens, decision.decided_at)
                if worst.cost_nano_usd is not None and worst.cost_nano_usd <= self._hedge.max_cost_nano_usd:
                    return position
        return None
