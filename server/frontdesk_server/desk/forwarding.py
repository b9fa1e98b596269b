"""Queries that a gateway forwards: decided and reserved here, and settled with what is heard of their answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from frontdesk_server.desk.runtime import Runtime
from frontdesk_server.domain.attempt import Answer, Attempt, AttemptOutcome, Settlement
from frontdesk_server.domain.call import Call
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.decision import Decision, RoutedQuery, StepKind
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.ending import CANCELLED
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.domain.events import BackendEvent, Finished, UsageReport
from frontdesk_server.domain.model import Deployment
from frontdesk_server.domain.tokens import expected_output_tokens
from frontdesk_server.domain.usage import Cost, FinishReason, Usage
from frontdesk_server.execution.answer_fold import AnswerFold
from frontdesk_server.execution.billing import Billing, Expectation, Heard, bill
from frontdesk_server.execution.order import ANSWER
from frontdesk_server.state.limits import Reservation, Used

FORWARDED = ("forwarded_by", "gateway")
"""The label of every decision whose query a gateway forwards."""


class Forwarding:
    """One query on its way through a gateway. What is heard of its answer is told here; the desk settles it."""

    def __init__(self, runtime: Runtime, routed: RoutedQuery, call: Call, clock: Clock, *, stream: bool) -> None:
        model = runtime.pool[routed.decision.model]
        passage = runtime.executor.tools.balancer.acquire(model)
        self.decision: Decision = routed.decision
        self.deployment: Deployment = model.primary if passage is None else passage.deployment
        self.error: UpstreamError | None = None
        self._passage = passage
        self._runtime = runtime
        self._model = model
        self._routed = routed
        self._clock = clock
        self._began_at = clock.now()
        self._started = clock.monotonic()
        self._first_token_seconds: float | None = None
        self._observation = call.observation.attempt_started(model, self.deployment, routed.query, purpose=ANSWER)
        self._answer = AnswerFold()
        self._report = UsageReport(Usage())
        self._finish_reason: FinishReason | None = None
        self._ended = False
        output_limit = routed.query.generation.max_output_tokens
        self._expectation = Expectation(
            model,
            routed.query,
            stream,
            routed.decision.signals.input_tokens,
            expected_output_tokens(routed.query, routed.decision.signals),
            output_limit,
        )

    def hear(self, event: BackendEvent) -> None:
        """A piece of the answer has passed by."""
        match event:
            case Finished(finish_reason, usage, upstream_model, cost):
                self._finish_reason = finish_reason
                self._report = UsageReport(usage, upstream_model, cost)
            case UsageReport():
                self._report = event
            case _:
                if self._first_token_seconds is None:
                    self._first_token_seconds = self._clock.monotonic() - self._started
                    if self._expectation.stream:
                        self._observation.first_token()
                self._answer.add(event)

    def failed(self, error: UpstreamError) -> None:
        """The upstream has not answered, or not to the end."""
        self.error = self.error or error

    def ended(self, *, unread: bool) -> None:
        """The whole response has passed by; one that is `unread` is expected to have been what was asked for."""
        self._ended = True
        if unread:
            self._expectation = replace(self._expectation, stream=False)

    @property
    def fate(self) -> BaseException | None:
        """What became of the query; None when it was answered."""
        return self.error or (None if self._ended else asyncio.CancelledError())

    @property
    def reason(self) -> str:
        """Why there is no answer, as the ledger keeps it; empty where there is one."""
        if self.error is not None:
            return self.error.reason
        return "" if self._ended else CANCELLED

    def settle(self, reservation: Reservation) -> tuple[Settlement, Answer | None]:
        """Close the books, once: what was used is told to limits, conditions and telemetry.

        With the answer, if a whole one was read.
        """
        billing = self._billing()
        attempt = self._attempt(billing)
        decision, used = self.decision, Used.of(billing.usage, attempt.cost_nano_usd, may_be_more=billing.may_be_more)
        reservation.settle(used, beside_nano_usd=decision.router_cost_nano_usd or 0)
        if self._passage is not None:
            self._passage.ended(attempt.outcome, self.error)
        if self._expectation.stream and self._first_token_seconds is not None:
            self._runtime.conditions.observe(self._model, self._first_token_seconds)
        try:
            self._observation.ended(attempt)
        except Exception as fault:  # the books are closed whatever becomes of telemetry
            report_defect("telemetry", fault)
        strongest = self._runtime.pool.get(decision.strongest_model)
        prices = strongest.prices if strongest and attempt.outcome is AttemptOutcome.ACCEPTED else None
        cost = Cost(
            attempts_nano_usd=attempt.cost_nano_usd,
            checks_nano_usd=0,
            router_nano_usd=decision.router_cost_nano_usd,
            strongest_nano_usd=prices.cost_nano_usd(billing.usage, decision.decided_at) if prices else None,
        )
        answer: Answer | None = None
        if self._finish_reason is not None:
            answer = self._answer.answer(self._finish_reason, billing.usage, self._report.upstream_model)
        return Settlement((attempt,), cost, committed=self._first_token_seconds is not None), answer

    def _billing(self) -> Billing:
        heard = Heard(
            self._report.usage,
            self._answer.tokens,
            self._first_token_seconds is not None,
            self._finish_reason is not None,
            self.error,
            self._answer.sealed_tokens,
            self._report.opening,
        )
        return bill(self._expectation, heard)

    def _attempt(self, billing: Billing) -> Attempt:
        prices, error = self._model.prices, self.error
        if error is not None:
            outcome = AttemptOutcome.FAILED
        else:
            outcome = AttemptOutcome.ACCEPTED if self._ended else AttemptOutcome.CANCELLED
        return Attempt(
            index=0,
            model=self._model.name,
            kind=StepKind.PRIMARY,
            outcome=outcome,
            backend=self.deployment.backend,
            usage=billing.usage,
            cost_nano_usd=None if prices is None else prices.cost_nano_usd(billing.usage, self._began_at),
            duration_seconds=self._clock.monotonic() - self._started,
            time_to_first_token_seconds=self._first_token_seconds if self._expectation.stream else None,
            error_reason="" if error is None else error.reason,
            error_message="" if error is None else str(error),
            upstream_message="" if error is None else error.quoted,
            upstream_model=self._report.upstream_model,
            finish_reason=self._finish_reason,
            usage_estimated=billing.estimated,
            provider_cost_nano_usd=self._report.cost_nano_usd,
        )
