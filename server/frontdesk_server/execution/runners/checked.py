"""A step whose answer must pass a check: it reaches the caller as the step's stream mode allows."""

from __future__ import annotations

from contextlib import suppress

from frontdesk_server.domain.attempt import AttemptOutcome, CheckResult
from frontdesk_server.domain.decision import StepKind, StreamMode
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.domain.events import Delta
from frontdesk_server.execution.attempt import AttemptRun
from frontdesk_server.execution.checks import Check, CheckContext, Judge
from frontdesk_server.execution.runners.base import Given, Onward, Request


async def run_checked(request: Request, position: int, kind: StepKind) -> Given | Onward:
    """Let the step's check judge the answer, or its beginning, and commit when it passes."""
    step = request.plan[position]
    if step.check is None:
        raise RuntimeError("the step has no check")
    run = await request.begin(position, kind)
    mode = step.stream_mode if request.stream else StreamMode.HOLD
    checked = _Checked(request, run, position, mode, step.gate_tokens if mode is StreamMode.GATE else None)
    try:
        await checked.run(step.check)
    except UpstreamError as error:
        outcome = AttemptOutcome.FAILED
        return await request.hand_over(
            run, position, outcome, checked.results, error=error, superseded=checked.streamed
        )
    if checked.passed:
        return Given(run, checked.results)
    outcome = AttemptOutcome.REJECTED
    return await request.hand_over(run, position, outcome, checked.results, superseded=checked.streamed)


class _Rejected(Exception):
    """The first tokens have not passed: nothing more of the answer is wanted."""


class _Checked:
    """One attempt, and what its check has said. `streamed`: uncommitted deltas have reached the caller."""

    def __init__(
        self, request: Request, run: AttemptRun, position: int, mode: StreamMode, gate_tokens: int | None
    ) -> None:
        """The check judges the first `gate_tokens`; the whole answer where that is None."""
        self.passed = False
        self.streamed = False
        self.results: tuple[CheckResult, ...] = ()
        self._request = request
        self._run = run
        self._position = position
        self._optimistic = mode is StreamMode.OPTIMISTIC
        self._gate_tokens = gate_tokens
        self._held: list[Delta] = []

    async def run(self, check: Check) -> None:
        """Run the attempt, and judge it."""
        request, run = self._request, self._run
        remaining, bill = request.deadline.remaining, request.account.bill(run)
        context = CheckContext(request.routed.query, run.model.name, request.parent, remaining, bill, run.observation)
        async with check.open(context) as judge:

            async def take(delta: Delta) -> None:
                await self._take(delta, judge)

            with suppress(_Rejected):
                await run.run(take)
                if not self.passed:
                    await self._pass(judge)

    async def _take(self, delta: Delta, judge: Judge) -> None:
        if self.passed:
            await self._request.show(delta)
        elif self._optimistic:
            self.streamed = True
            await self._request.show(delta)
        else:
            self._held.append(delta)
            if self._gate_tokens is not None and self._run.tokens >= self._gate_tokens:
                await self._pass(judge)

    async def _pass(self, judge: Judge) -> None:
        """Let the check speak, and commit when it passes. Where no other model is left, the answer stands.

        Raises:
            _Rejected: it does not.
        """
        self.results = await judge(self._run.answer())
        steps = self._request.steps
        self.passed = self.results[-1].passed or await steps.next(self._position + 1) == steps.end
        if not self.passed:
            raise _Rejected
        self._request.account.committed = True
        for delta in self._held:
            await self._request.show(delta)
