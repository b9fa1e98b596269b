"""One call of one model: timers, retries before the first content, settlement."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import structlog

from frontdesk_server.domain.attempt import Answer, Attempt, AttemptOutcome, CheckResult
from frontdesk_server.domain.backend import BackendCall, Dispatch
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.errors import (
    FrontdeskError,
    UpstreamCut,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRequestRefused,
    UpstreamTimedOut,
)
from frontdesk_server.domain.events import Delta, Finished, UsageReport
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.observer import AttemptObservation, AttemptParent
from frontdesk_server.execution.alarm import Alarm
from frontdesk_server.execution.balancing import Passage
from frontdesk_server.execution.billing import NOTHING, Billing, bill
from frontdesk_server.execution.calls import Calls
from frontdesk_server.execution.deployments import Deployments
from frontdesk_server.execution.order import AttemptOrder, AttemptTools
from frontdesk_server.execution.received import Received
from frontdesk_server.execution.repeats import Repeats
from frontdesk_server.execution.room import Room
from frontdesk_server.execution.timers import Timer
from frontdesk_server.state.limits import Used

log = structlog.get_logger()

Take = Callable[[Delta], Awaitable[None]]
"""Takes the deltas of an attempt one by one. While it does, no timer of the attempt runs, and nothing more is read."""


async def drop(delta: Delta) -> None:
    """Take a delta that nobody waits for."""


class AttemptRun:
    """Drive one attempt: `run()` once, then `settle()` exactly once, whatever happened."""

    def __init__(
        self,
        tools: AttemptTools,
        order: AttemptOrder,
        passage: Passage,
        parent: AttemptParent,
        room: Room | None = None,
    ) -> None:
        """`room` is what its calls may use; None where nothing is limited."""
        self._tools = tools
        self._order = order
        self._deployments = Deployments(tools.balancer, order.model, passage, order.unfit)
        self._received = Received()
        self._started = tools.clock.monotonic()
        self._parent = parent
        self.observation: AttemptObservation = parent.attempt_started(
            order.model, passage.deployment, order.query, purpose=order.purpose
        )
        self._finished_at: float | None = None
        self._dispatch: Dispatch | None = None
        self._output_limit: int | None = None
        self._call_began = self._started
        self._calls = Calls(order.model.prices, tools.clock.now(), room)
        self._repeats = Repeats(tools, order, self._calls, self._deployments, self.observation)
        self._whole: Billing | None = None

    @property
    def index(self) -> int:
        """Its place among the request's attempts, by their beginning."""
        return self._order.index

    @property
    def model(self) -> Model:
        """The model that is called."""
        return self._order.model

    @property
    def tokens(self) -> int:
        """Output tokens so far, counted or estimated."""
        return self._received.tokens

    @property
    def cost_nano_usd(self) -> int | None:
        """What it has cost so far; None when unknown."""
        return self._calls.cost(self._billing(None))

    def used(self, error: BaseException | None = None) -> tuple[Used, ...]:
        """What each of its calls used that has a reservation of its own: those that were billed, and the last one."""
        return self._calls.used(self._billing(error))

    def overdue(self) -> UpstreamTimedOut:
        """What has become of it when the call's deadline has passed, whoever noticed first."""
        return self._order.timers.at_deadline(self._elapsed_seconds, content_came=self._received.has_content)

    def answer(self) -> Answer:
        """The answer so far, with the usage that it is settled with."""
        return self._received.answer(self._calls.billing(self._billing(None)).usage)

    async def run(self, take: Take) -> None:
        """Give `take` the answer's deltas to its end.

        Raises:
            UpstreamError: the model failed, repeats included.
        """
        alarm = Alarm()
        try:
            while (error := await self._failure(take, alarm)) is not None:
                wait = await self._wait_after(error)
                if wait is None:
                    raise error
                self._received.forget_report()
                self._dispatch = None
                self.observation.repeated(self._deployments.current, error)
                await asyncio.sleep(wait)
        finally:
            alarm.close()
        self._finished_at = self._tools.clock.monotonic()
        self._deployments.answered()
        self.observation.answered()

    async def _failure(self, take: Take, alarm: Alarm) -> UpstreamError | None:
        """Call once; why that failed."""
        received = self._received
        backend = self._tools.backends[self._deployments.current.backend]
        async with aclosing(backend.stream(self._next_call())) as batches:
            while True:
                timer, seconds = self._running_timer()
                alarm.set(seconds)
                try:
                    batch = await anext(batches)
                except (Exception, asyncio.CancelledError) as raised:
                    error = self._reading_failed(raised, timer if alarm.unset() else None)
                    if error is not raised:
                        error.__cause__ = raised
                    return error
                alarm.unset()
                for event in batch:
                    if isinstance(event, Finished):
                        received.report(event)
                        return None
                    if isinstance(event, UsageReport):
                        received.report(event)
                        continue
                    if received.first_token_at is None:
                        received.first_token_at = self._tools.clock.monotonic()
                        if self._order.stream:
                            self.observation.first_token()
                    received.add(event)
                    await take(event)

    def _next_call(self) -> BackendCall:
        deployment = self._deployments.current
        call = self._order.call(deployment, self._tools.conditions.profile(deployment), self.observation.headers)
        self._dispatch, self._output_limit = call.dispatch, call.output_limit
        self._call_began = self._tools.clock.monotonic()
        return call

    def _reading_failed(self, raised: BaseException, timer: Timer | None) -> UpstreamError:
        """What becomes of the call by what its reading has raised, or by the timer that has ended it."""
        if timer is not None and isinstance(raised, asyncio.CancelledError):
            if self._calls.count > 1 and timer is not self._order.timers.idle:
                timer = timer.after_other_calls(self._tools.clock.monotonic() - self._call_began)
            return timer.ran_out()
        if isinstance(raised, UpstreamError):
            return raised
        if isinstance(raised, StopAsyncIteration):
            return UpstreamCut("the response ended without its end")
        if isinstance(raised, FrontdeskError) or not isinstance(raised, Exception):
            raise raised
        where = self._deployments.current
        report_defect("backend", raised, self._parent, backend=where.backend, upstream_model=where.upstream_model)
        if self._has_left:
            return UpstreamProtocolError("the response could not be read")
        return UpstreamRequestRefused("the request could not be built")

    @property
    def _has_left(self) -> bool:
        """Whether the request of the last call may have left Frontdesk."""
        return self._dispatch is not None and self._dispatch.left

    def _running_timer(self) -> tuple[Timer, float]:
        return self._order.timers.running(self._elapsed_seconds, content_came=self._received.has_content)

    @property
    def _elapsed_seconds(self) -> float:
        return self._tools.clock.monotonic() - self._started

    async def _wait_after(self, error: UpstreamError) -> float | None:
        """Seconds to wait before the next call; None when there is none."""
        if self._received.has_content:
            return None
        return await self._repeats.wait(error, self._billing(error), self._left, sent=self._has_left)

    def _left(self) -> float:
        return self._running_timer()[1]

    def settle(
        self, outcome: AttemptOutcome, *, checks: tuple[CheckResult, ...] = (), error: BaseException | None = None
    ) -> Attempt:
        """Close the books: usage, cost, times; tells conditions and telemetry.

        A whole answer took until it had come, however long it was judged after that.
        """
        order, received = self._order, self._received
        ended = self._tools.clock.monotonic() if self._finished_at is None else self._finished_at
        last = self._billing(error)
        billing = self._calls.billing(last)
        if billing.doubted:
            log.warning(
                "usage.doubted",
                model=order.model.name,
                backend=self._deployments.current.backend,
                fields=billing.doubted,
                settled_input_tokens=billing.usage.input_tokens,
                settled_output_tokens=billing.usage.output_tokens,
            )
        first_token = received.first_token_at if order.stream else None  # what comes whole has no first token
        first_token_seconds = None if first_token is None else first_token - self._started
        attempt = Attempt(
            index=order.index,
            model=order.model.name,
            kind=order.kind,
            outcome=outcome,
            backend=self._deployments.current.backend,
            usage=billing.usage,
            cost_nano_usd=self._calls.cost(last),
            duration_seconds=ended - self._started,
            time_to_first_token_seconds=first_token_seconds,
            error_reason=error.reason if isinstance(error, FrontdeskError) else "",
            error_message=str(error) if isinstance(error, FrontdeskError) else "",
            upstream_message=error.quoted if isinstance(error, UpstreamError) else "",
            checks=checks,
            retries=self._calls.count - 1,
            upstream_model=received.upstream_model,
            finish_reason=received.finish_reason,
            usage_estimated=billing.estimated,
            adjustments=() if self._dispatch is None else tuple(self._dispatch.adjustments),
            provider_request_id="" if self._dispatch is None else self._dispatch.request_id,
            provider_cost_nano_usd=received.provider_cost_nano_usd,
            cache_saved_nano_usd=self._calls.cache_saved(last),
        )
        self._deployments.ended(outcome, error)
        if first_token_seconds is not None:
            self._tools.conditions.observe(order.model, first_token_seconds)
        try:
            self.observation.ended(attempt)
        except Exception as fault:  # the books are closed whatever becomes of telemetry
            report_defect("telemetry", fault)
        return attempt

    def _billing(self, error: BaseException | None) -> Billing:
        """What the last call is settled with; a whole answer is billed once."""
        if not self._has_left:
            return NOTHING
        if self._finished_at is None or error is not None:
            return self._billed(error)
        if self._whole is None:
            self._whole = self._billed(None)
        return self._whole

    def _billed(self, error: BaseException | None) -> Billing:
        return bill(self._order.expectation(self._output_limit), self._received.heard(error))
