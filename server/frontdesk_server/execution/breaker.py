"""Circuit breaker: stops calling what keeps failing, and finds out by live traffic when it has recovered."""

from __future__ import annotations

import enum
from collections import deque

from frontdesk_server.config.service import BreakerConfig
from frontdesk_server.domain.clock import Clock


class BreakerState(enum.Enum):
    """Closed lets calls through, open refuses them, half-open lets one probe through."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


class Breaker:
    """One model's breaker. Passive: it never calls anything by itself."""

    def __init__(self, config: BreakerConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._failures: deque[bool] = deque(maxlen=config.window)
        self._opened_at: float | None = None
        self._open_seconds = config.open_seconds
        self._probing = False

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
        return state is BreakerState.CLOSED or (state is BreakerState.HALF_OPEN and not self._probing)

    def acquire(self) -> bool:
        """Ask to make a call; a call that was let through must be followed by one of the three reports."""
        if not self.admits:
            return False
        if self._opened_at is not None:
            self._probing = True
        return True

    def succeeded(self) -> None:
        """The call went well: a probe closes the breaker."""
        if self._probing:
            self._reset()
        self._failures.append(False)

    def failed(self) -> None:
        """The call failed: a failed probe opens the breaker again, for longer."""
        if self._probing:
            self._probing = False
            self._open_seconds = min(self._open_seconds * 2, self._config.max_open_seconds)
            self._opened_at = self._clock.monotonic()
            return
        self._failures.append(True)
        failures = sum(self._failures)
        if (
            self._opened_at is None
            and len(self._failures) >= self._config.min_calls
            and failures >= self._config.failure_share * len(self._failures)
        ):
            self._opened_at = self._clock.monotonic()

    def abandoned(self) -> None:
        """The call told nothing about the model, such as one that was cancelled."""
        self._probing = False

    def _reset(self) -> None:
        self._probing = False
        self._opened_at = None
        self._open_seconds = self._config.open_seconds
        self._failures.clear()
