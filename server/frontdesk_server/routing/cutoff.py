"""The end of the time for routing: what a strategy waits for then is given up, and the next one may still speak."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

from frontdesk_server.domain.clock import Clock

_GRACE_SECONDS = 0.1
"""Strategies that keep to their time by themselves end first, and know what they have spent."""

_AT_ONCE_SECONDS = 0.01
"""What strategies may still take that are asked afterwards."""

Result = TypeVar("Result")


class Cutoff:
    """Cancels what its task waits for once routing must have decided, and from then on at once.

    One timer for a whole tree: timers of one deadline around each of its strategies would cancel all of them, where
    only the innermost one, which waits, has failed.
    """

    __slots__ = ("_cancels", "_clock", "_deadline", "_falls", "_loop", "_task", "_timer", "_warned")

    _task: asyncio.Task[Any]
    _loop: asyncio.AbstractEventLoop

    def __init__(self, deadline: float, clock: Clock, warned: set[str]) -> None:
        """For what must have ended at the clock's monotonic `deadline`. `warned` are paths that were warned of."""
        self._deadline = deadline
        self._clock = clock
        self._warned = warned
        self._falls = 0
        self._timer: asyncio.Handle | None = None

    @types.coroutine
    def watch(self, work: Coroutine[Any, Any, Result]) -> Generator[Any, Any, Result]:
        """What the work returns. There is a timer only where it waits for anything, which most trees never do."""
        try:
            waits_for = work.send(None)
            self._begin()
            while True:
                try:
                    sent = yield waits_for
                except BaseException as error:
                    waits_for = work.throw(error)
                else:
                    waits_for = work.send(sent)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        finally:
            if self._timer is not None:
                self._timer.cancel()
                self._undo()

    def taken(self) -> bool:
        """Whether a cancellation that has just arrived is the cutoff's alone, which is hereby dealt with."""
        if not self._falls or self._timer is None:
            return False
        self._timer.cancel()
        self._timer = self._loop.call_later(_AT_ONCE_SECONDS, self._fall)
        self._undo()
        return self._task.cancelling() <= self._cancels

    def overtime(self, started: float) -> float:
        """The seconds after the end that a strategy took since it `started`; 0 within the grace of all."""
        overtime = self._clock.monotonic() - max(started, self._deadline)
        return overtime if overtime > _GRACE_SECONDS else 0.0

    def first_of(self, path: str) -> bool:
        """Whether nobody has been warned yet of the strategy there."""
        first = path not in self._warned
        self._warned.add(path)
        return first

    def _begin(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be cut short")
        self._task = task
        self._cancels = task.cancelling()
        self._loop = task.get_loop()
        left = max(0.0, self._deadline - self._clock.monotonic())
        self._timer = self._loop.call_later(left + _GRACE_SECONDS, self._fall)

    def _fall(self) -> None:
        """Cancel, and again where a strategy takes no notice."""
        self._falls += 1
        self._timer = self._loop.call_later(_GRACE_SECONDS, self._fall)
        self._task.cancel()

    def _undo(self) -> None:
        while self._falls:
            self._falls -= 1
            self._task.uncancel()
