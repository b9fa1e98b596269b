"""One timer for the many waits of one task."""

from __future__ import annotations

import asyncio


class Alarm:
    """Cancels what its task waits for when that takes too long.

    `asyncio.timeout` sets a timer for every wait and takes it back. This one leaves its timer where it is, and looks
    only when it rings whether the wait that goes on by then is over its time: most waits end long before.
    """

    def __init__(self) -> None:
        """For the running task."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be waited for")
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._cancels = task.cancelling()
        self._ends_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self._rang = False

    def set(self, seconds: float) -> None:
        """A wait begins that may take so many seconds."""
        self._ends_at = ends_at = self._loop.time() + seconds
        if self._timer is None or ends_at < self._rings_at:
            self._ring_at(ends_at)

    def unset(self) -> bool:
        """The wait is over; True where a cancellation that it raised, if any, is the alarm's alone."""
        self._ends_at = None
        if not self._rang:
            return False
        self._rang = False
        return self._task.uncancel() <= self._cancels

    def close(self) -> None:
        """No wait follows."""
        if self._timer is not None:
            self._timer.cancel()

    def _ring_at(self, instant: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = instant
        self._timer = self._loop.call_at(instant, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._ends_at is None:
            return
        if self._ends_at > self._loop.time():
            self._ring_at(self._ends_at)
        else:
            self._rang = True
            self._task.cancel()
