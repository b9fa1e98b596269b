"""What the runners of all kinds of steps share: the request that they work on, and how a step can end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from frontdesk_server.config.routers import HedgeConfig
from frontdesk_server.domain.attempt import AttemptOutcome, CheckResult
from frontdesk_server.domain.decision import RoutedQuery, StepKind
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.domain.events import AttemptEnded, AttemptStarted, CompletionEvent, Delta, Emit, TextDelta
from frontdesk_server.domain.observer import AttemptParent
from frontdesk_server.domain.value import value
from frontdesk_server.execution.account import Account
from frontdesk_server.execution.attempt import AttemptRun
from frontdesk_server.execution.attempts import Attempts
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.deadline import Deadline
from frontdesk_server.execution.plan import Plan
from frontdesk_server.execution.steps import Steps


@value
class Given:
    """The attempt's answer is given. All of it has been shown."""

    run: AttemptRun
    checks: tuple[CheckResult, ...] = ()


@value
class Onward:
    """The plan goes on at `position` for reason of `kind`; at the plan's end it has no answer.

    `error` is why the step failed; None where its answer was rejected.
    """

    position: int
    kind: StepKind
    error: UpstreamError | None = None


async def nowhere(event: CompletionEvent) -> None:
    """The sink of a request that does not run yet."""


@dataclass(slots=True)
class Request:
    """One request on its way through its plan.

    `hedge` is how its streams are hedged; None where they are not. `emit` is given when it runs.
    """

    routed: RoutedQuery
    plan: Plan
    steps: Steps
    attempts: Attempts
    account: Account
    deadline: Deadline
    parent: AttemptParent
    conditions: LiveConditions
    stream: bool
    hedge: HedgeConfig | None
    emit: Emit = nowhere

    async def begin(self, position: int, kind: StepKind) -> AttemptRun:
        """Begin an attempt of the step that is held."""
        run = self.attempts.start(position, kind)
        await self.emit(AttemptStarted(run.index, run.model.name, kind))
        return run

    def show(self, delta: Delta) -> Awaitable[None]:
        """Give the caller a delta, without log-probabilities that only a check asked for."""
        if isinstance(delta, TextDelta) and delta.logprobs and not self.routed.query.generation.logprobs:
            delta = replace(delta, logprobs=())
        return self.emit(delta)

    def commit(self, delta: Delta) -> Awaitable[None]:
        """Give the caller a delta of the answer that is given: no other attempt may speak any more."""
        self.account.committed = True
        return self.show(delta)

    async def hand_over(
        self,
        run: AttemptRun,
        position: int,
        outcome: AttemptOutcome,
        checks: tuple[CheckResult, ...] = (),
        *,
        error: UpstreamError | None = None,
        superseded: bool = False,
    ) -> Onward:
        """Settle an attempt that has no answer to give, and find the step behind `position` that follows.

        `superseded`: the caller has seen of the answer what is now to be forgotten.
        """
        attempt = self.account.settle(run, outcome, checks, error=error)
        kind = StepKind.ESCALATION if error is None else StepKind.FALLBACK
        if self.account.committed:
            return Onward(self.steps.end, kind, error)
        following = await self.steps.next(position + 1)
        if following == self.steps.end:
            self.account.committed = superseded  # nothing will supersede what was shown
        else:
            await self.emit(AttemptEnded(attempt, self.plan[following].model.name, superseded=superseded))
        return Onward(following, kind, error)


Runner = Callable[[Request, int, StepKind], Awaitable[Given | Onward]]
"""Runs the step that is held, at this position for this reason, until its answer is given or the plan goes on."""
