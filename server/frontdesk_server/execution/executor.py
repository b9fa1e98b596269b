"""Follows a plan: attempts in order, checks, escalation, fallback; the events tell no lies.

The order of events, for every request:
started (attempt_started deltas* attempt_ended)* attempt_started deltas* completed, or an exception at any point.
Deltas of an attempt that is followed by attempt_ended appear only when that event says `superseded`. A hedged attempt
starts while another one is open; the one that does not speak has ended before the first delta.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from frontdesk_server.config.service import ExecutionConfig
from frontdesk_server.config.strategies import HedgeConfig
from frontdesk_server.domain.attempt import Answer, Attempt, AttemptOutcome, CheckResult, Settlement
from frontdesk_server.domain.call import Call
from frontdesk_server.domain.decision import PlanStep, RoutedQuery, StepKind, StreamMode
from frontdesk_server.domain.errors import CompletionFailed, DeadlineExceeded, FrontdeskError, UpstreamError
from frontdesk_server.domain.events import AttemptEnded, AttemptStarted, Completed, CompletionEvent, Delta, TextDelta
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.query import Query
from frontdesk_server.execution.attempt import AttemptOrder, AttemptRun, AttemptTools
from frontdesk_server.execution.checks import Check, CheckContext, Judge
from frontdesk_server.execution.hedging import Hedging, Lane
from frontdesk_server.execution.settlement import settle
from frontdesk_server.execution.steps import Steps
from frontdesk_server.limits import Limits, Reservation


@dataclass(frozen=True, slots=True)
class Executor:
    """Executes plans over one snapshot of the configuration.

    `checks` are keyed by their path in the configuration, `hedges` by their router.
    """

    tools: AttemptTools
    models: Mapping[str, Model]
    checks: Mapping[str, Check]
    config: ExecutionConfig
    limits: Limits = field(default_factory=Limits.none)
    hedges: Mapping[str, HedgeConfig] = field(default_factory=dict)

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
        self._deadline = deadline
        self._stream = stream
        self._attempts: list[Attempt] = []
        self._running: dict[AttemptRun, Reservation] = {}
        conditions = executor.tools.conditions
        self._steps = Steps(routed, executor.models, conditions, executor.limits, self._remaining, reservation)
        hedge = executor.hedges.get(routed.decision.router) if stream else None
        self._hedging: Hedging | None = None
        if hedge is not None:
            self._hedging = Hedging(hedge, routed, executor.models, conditions, self._steps)
        self._committed = False
        self._answer: Answer | None = None

    @property
    def settlement(self) -> Settlement:
        """What the request came to so far."""
        decision = self._routed.decision
        strongest = self._executor.models.get(decision.strongest_model)
        attempts = sorted(self._attempts, key=lambda attempt: attempt.index)
        return settle(decision, attempts, strongest, committed=self._committed)

    @property
    def answer(self) -> Answer | None:
        """The accepted answer."""
        return self._answer

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
            raise CompletionFailed(error, self.settlement, self._routed.decision.decision_id) from error
        finally:
            for run in list(self._running):
                self._settle(run, AttemptOutcome.CANCELLED)
            self._steps.release()

    async def _follow(self) -> AsyncGenerator[CompletionEvent]:
        plan, steps = self._routed.decision.plan, self._steps
        position, kind = await steps.next(0), StepKind.PRIMARY
        error: FrontdeskError | None = None
        while position < steps.end:
            step = plan[position]
            lane = Lane(self._start_attempt(position, kind), position)
            yield AttemptStarted(lane.run.index, step.model, kind)
            judged = _Judgement()
            try:
                if self._hedging is not None and not step.check:
                    async with aclosing(self._hedging.race(lane, self._start_attempt, self._settle)) as events:
                        async for event in events:
                            yield event
                async with aclosing(self._deltas(lane.run, step, position, judged)) as deltas:
                    async for delta in deltas:
                        yield delta
            except UpstreamError as failure:
                attempt = self._settle(lane.run, AttemptOutcome.FAILED, judged.results, error=failure)
                error, kind = failure, StepKind.FALLBACK
                if self._committed:
                    break
            else:
                if judged.passed:
                    yield self._complete(lane.run, judged)
                    return
                attempt = self._settle(lane.run, AttemptOutcome.REJECTED, judged.results)
                kind = StepKind.ESCALATION
            position = await steps.next(lane.position + 1)
            if position == steps.end:
                self._committed = judged.streamed  # nothing will supersede what was shown
                break
            yield AttemptEnded(attempt, plan[position].model, superseded=judged.streamed)
        raise self._failure(error)

    def _remaining(self) -> float:
        return self._deadline - self._executor.tools.clock.monotonic()

    def _start_attempt(self, position: int, kind: StepKind) -> AttemptRun:
        executor, step = self._executor, self._routed.decision.plan[position]
        model = executor.models[step.model]
        executor.tools.conditions.breaker(step.model).acquire()
        reservation = self._steps.take()
        remaining = max(0.0, self._remaining())
        share = remaining if self._steps.is_last(position) else remaining * executor.config.slice_share
        whole_is_held = not self._stream or step.stream_mode is StreamMode.HOLD
        order = AttemptOrder(
            index=len(self._attempts) + len(self._running),
            model=model,
            kind=kind,
            query=self._prepared_query(step),
            stream=self._stream,
            first_token_seconds=min(model.timeouts.first_token_seconds if self._stream else remaining, share),
            total_seconds=min(model.timeouts.total_seconds, share if whole_is_held else remaining),
            input_tokens=self._routed.decision.signals.input_tokens,
        )
        run = AttemptRun(executor.tools, order, self._call.observation)
        self._running[run] = reservation
        return run

    def _prepared_query(self, step: PlanStep) -> Query:
        """The caller's query, with log-probabilities where the step's check reads them."""
        query = self._routed.query
        check = self._check(step)
        if check is None or not check.needs_logprobs or query.generation.logprobs:
            return query
        return replace(query, generation=replace(query.generation, logprobs=True))

    def _check(self, step: PlanStep) -> Check | None:
        return self._executor.checks[step.check] if step.check else None

    async def _deltas(
        self, run: AttemptRun, step: PlanStep, position: int, judged: _Judgement
    ) -> AsyncGenerator[Delta]:
        """Yield what of this attempt may reach the caller, and judge it."""
        check = self._check(step)
        if check is None:
            async with aclosing(self._unchecked(run)) as deltas:
                async for delta in deltas:
                    yield delta
            judged.passed = True
            return
        context = CheckContext(self._routed.query, run.model.name, self._call.observation, self._remaining)
        async with check.open(context) as judge:
            mode = (step.stream_mode or StreamMode.HOLD) if self._stream else StreamMode.HOLD
            gate_tokens = step.gate_tokens if mode is StreamMode.GATE else None
            held: list[Delta] = []
            async with aclosing(self._visible(run)) as deltas:
                async for delta in deltas:
                    if self._committed:
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
            if not self._committed and await self._judge(judge, run, position, judged):
                for delta in held:
                    yield delta

    async def _unchecked(self, run: AttemptRun) -> AsyncGenerator[Delta]:
        """Commit with the first content when streaming, with the whole answer otherwise."""
        held: list[Delta] = []
        async with aclosing(self._visible(run)) as deltas:
            async for delta in deltas:
                if self._stream:
                    self._committed = True
                    yield delta
                else:
                    held.append(delta)
        for delta in held:
            yield delta

    async def _visible(self, run: AttemptRun) -> AsyncGenerator[Delta]:
        """The attempt's deltas, without log-probabilities that only a check asked for."""
        strip = not self._routed.query.generation.logprobs
        async with aclosing(run.deltas()) as deltas:
            async for delta in deltas:
                yield TextDelta(delta.text) if strip and isinstance(delta, TextDelta) and delta.logprobs else delta

    async def _judge(self, judge: Judge, run: AttemptRun, position: int, judged: _Judgement) -> bool:
        """Let the check speak, and commit when it passes. Where no other model is left, the answer stands."""
        judged.results = await judge(run.answer())
        steps = self._steps
        judged.passed = judged.results[-1].passed or await steps.next(position + 1) == steps.end
        self._committed = judged.passed
        return judged.passed

    def _complete(self, run: AttemptRun, judged: _Judgement) -> Completed:
        self._answer = answer = run.answer()
        self._committed = True
        attempt = self._settle(run, AttemptOutcome.ACCEPTED, judged.results)
        return Completed(run.model.name, answer.finish_reason, attempt.usage, self.settlement)

    def _settle(
        self,
        run: AttemptRun,
        outcome: AttemptOutcome,
        checks: tuple[CheckResult, ...] = (),
        *,
        error: UpstreamError | None = None,
    ) -> Attempt:
        reservation = self._running.pop(run)
        attempt = run.settle(outcome, checks=checks, error=error)
        asked = [check.cost_nano_usd for check in checks]
        if attempt.index == 0:
            asked.append(self._routed.decision.router_cost_nano_usd)
        reservation.settle(attempt, beside_nano_usd=sum(cost or 0 for cost in asked))
        self._attempts.append(attempt)
        return attempt

    def _failure(self, error: FrontdeskError | None) -> FrontdeskError:
        if self._remaining() <= 0:
            return DeadlineExceeded("the deadline passed before a model had answered")
        if error is None and self._steps.refusal is not None:
            return self._steps.refusal.error
        return error or UpstreamError("every model of the plan became unavailable")


def _released(held: list[Delta]) -> list[Delta]:
    released = held.copy()
    held.clear()
    return released


@dataclass(slots=True)
class _Judgement:
    """What is known of the running attempt's answer. `streamed`: uncommitted deltas have reached the caller."""

    passed: bool = False
    streamed: bool = False
    results: tuple[CheckResult, ...] = ()
