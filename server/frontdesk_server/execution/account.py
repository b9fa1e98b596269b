"""The books of one request: every attempt it makes, and what all of them come to."""

from __future__ import annotations

from frontdesk_server.domain.asking import Bill
from frontdesk_server.domain.attempt import Attempt, AttemptOutcome, CheckResult, Settlement
from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.errors import DeadlineExceeded, FrontdeskError
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.usage import Cost, sum_known
from frontdesk_server.domain.value import value
from frontdesk_server.execution.attempt import AttemptRun
from frontdesk_server.state.limits import Reservation


@value
class _Opened:
    """What is reserved for an attempt, and what its checks have asked."""

    reservation: Reservation
    asked: Bill


class Account:
    """Attempts are opened with what is reserved for them, and settled once; `committed` once an answer is given."""

    def __init__(self, decision: Decision, strongest: Model | None) -> None:
        self.committed = False
        self._decision = decision
        self._strongest_prices = strongest.prices if strongest else None
        self._open: dict[AttemptRun, _Opened] = {}
        self._asked = Bill()
        self._settled: list[Attempt] = []

    @property
    def opened(self) -> int:
        """How many attempts there have been."""
        return len(self._open) + len(self._settled)

    def open(self, run: AttemptRun, reservation: Reservation) -> None:
        """An attempt begins."""
        self._open[run] = _Opened(reservation, self._asked.part())

    def bill(self, run: AttemptRun) -> Bill:
        """Where the questions stand that are asked to check an open attempt."""
        return self._open[run].asked

    def settle(
        self,
        run: AttemptRun,
        outcome: AttemptOutcome,
        checks: tuple[CheckResult, ...] = (),
        *,
        error: FrontdeskError | None = None,
    ) -> Attempt:
        """An attempt is over: what it used is told to limits, conditions and telemetry."""
        opened = self._open.pop(run)
        attempt = run.settle(outcome, checks=checks, error=error)
        beside = opened.asked.known_nano_usd
        if attempt.index == 0:
            beside += self._decision.router_cost_nano_usd or 0
        opened.reservation.settle(*run.used(error), beside_nano_usd=beside)
        self._settled.append(attempt)
        return attempt

    def close(self, cause: FrontdeskError | None) -> None:
        """Settle what is open still: as failed for what ended the call, as cancelled when that was its caller."""
        for run in list(self._open):
            if cause is None:
                self.settle(run, AttemptOutcome.CANCELLED)
            else:
                error = run.overdue() if isinstance(cause, DeadlineExceeded) else cause
                self.settle(run, AttemptOutcome.FAILED, error=error)

    @property
    def settlement(self) -> Settlement:
        """What the request came to so far; what the strongest model would have cost is known of an accepted answer."""
        attempts = tuple(sorted(self._settled, key=lambda attempt: attempt.index))
        accepted = next((a for a in attempts if a.outcome is AttemptOutcome.ACCEPTED), None)
        prices = self._strongest_prices
        cost = Cost(
            attempts_nano_usd=sum_known(a.cost_nano_usd for a in attempts),
            checks_nano_usd=self._asked.total_nano_usd,
            router_nano_usd=self._decision.router_cost_nano_usd,
            strongest_nano_usd=prices.cost_nano_usd(accepted.usage, self._decision.decided_at)
            if accepted and prices
            else None,
        )
        return Settlement(attempts, cost, self.committed)
