"""Follows a plan: attempts in order, checks, escalation, fallback; the events tell no lies.

The order of events, for every request:
started (attempt_started deltas* attempt_ended)* attempt_started deltas* completed, or an exception at any point.
Deltas of an attempt that is followed by attempt_ended appear only when that event says `superseded`. A hedged attempt,
and the next member of a fitted cascade, start while others are open; those that do not speak have ended before the
first delta.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from frontdesk_server.artefacts.cascade.policy import FittedCascade
from frontdesk_server.config.service import ExecutionConfig
from frontdesk_server.config.strategies import HedgeConfig
from frontdesk_server.domain.affinity import affinity_key
from frontdesk_server.domain.attempt import Answer, AttemptOutcome, CheckResult, Settlement
from frontdesk_server.domain.caching import speaks_of_caching, with_cache_hints
from frontdesk_server.domain.call import Call, has_passed
from frontdesk_server.domain.decision import ExclusionReason, RoutedQuery, StepKind, StreamMode
from frontdesk_server.domain.ending import cause_of
from frontdesk_server.domain.errors import (
    CompletionFailed,
    DeadlineExceeded,
    FrontdeskError,
    ModelsUnavailable,
    UpstreamError,
    UpstreamTimedOut,
)
from frontdesk_server.domain.events import AttemptEnded, AttemptStarted, Completed, CompletionEvent
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.own_keys import own_keys
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.tokens import expected_output_tokens
from frontdesk_server.execution.account import Account
from frontdesk_server.execution.attempt import AttemptOrder, AttemptRun, AttemptTools
from frontdesk_server.execution.checks import Check
from frontdesk_server.execution.delivery import Delivery, Judgement
from frontdesk_server.execution.hedging import Hedging, Lane
from frontdesk_server.execution.panel import Panel
from frontdesk_server.execution.steps import Steps
from frontdesk_server.execution.timers import AttemptTimers, Bound
from frontdesk_server.state.limits import Limits, Reservation


@dataclass(frozen=True, slots=True)
class Executor:
    """Executes plans over one snapshot of the configuration.

    `checks` and `fitted` cascades are keyed by their path in the configuration, `hedges` by their router. `caching` are
    the routers that have providers cache prompts.
    """

    tools: AttemptTools
    models: Mapping[str, Model]
    checks: Mapping[str, Check]
    config: ExecutionConfig
    limits: Limits = field(default_factory=Limits.none)
    hedges: Mapping[str, HedgeConfig] = field(default_factory=dict)
    fitted: Mapping[str, FittedCascade] = field(default_factory=dict)
    caching: frozenset[str] = frozenset()

    def start(
        self,
        routed: RoutedQuery,
        call: Call,
        deadline: float,
        *,
        stream: bool,
        reservation: Reservation | None = None,
    ) -> Execution:
        """Prepare to execute; `deadline` is an instant of the clock's monotonic time.

        `reservation` is what the first step may use, where it has been reserved already.
        """
        return Execution(self, routed, call, deadline, stream=stream, reservation=reservation)


class Execution:
    """One request on its way through its plan. Iterate `events()`; `settlement` holds the account at any moment."""

    def __init__(
        self,
        executor: Executor,
        routed: RoutedQuery,
        call: Call,
        deadline: float,
        *,
        stream: bool,
        reservation: Reservation | None = None,
    ) -> None:
        self._executor = executor
        self._routed = routed
        self._call = call
        self._own_keys = own_keys(call)
        self._deadline = deadline
        self._whose_deadline = "the caller's deadline" if call.deadline == deadline else "the router's timeout"
        self._stream = stream
        self._account = Account(routed.decision, executor.models.get(routed.decision.strongest_model))
        conditions = executor.tools.conditions
        self._steps = Steps(
            routed,
            executor.models,
            conditions,
            executor.tools.balancer,
            executor.limits,
            self._remaining,
            reservation,
        )
        hedge = executor.hedges.get(routed.decision.router) if stream else None
        self._hedging: Hedging | None = None
        if hedge is not None:
            self._hedging = Hedging(hedge, routed, executor.models, conditions, self._steps)
        self._delivery = Delivery(
            routed, executor.checks, call.observation, self._account, self._steps, self._remaining, stream
        )
        self._answer: Answer | None = None
        self._overdue: bool | None = None

    @property
    def settlement(self) -> Settlement:
        """What the request came to so far."""
        return self._account.settlement

    @property
    def answer(self) -> Answer | None:
        """The accepted answer."""
        return self._answer

    @property
    def overdue(self) -> bool:
        """Whether its deadline ended it, be it that our timer or that the caller's cancel came first."""
        if self._overdue is None:
            return has_passed(self._deadline, self._executor.tools.clock.monotonic())
        return self._overdue

    async def events(self) -> AsyncGenerator[CompletionEvent]:
        """Yield what happens after `started`.

        Raises:
            CompletionFailed: no model answered, or the stream broke after commit.
        """
        try:
            async with aclosing(self._follow()) as events:
                async for event in events:
                    yield event
        except FrontdeskError as error:
            self._close()
            raise CompletionFailed(error, self.settlement, self._routed.decision.decision_id) from error
        except BaseException as raised:
            self._close(self.cause(raised))
            raise
        finally:
            self._close()

    def cause(self, raised: BaseException) -> FrontdeskError | None:
        """Why it ended so; None when its caller left."""
        return cause_of(raised, ended_by=self._call.ended_by, overdue=self.overdue)

    def _close(self, cause: FrontdeskError | None = None) -> None:
        self._overdue = self.overdue
        if cause is None and self._overdue:
            cause = DeadlineExceeded("the deadline passed")
        self._account.close(cause)
        self._steps.release()

    async def _follow(self) -> AsyncGenerator[CompletionEvent]:
        plan, steps = self._routed.decision.plan, self._steps
        position, kind = await steps.next(0), StepKind.PRIMARY
        error: FrontdeskError | None = None
        while position < steps.end:
            step = plan[position]
            if (cascade := self._executor.fitted.get(step.check)) is not None:
                panel = Panel(cascade, self._routed, steps, self._start_attempt, self._account, self._call.observation)
                async with aclosing(panel.confer(position, kind)) as conferring:
                    async for event in conferring:
                        yield event
                if panel.winner is not None:
                    self._account.committed = True
                    for delta in panel.winner.deltas:
                        yield delta
                    yield self._complete(panel.winner.run, panel.winner.checks)
                    return
                position, kind, error = panel.position, panel.kind, panel.error
                continue
            lane = Lane(self._start_attempt(position, kind), position)
            yield AttemptStarted(lane.run.index, step.model, kind)
            judged = Judgement()
            try:
                if self._hedging is not None and not step.check:
                    async with aclosing(self._hedging.race(lane, self._start_attempt, self._account.settle)) as events:
                        async for event in events:
                            yield event
                async with aclosing(self._delivery.deltas(lane.run, step, position, judged)) as deltas:
                    async for delta in deltas:
                        yield delta
            except UpstreamError as failure:
                attempt = self._account.settle(lane.run, AttemptOutcome.FAILED, judged.results, error=failure)
                error, kind = failure, StepKind.FALLBACK
                if self._account.committed:
                    break
            else:
                if judged.passed:
                    yield self._complete(lane.run, judged.results)
                    return
                attempt = self._account.settle(lane.run, AttemptOutcome.REJECTED, judged.results)
                kind = StepKind.ESCALATION
            position = await steps.next(lane.position + 1)
            if position == steps.end:
                self._account.committed = judged.streamed  # nothing will supersede what was shown
                break
            yield AttemptEnded(attempt, plan[position].model, superseded=judged.streamed)
        raise self._failure(error)

    def _remaining(self) -> float:
        return self._deadline - self._executor.tools.clock.monotonic()

    def _start_attempt(self, position: int, kind: StepKind) -> AttemptRun:
        executor, step = self._executor, self._routed.decision.plan[position]
        model, signals = executor.models[step.model], self._routed.decision.signals
        room, passage = self._steps.take()
        deadline = Bound(max(0.0, self._remaining()), self._whose_deadline)
        share = deadline if self._steps.is_last(position) else deadline.slice(executor.config.slice_share)
        whole_is_held = not self._stream or step.stream_mode is StreamMode.HOLD
        until_end = share if whole_is_held else deadline
        query, cache_key = self._cacheable(self._delivery.prepared(step))
        order = AttemptOrder(
            index=self._account.opened,
            model=model,
            kind=kind,
            query=query,
            cache_key=cache_key,
            stream=self._stream,
            timers=AttemptTimers.of(model.timeouts, deadline, share, until_end, stream=self._stream),
            input_tokens=signals.input_tokens,
            output_tokens=expected_output_tokens(self._routed.query, signals),
            own_keys=self._own_keys,
        )
        run = AttemptRun(executor.tools, order, passage, self._call.observation, room)
        self._account.open(run, room.reservation)
        return run

    def _cacheable(self, query: Query) -> tuple[Query, str]:
        """The query as caches of providers may keep it, and the key of its conversation; as it is where none should."""
        router, conversation = self._routed.decision.router, self._routed.policy.affinity_key
        if router not in self._executor.caching or speaks_of_caching(query):
            return query, ""
        hinted = with_cache_hints(query, goes_on=bool(conversation))
        return hinted, affinity_key(self._routed.caller, router, conversation) if conversation else ""

    def _complete(self, run: AttemptRun, checks: tuple[CheckResult, ...]) -> Completed:
        self._answer = answer = run.answer()
        self._account.committed = True
        attempt = self._account.settle(run, AttemptOutcome.ACCEPTED, checks)
        return Completed(run.model.name, answer.finish_reason, attempt.usage, self.settlement)

    def _failure(self, error: FrontdeskError | None) -> FrontdeskError:
        cut = isinstance(error, UpstreamTimedOut) and error.cut_by
        if self._remaining() <= 0 or (cut and self.overdue):
            return DeadlineExceeded("the deadline passed before a model had answered")
        if error is None and self._steps.refusal is not None:
            return self._steps.refusal.error
        return error or self._unavailability()

    def _unavailability(self) -> FrontdeskError:
        """Why no model could even be asked."""
        excluded = self._steps.exclusions()
        reasons = {name: exclusion.detail for name, exclusion in excluded.items()}
        if excluded and all(exclusion.reason is ExclusionReason.DEADLINE for exclusion in excluded.values()):
            listed = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
            return DeadlineExceeded(f"too little time is left for any model of the plan: {listed}")
        waits = [e.retry_after_seconds for e in excluded.values() if e.retry_after_seconds is not None]
        return ModelsUnavailable(reasons, min(waits, default=0.0))
