"""One call of one model: timers, retries before the first content, settlement."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from random import Random

import structlog

from frontdesk_server.config.service import RetryConfig
from frontdesk_server.domain.adjusting import adjusted, own_question
from frontdesk_server.domain.attempt import Answer, Attempt, AttemptOutcome, CheckResult
from frontdesk_server.domain.backend import Backend, BackendCall, Dispatch
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.decision import StepKind
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
from frontdesk_server.domain.fitting import Fitting
from frontdesk_server.domain.left_out import left_out
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.observer import AttemptObservation, AttemptParent
from frontdesk_server.domain.own_keys import NO_OWN_KEYS, OwnKeys
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.usage import FinishReason, Usage
from frontdesk_server.execution.balancing import Balancer, Passage
from frontdesk_server.execution.billing import NOTHING, Billing, Expectation, Heard, bill
from frontdesk_server.execution.calls import Calls
from frontdesk_server.execution.collector import AnswerCollector
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.deployments import Deployments
from frontdesk_server.execution.room import Room
from frontdesk_server.execution.timers import AttemptTimers, Timer
from frontdesk_server.state.limits import Reservation, Used

log = structlog.get_logger()

ANSWER = "answer"
"""The purpose of an attempt that is to answer the caller."""

_MOST_LESSONS = 4
"""Repeats of one attempt because something was refused by name."""


@dataclass(frozen=True, slots=True)
class AttemptTools:
    """What every attempt needs."""

    backends: Mapping[str, Backend]
    conditions: LiveConditions
    balancer: Balancer
    retry: RetryConfig
    clock: Clock
    random: Random


@dataclass(frozen=True, slots=True)
class AttemptOrder:
    """What is to be called and within which timers.

    `input_tokens` and `output_tokens` are expected of the query and of its whole answer, should they not be reported.
    `own_keys` are the caller's, for the providers it brings some for. `cache_key` is the same for calls that begin
    alike.
    """

    index: int
    model: Model
    kind: StepKind
    query: Query
    stream: bool
    timers: AttemptTimers
    input_tokens: int
    output_tokens: int
    purpose: str = ANSWER
    own_keys: OwnKeys = NO_OWN_KEYS
    cache_key: str = ""

    @property
    def is_our_own(self) -> bool:
        """Whether the query is a question of Frontdesk's own, such as a check's."""
        return self.purpose != ANSWER


class AttemptRun:
    """Drive one attempt: iterate `deltas()`, then `settle()` exactly once, whatever happened."""

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
        self._deployments = Deployments(tools.balancer, order.model, passage, self._unfit)
        self._collector = AnswerCollector()
        self._started = tools.clock.monotonic()
        self._parent = parent
        self._observation: AttemptObservation = parent.attempt_started(
            order.model, passage.deployment, order.query, purpose=order.purpose
        )
        self._first_token_at: float | None = None
        self._finished_at: float | None = None
        self._usage = Usage()
        self._only_opening = False
        self._upstream_model = ""
        self._provider_cost_nano_usd: int | None = None
        self._finish_reason: FinishReason | None = None
        self._dispatch: Dispatch | None = None
        self._call_began = self._started
        self._calls = Calls(order.model.prices, tools.clock.now(), room)
        self._repeats = 0
        self._lessons = 0
        self._expectation = Expectation(order.model, order.query, order.stream, order.input_tokens, order.output_tokens)
        self._source = self._repeated()
        self._head: Delta | None = None

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
        return self._collector.tokens

    @property
    def cost_nano_usd(self) -> int | None:
        """What it has cost so far; None when unknown."""
        return self._calls.cost(self._billing(None))

    def used(self, error: BaseException | None = None) -> tuple[Used, ...]:
        """What each of its calls used that has a reservation of its own: those that were billed, and the last one."""
        return self._calls.used(self._billing(error))

    def overdue(self) -> UpstreamTimedOut:
        """What has become of it when the call's deadline has passed, whoever noticed first."""
        return self._order.timers.at_deadline(self._elapsed_seconds, content_came=self._first_token_at is not None)

    def answer(self) -> Answer:
        """The answer so far, with the usage that it is settled with."""
        usage = self._calls.billing(self._billing(None)).usage
        return self._collector.answer(self._finish_reason or FinishReason.OTHER, usage, self._upstream_model)

    async def prime(self) -> None:
        """Wait until the first content has come, with which `deltas` then begins. Raises as `deltas` does."""
        self._head = await anext(self._source, None)

    async def deltas(self) -> AsyncGenerator[Delta]:
        """Yield the answer's deltas to its end.

        Raises:
            UpstreamError: the model failed, repeats included.
        """
        async with aclosing(self._source) as source:
            if self._head is not None:
                yield self._head
            async for delta in source:
                yield delta
        self._finished_at = self._tools.clock.monotonic()
        self._deployments.answered()
        self._observation.answered()

    async def _repeated(self) -> AsyncGenerator[Delta]:
        while True:
            try:
                async with aclosing(self._call_once()) as deltas:
                    async for delta in deltas:
                        yield delta
                return
            except UpstreamError as error:
                wait = await self._before_next_call(error)
                if wait is None:
                    raise
                self._usage, self._only_opening = Usage(), False
                self._dispatch = None
                self._observation.repeated(self._deployments.current, error)
                await asyncio.sleep(wait)

    async def _call_once(self) -> AsyncGenerator[Delta]:
        order, tools, deployment = self._order, self._tools, self._deployments.current
        backend = tools.backends[deployment.backend]
        profile = tools.conditions.profile(deployment)
        asked = order.model.asked(order.query)
        query, made = adjusted(own_question(asked, profile) if order.is_our_own else asked, profile)
        call = BackendCall(
            deployment.upstream_model,
            query,
            order.stream,
            order.model.timeouts,
            self._observation.headers,
            order.model.output_bound(query.generation.max_output_tokens, order.input_tokens),
            deployment.dialects,
            deployment.provider,
            Dispatch(adjustments=[*left_out(order.query, deployment), *made]),
            order.own_keys.of(deployment.backend),
            profile,
            order.cache_key,
        )
        self._dispatch = call.dispatch
        self._expectation = replace(self._expectation, output_limit=call.output_limit)
        self._call_began = tools.clock.monotonic()
        async with aclosing(backend.stream(call)) as events:
            while True:
                match event := await self._next(events):
                    case Finished(finish_reason, usage, upstream_model, cost):
                        self._finish_reason = finish_reason
                        self._usage, self._upstream_model, self._provider_cost_nano_usd = usage, upstream_model, cost
                        return
                    case UsageReport(usage, upstream_model, cost, opening):
                        self._usage, self._upstream_model, self._provider_cost_nano_usd = usage, upstream_model, cost
                        self._only_opening = opening
                    case _:
                        if self._first_token_at is None:
                            self._first_token_at = tools.clock.monotonic()
                            self._observation.first_token()
                        self._collector.add(event)
                        yield event

    async def _next(self, events: AsyncGenerator[Delta | UsageReport | Finished]) -> Delta | UsageReport | Finished:
        timer, seconds = self._running_timer()
        try:
            async with asyncio.timeout(seconds):
                return await anext(events)
        except TimeoutError as timeout:
            if self._calls.count > 1 and timer is not self._order.timers.idle:
                timer = timer.after_other_calls(self._tools.clock.monotonic() - self._call_began)
            raise timer.ran_out() from timeout
        except StopAsyncIteration as end:
            raise UpstreamCut("the response ended without its end") from end
        except FrontdeskError:
            raise
        except Exception as defect:
            where = self._deployments.current
            report_defect("backend", defect, self._parent, backend=where.backend, upstream_model=where.upstream_model)
            if self._has_left:
                raise UpstreamProtocolError("the response could not be read") from defect
            raise UpstreamRequestRefused("the request could not be built") from defect

    @property
    def _has_left(self) -> bool:
        """Whether the request of the last call may have left Frontdesk."""
        return self._dispatch is not None and self._dispatch.left

    def _running_timer(self) -> tuple[Timer, float]:
        return self._order.timers.running(self._elapsed_seconds, content_came=self._first_token_at is not None)

    @property
    def _elapsed_seconds(self) -> float:
        return self._tools.clock.monotonic() - self._started

    async def _before_next_call(self, error: UpstreamError) -> float | None:
        """Seconds to wait before the next call, for which room is made; None when there is no next call."""
        last = self._billing(error)
        if not self._calls.keeps_its_room(last):
            return self._begin_next_call(error, last, None)
        repeatable = error.retryable and self._repeats < self._tools.retry.max_retries
        if self._first_token_at is not None or (self._deployments.all_asked and not repeatable):
            return None
        more = await self._calls.room()
        if more is None:
            return None
        with more:
            return self._begin_next_call(error, last, more)

    def _begin_next_call(self, error: UpstreamError, last: Billing, more: Reservation | None) -> float | None:
        wait = self._wait_before_next_call(error)
        if wait is not None:
            self._calls.repeat(last, more)
        return wait

    def _wait_before_next_call(self, error: UpstreamError) -> float | None:
        """Seconds to wait, or None when there is no next call.

        Deployments that have not been asked are asked at once. After them the same call may be repeated: what one of
        several deployments asks for does not hold for the others, one of which is asked next.
        """
        left = self._running_timer()[1]
        if self._first_token_at is not None or left <= 0:
            return None
        if self._has_learned(error) or self._deployments.elsewhere(error, sent=self._has_left):
            return 0.0
        retry = self._tools.retry
        if not error.retryable or self._repeats >= retry.max_retries:
            return None
        ceiling_ms = min(retry.max_ms, retry.base_ms * 2**self._repeats)
        wait = self._tools.random.uniform(0, ceiling_ms) / 1000
        if error.retry_after_seconds is not None and len(self._order.model.deployments) == 1:
            wait = max(wait, error.retry_after_seconds)
            if wait > retry.max_ms / 1000:
                return None
        if wait >= left:
            return None
        self._repeats += 1
        self._deployments.again(error)
        return wait

    def _has_learned(self, error: UpstreamError) -> bool:
        """Whether the same deployment can take the query after all, without what it refused by name."""
        if not isinstance(error, UpstreamRequestRefused) or error.refusal is None:
            return False
        deployment = self._deployments.current
        if not self._tools.conditions.lessons.learn(deployment, error.refusal):
            return False
        self._observation.learned(deployment, error.refusal)
        self._lessons += 1
        return self._lessons <= _MOST_LESSONS and deployment not in self._unfit()

    def _unfit(self) -> frozenset[Deployment]:
        """Deployments that cannot take the query; one of our own is made to fit."""
        order = self._order
        if order.is_our_own:
            return frozenset()
        return Fitting.of(order.query, order.input_tokens, self._tools.conditions.profile).unfit(order.model)

    def settle(
        self, outcome: AttemptOutcome, *, checks: tuple[CheckResult, ...] = (), error: BaseException | None = None
    ) -> Attempt:
        """Close the books: usage, cost, times; tells conditions and telemetry.

        A whole answer took until it had come, however long it was judged after that.
        """
        order = self._order
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
        first_token = None if self._first_token_at is None else self._first_token_at - self._started
        attempt = Attempt(
            index=order.index,
            model=order.model.name,
            kind=order.kind,
            outcome=outcome,
            backend=self._deployments.current.backend,
            usage=billing.usage,
            cost_nano_usd=self._calls.cost(last),
            duration_seconds=ended - self._started,
            time_to_first_token_seconds=first_token,
            error_reason=error.reason if isinstance(error, FrontdeskError) else "",
            error_message=str(error) if isinstance(error, FrontdeskError) else "",
            upstream_message=error.quoted if isinstance(error, UpstreamError) else "",
            checks=checks,
            retries=self._calls.count - 1,
            upstream_model=self._upstream_model,
            finish_reason=self._finish_reason,
            usage_estimated=billing.estimated,
            adjustments=() if self._dispatch is None else tuple(self._dispatch.adjustments),
            provider_request_id="" if self._dispatch is None else self._dispatch.request_id,
            provider_cost_nano_usd=self._provider_cost_nano_usd,
            cache_saved_nano_usd=self._calls.cache_saved(last),
        )
        self._deployments.ended(outcome, error)
        if order.stream and first_token is not None:
            self._tools.conditions.observe(order.model, first_token)
        try:
            self._observation.ended(attempt)
        except Exception as fault:  # the books are closed whatever becomes of telemetry
            report_defect("telemetry", fault)
        return attempt

    def _billing(self, error: BaseException | None) -> Billing:
        """What the last call is settled with."""
        if not self._has_left:
            return NOTHING
        heard = Heard(
            self._usage,
            self._collector.tokens,
            self._first_token_at is not None,
            self._finish_reason is not None,
            error,
            self._collector.sealed_tokens,
            self._only_opening,
        )
        return bill(self._expectation, heard)
