"""Follows a plan: attempts in order, checks, escalation, fallback; the events tell no lies.

The order of events, for every request:
started (attempt_started deltas* attempt_ended)* attempt_started deltas* completed, or an exception at any point.
Deltas of an attempt that is followed by attempt_ended appear only when that event says `superseded`. A hedged attempt,
and the next member of a fitted cascade, start while others are open; those that do not speak have ended before the
first delta.

One coroutine runs all of it, and pushes every event to a sink. What a sink waits for, everything before it waits for:
the plan, the attempt, and the connection to the upstream.
"""

from __future__ import annotations

from frontdesk_server.domain.attempt import Answer, AttemptOutcome, Completion, Settlement
from frontdesk_server.domain.call import Call
from frontdesk_server.domain.decision import ExclusionReason, StepKind
from frontdesk_server.domain.ending import CANCELLED, cause_of
from frontdesk_server.domain.errors import (
    CompletionFailed,
    DeadlineExceeded,
    FrontdeskError,
    ModelsUnavailable,
    UpstreamTimedOut,
)
from frontdesk_server.domain.events import Completed, Emit, Started
from frontdesk_server.execution.books import Books
from frontdesk_server.execution.runners import Given, Request, runner_of
from frontdesk_server.state.limits import Refusal


class Execution:
    """One request on its way through its plan: `reserve()` if at all, then `run()`; `settlement` is its account."""

    def __init__(self, request: Request, call: Call, books: Books) -> None:
        self._request = request
        self._call = call
        self._books = books
        self._answer: Answer | None = None
        self._overdue: bool | None = None

    @property
    def settlement(self) -> Settlement:
        """What the request came to so far."""
        return self._request.account.settlement

    @property
    def answer(self) -> Answer | None:
        """The accepted answer."""
        return self._answer

    @property
    def overdue(self) -> bool:
        """Whether its deadline ended it, be it that our timer or that the caller's cancel came first."""
        return self._request.deadline.has_passed() if self._overdue is None else self._overdue

    async def reserve(self) -> Refusal | None:
        """Hold what the first step may use until it runs; why there is no room for it, if there is none."""
        return await self._request.steps.reserve_first()

    async def run(self, emit: Emit) -> Completion:
        """Push what happens to `emit`, `Started` first and `Completed` last, and return the whole answer.

        The decision is in the ledger before the caller knows it, and the settlement, however it ends, before it knows
        that.

        Raises:
            CompletionFailed: no model answered, or the stream broke after commit.
        """
        request, books, observation = self._request, self._books, self._call.observation
        request.emit = emit
        try:
            await books.ledger.record_decision(request.routed)
            try:
                await emit(Started(request.routed.decision))
                completion = self._complete(await self._follow())
            except FrontdeskError as error:
                self._close()
                failure = CompletionFailed(error, self.settlement, request.routed.decision.decision_id)
                await books.settled(request.routed, self.settlement, observation, error=failure, reason=failure.reason)
                raise failure from error
            except BaseException as raised:
                cause = cause_of(raised, ended_by=self._call.ended_by, overdue=self.overdue)
                self._close(cause)
                reason = cause.reason if cause else CANCELLED
                await books.settled(request.routed, self.settlement, observation, error=cause or raised, reason=reason)
                raise
            model, answer, settlement = completion.model, completion.answer, completion.settlement
            await books.settled(request.routed, settlement, observation, model=model, answer=answer)
        finally:
            request.steps.release()
        await emit(Completed(model, answer.finish_reason, answer.usage, settlement))
        return completion

    async def _follow(self) -> Given:
        """Run steps until the answer of one is given."""
        request, steps = self._request, self._request.steps
        position, kind = await steps.next(0), StepKind.PRIMARY
        error: FrontdeskError | None = None
        while position < steps.end:
            run_step = runner_of(request.plan[position], hedged=request.hedge is not None)
            ended = await run_step(request, position, kind)
            if isinstance(ended, Given):
                return ended
            position, kind, error = ended.position, ended.kind, ended.error or error
        raise self._failure(error)

    def _complete(self, given: Given) -> Completion:
        account, run = self._request.account, given.run
        self._answer = answer = run.answer()
        account.committed = True
        account.settle(run, AttemptOutcome.ACCEPTED, given.checks)
        return Completion(run.model.name, answer, account.settlement)

    def _close(self, cause: FrontdeskError | None = None) -> None:
        self._overdue = self.overdue
        if cause is None and self._overdue:
            cause = DeadlineExceeded("the deadline passed")
        self._request.account.close(cause)
        self._request.steps.release()

    def _failure(self, error: FrontdeskError | None) -> FrontdeskError:
        cut = isinstance(error, UpstreamTimedOut) and error.cut_by
        if self._request.deadline.remaining() <= 0 or (cut and self.overdue):
            return DeadlineExceeded("the deadline passed before a model had answered")
        if error is None and self._request.steps.refusal is not None:
            return self._request.steps.refusal.error
        return error or self._unavailability()

    def _unavailability(self) -> FrontdeskError:
        """Why no model could even be asked."""
        excluded = self._request.steps.exclusions()
        reasons = {name: exclusion.detail for name, exclusion in excluded.items()}
        if excluded and all(exclusion.reason is ExclusionReason.DEADLINE for exclusion in excluded.values()):
            listed = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
            return DeadlineExceeded(f"too little time is left for any model of the plan: {listed}")
        waits = [e.retry_after_seconds for e in excluded.values() if e.retry_after_seconds is not None]
        return ModelsUnavailable(reasons, min(waits, default=0.0))
