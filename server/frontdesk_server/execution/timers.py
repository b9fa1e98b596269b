"""The timers of an attempt: which one runs, what it is set to, and who cut it shorter than its model's own."""

from __future__ import annotations

from dataclasses import replace

from frontdesk_server.domain.errors import UpstreamTimedOut
from frontdesk_server.domain.model import Timeouts
from frontdesk_server.domain.value import value


@value
class Bound:
    """So many seconds are left from an attempt's beginning, as `whose` says: "the caller's deadline"."""

    seconds: float
    whose: str

    def slice(self, share: float) -> Bound:
        """A share of it, so that another step may follow."""
        return Bound(self.seconds * share, f"its slice of {self.whose}")


@value
class Timer:
    """A timer of `set_seconds` that ends after `seconds`, in both cases from its beginning; `cut_by` has cut it."""

    name: str
    set_seconds: float
    seconds: float
    cut_by: str = ""

    @classmethod
    def within(cls, name: str, set_seconds: float, bound: Bound) -> Timer:
        """The model's own timer, cut where the bound comes first."""
        if set_seconds <= bound.seconds:
            return cls(name, set_seconds, set_seconds)
        return cls(name, set_seconds, bound.seconds, bound.whose)

    def after_other_calls(self, seconds: float) -> Timer:
        """This timer for a call that began later than the attempt, so that only so many seconds were left to it."""
        if self.cut_by or seconds >= self.set_seconds:
            return self
        return replace(self, seconds=seconds, cut_by="the calls before it")

    def ran_out(self) -> UpstreamTimedOut:
        """The error that this timer raises."""
        return UpstreamTimedOut(self.name, self.set_seconds, seconds=self.seconds, cut_by=self.cut_by)


@value
class AttemptTimers:
    """The timers of one attempt. `first_token` is None where an answer comes in one piece: then only the total runs."""

    first_token: Timer | None
    idle: Timer
    total: Timer
    deadline: Bound

    @classmethod
    def of(
        cls, timeouts: Timeouts, deadline: Bound, until_content: Bound, until_end: Bound, *, stream: bool
    ) -> AttemptTimers:
        """A model's timers under what the call leaves it until its first content and until its end."""
        return cls(
            first_token=Timer.within("first token", timeouts.first_token_seconds, until_content) if stream else None,
            idle=Timer("idle", timeouts.idle_seconds, timeouts.idle_seconds),
            total=Timer.within("total", timeouts.total_seconds, until_end),
            deadline=deadline,
        )

    def running(self, elapsed_seconds: float, *, content_came: bool) -> tuple[Timer, float]:
        """The timer that runs out first, and what is left of it; the idle timer begins anew."""
        total_left = max(0.0, self.total.seconds - elapsed_seconds)
        if content_came:
            timer, left = self.idle, self.idle.seconds
        elif self.first_token is not None:
            timer, left = self.first_token, max(0.0, self.first_token.seconds - elapsed_seconds)
        else:
            return self.total, total_left
        return (self.total, total_left) if total_left < left else (timer, left)

    def at_deadline(self, elapsed_seconds: float, *, content_came: bool) -> UpstreamTimedOut:
        """What the call's deadline raises, in the words of the timer that it has cut."""
        timer, _ = self.running(elapsed_seconds, content_came=content_came)
        if not timer.cut_by:
            timer = Timer("total", self.total.set_seconds, self.deadline.seconds, self.deadline.whose)
        return timer.ran_out()
