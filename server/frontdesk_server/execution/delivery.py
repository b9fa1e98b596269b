"""What of an attempt reaches the caller, and when: at once, or as its check and the stream mode of its step allow."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from frontdesk_server.domain.attempt import CheckResult
from frontdesk_server.domain.decision import PlanStep, RoutedQuery, StreamMode
from frontdesk_server.domain.events import Delta, TextDelta
from frontdesk_server.domain.observer import AttemptParent
from frontdesk_server.domain.query import Query
from frontdesk_server.execution.account import Account
from frontdesk_server.execution.attempt import AttemptRun
from frontdesk_server.execution.checks import Check, CheckContext, Judge
from frontdesk_server.execution.steps import Steps


@dataclass(slots=True)
class Judgement:
    """What is known of the running attempt's answer. `streamed`: uncommitted deltas have reached the caller."""

    passed: bool = False
    streamed: bool = False
    results: tuple[CheckResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """Delivers the answers of one request, and commits to the one that is given."""

    routed: RoutedQuery
    checks: Mapping[str, Check]
    parent: AttemptParent
    account: Account
    steps: Steps
    remaining: Callable[[], float]
    stream: bool

    def prepared(self, step: PlanStep) -> Query:
        """The caller's query, with log-probabilities where the step's check reads them."""
        query = self.routed.query
        check = self.checks.get(step.check)
        if check is None or not check.needs_logprobs or query.generation.logprobs:
            return query
        return replace(query, generation=replace(query.generation, logprobs=True))

    async def deltas(self, run: AttemptRun, step: PlanStep, position: int, judged: Judgement) -> AsyncGenerator[Delta]:
        """Yield what of this attempt may reach the caller, and judge it."""
        if not step.check:
            async with aclosing(self._unchecked(run)) as deltas:
                async for delta in deltas:
                    yield delta
            judged.passed = True
            return
        context = CheckContext(self.routed.query, run.model.name, self.parent, self.remaining, self.account.bill(run))
        async with self.checks[step.check].open(context) as judge:
            mode = (step.stream_mode or StreamMode.HOLD) if self.stream else StreamMode.HOLD
            gate_tokens = step.gate_tokens if mode is StreamMode.GATE else None
            held: list[Delta] = []
            async with aclosing(self._visible(run)) as deltas:
                async for delta in deltas:
                    if self.account.committed:
                        yield delta
                    elif mode is StreamMode.OPTIMISTIC:
                        judged.streamed = True
                        yield delta
                    else:
                        held.append(delta)
                        if gate_tokens is not None and run.tokens >= gate_tokens:
                            if not await self._judge(judge, run, position, judged):
                                return
                            for early in _released(held):
                                yield early
            if not self.account.committed and await self._judge(judge, run, position, judged):
                for delta in held:
                    yield delta

    async def _unchecked(self, run: AttemptRun) -> AsyncGenerator[Delta]:
        """Commit with the first content when streaming, with the whole answer otherwise."""
        held: list[Delta] = []
        async with aclosing(self._visible(run)) as deltas:
            async for delta in deltas:
                if self.stream:
                    self.account.committed = True
                    yield delta
                else:
                    held.append(delta)
        for delta in held:
            yield delta

    async def _visible(self, run: AttemptRun) -> AsyncGenerator[Delta]:
        """The attempt's deltas, without log-probabilities that only a check asked for."""
        strip = not self.routed.query.generation.logprobs
        async with aclosing(run.deltas()) as deltas:
            async for delta in deltas:
                if strip and isinstance(delta, TextDelta) and delta.logprobs:
                    yield replace(delta, logprobs=())
                else:
                    yield delta

    async def _judge(self, judge: Judge, run: AttemptRun, position: int, judged: Judgement) -> bool:
        """Let the check speak, and commit when it passes. Where no other model is left, the answer stands."""
        judged.results = await judge(run.answer())
        steps = self.steps
        judged.passed = judged.results[-1].passed or await steps.next(position + 1) == steps.end
        self.account.committed = judged.passed
        return judged.passed


def _released(held: list[Delta]) -> list[Delta]:
    released = held.copy()
    held.clear()
    return released
