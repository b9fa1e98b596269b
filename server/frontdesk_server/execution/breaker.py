"""Circuit breaker: stops calling what keeps failing, and finds out by live traffic when it has recovered."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable

from frontdesk_server.config.service import BreakerConfig
from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.errors import (
    UpstreamCredentialsRefused,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamRequestRefused,
    UpstreamResponseTooLong,
    UpstreamTimedOut,
)


class BreakerState(enum.Enum):
    """Closed lets calls through, open refuses them, half-open lets one probe through."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


class BreakerPermit:
    """A call that was let through. Report once what it tells; what is reported after that changes nothing."""

    __slots__ = ("_breaker", "epoch")

    def __init__(self, breaker: Breaker, epoch: int) -> None:
        self._breaker: Breaker | None = breaker
        self.epoch = epoch

    def succeeded(self) -> None:
        """It went well: a probe closes the breaker."""
        self._report(failed=False)

    def failed(self) -> None:
        """It failed: a failed probe opens the breaker again, for longer."""
        self._report(failed=True)

    def abandoned(self) -> None:
        """It told nothing about the deployment, such as one that was cancelled."""
        self._report(failed=None)

    def ended(self, outcome: AttemptOutcome, error: BaseException | None) -> None:
        """The call is settled: what became of it tells what there is to tell."""
        if isinstance(error, UpstreamError) and _blames(error):
            self.failed()
        elif outcome in (AttemptOutcome.ACCEPTED, AttemptOutcome.REJECTED):
            self.succeeded()
        else:
            self.abandoned()

    def _report(self, *, failed: bool | None) -> None:
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker.learn(self, failed=failed)


def _blames(error: UpstreamError) -> bool:
    """Whether the error is the model's.

    Neither what it was asked is, nor the caller's own key, nor a timer cut short, nor a limit of our own: what one
    caller asks for must not close a model to the others.
    """
    if isinstance(error, UpstreamTimedOut):
        return not error.cut_by
    if error.own_key and isinstance(error, UpstreamCredentialsRefused | UpstreamOverloaded):
        return False
    return not isinstance(error, UpstreamRequestRefused | UpstreamResponseTooLong)


class Breaker:
    """One deployment's breaker. Passive: it never calls anything by itself."""

    def __init__(
        self, config: BreakerConfig, clock: Clock, told: Callable[[float | None], None] = lambda seconds: None
    ) -> None:
        """`told` gets the seconds for which its own calls have opened it, and None when its own probe has closed it."""
        self._config = config
        self._clock = clock
        self._told = told
        self._hearsay = False
        self._failures: deque[bool] = deque(maxlen=config.window)
        self._opened_at: float | None = None
        self._open_seconds = config.open_seconds
        self._probe: BreakerPermit | None = None
        self._epoch = 0

    @property
    def state(self) -> BreakerState:
        """The state at this moment."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self.retry_after_seconds > 0 else BreakerState.HALF_OPEN

    @property
    def retry_after_seconds(self) -> float:
        """Time until a probe is let through; 0 when calls are let through."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self._open_seconds - self._clock.monotonic())

    @property
    def admits(self) -> bool:
        """Whether a call would be let through now."""
        state = self.state
        return state is BreakerState.CLOSED or (state is BreakerState.HALF_OPEN and self._probe is None)

    def acquire(self) -> BreakerPermit | None:
        """Ask to make a call. What was let through must be reported, or a probe is waited for for ever."""
        if not self.admits:
            return None
        call = BreakerPermit(self, self._epoch)
        if self._opened_at is not None:
            self._probe = call
        return call

    def learn(self, call: BreakerPermit, *, failed: bool | None) -> None:
        """Take note of a call's report, None for nothing. Of calls from before it opened or closed it knows already."""
        if call is self._probe:
            self._probe = None
            if failed:
                before = self._config.open_seconds if self._hearsay else self._open_seconds
                self._open(min(before * 2, self._config.max_open_seconds))
            elif failed is not None:
                self._close()
        elif call.epoch == self._epoch and failed is not None:
            self._failures.append(failed)
            failures, calls = sum(self._failures), len(self._failures)
            if failed and calls >= self._config.min_calls and failures >= self._config.failure_share * calls:
                self._open(self._config.open_seconds)

    def hear(self, open_seconds: float | None) -> None:
        """Another machine's breaker of this deployment is open for so long still; None when none is.

        Whoever's own latest calls all went well goes on calling: it may be the other's network that is broken. An
        opening that was only heard of ends when nobody holds to it any more, with a probe.
        """
        if open_seconds is not None and self._opened_at is None:
            if len(self._failures) < self._config.min_calls or any(self._failures):
                self._open_for(min(open_seconds, self._config.max_open_seconds))
                self._hearsay = True
        elif open_seconds is None and self._hearsay and self._opened_at is not None:
            self._opened_at = self._clock.monotonic() - self._open_seconds

    def _open(self, seconds: float) -> None:
        self._open_for(seconds)
        self._told(seconds)

    def _open_for(self, seconds: float) -> None:
        self._opened_at = self._clock.monotonic()
        self._open_seconds = seconds
        self._hearsay = False
        self._epoch += 1

    def _close(self) -> None:
        self._told(None)
        self._opened_at = None
        self._failures.clear()
        self._failures.append(False)  # the probe
        self._epoch += 1
