"""When a request must have ended, and whose deadline that is."""

from __future__ import annotations

from frontdesk_server.domain.call import Call, has_passed
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.value import value
from frontdesk_server.execution.timers import Bound


@value
class Deadline:
    """An instant of the clock's monotonic time."""

    at: float
    whose: str
    clock: Clock

    @classmethod
    def of(cls, call: Call, at: float, clock: Clock) -> Deadline:
        """The call's own deadline, or an earlier one, which is its router's."""
        return cls(at, "the caller's deadline" if call.deadline == at else "the router's timeout", clock)

    def remaining(self) -> float:
        """Seconds that are left; below zero once it has passed."""
        return self.at - self.clock.monotonic()

    def bound(self) -> Bound:
        """What it leaves to an attempt that begins now."""
        return Bound(max(0.0, self.remaining()), self.whose)

    def has_passed(self) -> bool:
        """Whether what ends now is ended by it."""
        return has_passed(self.at, self.clock.monotonic())
