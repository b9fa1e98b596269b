"""The end of the time for routing: what a strategy waits for then is given up, and the next one may still speak."""

from __future__ import annotations

import asyncio
from typing import Self

_GRACE_SECONDS = 0.1
"""Strategies that keep to their time by themselves end first, and know what they have spent."""


class Cutoff:
    """Cancels what its task waits for once routing must have decided, and from then on at once.

    One timer for a whole tree: timers of one deadline around each of its strategies would cancel all of them, where
    only the innermost one, which waits, has failed.
    """

    __slots__ = ("_cancels", "_falls", "_loop", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        """For the running task, which has so many seconds left."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be cut short")
        self._task = task
        self._cancels = task.cancelling()
        self._loop = task.get_loop()
        self._falls = 0
        self._timer: asyncio.Handle = self._loop.call_later(seconds + _GRACE_SECONDS, self._fall)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._undo()

    def taken(self) -> bool:
        """Whether a cancellation that has just arrived is the cutoff's alone, which is hereby dealt with."""
        if not self._falls:
            return False
        self._timer.cancel()
        self._timer = self._loop.call_soon(self._fall)
        self._undo()
        return self._task.cancelling() <= self._cancels

    def _fall(self) -> None:
        """Cancel, and again where a strategy takes no notice."""
        self._falls += 1
        self._timer = self._loop.call_later(_GRACE_SECONDS, self._fall)
        self._task.cancel()

    def _undo(self) -> None:
        while self._falls:
            self._falls -= 1
            self._task.uncancel()
