"""The calls that run, over every front: who calls, how many at once, until when, and how each of them ends.

A front opens each of its calls here, and asks here what to tell its caller when the call fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from frontdesk_server.domain.call import ANONYMOUS, Caller, Identify, Peer, has_passed
from frontdesk_server.domain.clock import Clock, SystemClock
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.ending import our_fault
from frontdesk_server.domain.errors import (
    CompletionFailed,
    DeadlineExceeded,
    FrontdeskError,
    Overloaded,
    ShuttingDown,
)
from frontdesk_server.domain.observer import CallObservation, NullObserver, Observer

DEFAULT_MAX_CONCURRENT_CALLS = 1024


def anyone(metadata: Mapping[str, str], peer: Peer) -> Caller:
    """Everybody is the anonymous caller."""
    return ANONYMOUS


def _never() -> bool:
    return False


Headers = Sequence[tuple[str, str]]


def _unsent(headers: Headers) -> None:
    """A front that sends nothing ahead of its responses."""


_ACCOUNT_SECONDS = 0.02
_ACCOUNT_SHARE = 0.01
_MOST_ACCOUNT_SECONDS = 0.12
_MOST_ACCOUNT_SHARE = 0.1


def seconds_to_work(remaining_seconds: float) -> float:
    """What of a caller's time may be used, so that it hears what was done and cost before it gives up.

    20 ms and a hundredth are kept, at most 120 ms and a tenth: gRPC rounds what it sends of a long deadline up by as
    much as a hundredth, and the account has to travel.
    """
    kept = min(_ACCOUNT_SECONDS + _ACCOUNT_SHARE * remaining_seconds, _MOST_ACCOUNT_SECONDS)
    return remaining_seconds - min(kept, _MOST_ACCOUNT_SHARE * remaining_seconds)


@dataclass(slots=True)
class FrontCall:
    """One call of a front; satisfies `domain.call.Call`. It is cancelled by cancelling the task that serves it.

    `deadline` comes some milliseconds before the caller gives up. `send_ahead` sends headers before a response that is
    long in coming.
    """

    caller: Caller
    deadline: float | None
    metadata: Mapping[str, str] = field(repr=False)
    observation: CallObservation
    is_stopped: Callable[[], bool] = _never
    send_ahead: Callable[[Headers], None] = _unsent

    @property
    def ended_by(self) -> FrontdeskError | None:
        """Why the front itself ends the call, as it stops; None while it does not."""
        return _stopping() if self.is_stopped() else None


class RunningCalls:
    """Knows which calls are running, so that all fronts together keep to one limit and stop in one order."""

    def __init__(
        self,
        *,
        observer: Observer | None = None,
        clock: Clock | None = None,
        identify: Identify = anyone,
        max_concurrent_calls: int = DEFAULT_MAX_CONCURRENT_CALLS,
    ) -> None:
        self.identify = identify
        self.clock = clock or SystemClock()
        self._observer = observer or NullObserver()
        self._most = max_concurrent_calls
        self._running: set[asyncio.Task[Any] | None] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._begun = 0
        self.shutting_down = False

    async def idle(self) -> None:
        """Wait until no call is running."""
        await self._idle.wait()

    async def quiet(self, seconds: float) -> None:
        """Wait until no call is running, and none has come for so long: there may be some on their way."""
        while True:
            await self._idle.wait()
            begun = self._begun
            await asyncio.sleep(seconds)
            if begun == self._begun:
                return

    def shut_down(self) -> None:
        """End every running call with ShuttingDown."""
        self.shutting_down = True
        for task in self._running:
            if task is not None:
                task.cancel()

    def begin(self, method: str, metadata: Mapping[str, str], is_gone: Callable[[], bool] = _never) -> BegunCall:
        """A call has arrived, which this task serves; `is_gone` tells whether its caller has left."""
        return BegunCall(self, method, metadata, self._observer.call_started(method, metadata), is_gone)

    def enter(self) -> asyncio.Task[Any] | None:
        """Count this task among the running calls."""
        task = asyncio.current_task()
        self._running.add(task)
        self._begun += 1
        self._idle.clear()
        return task

    def leave(self, task: asyncio.Task[Any] | None) -> None:
        """Count it no more."""
        self._running.discard(task)
        if not self._running:
            self._idle.set()

    def take_place(self) -> None:
        """Refuse a call that is one too many. Raises Overloaded."""
        if len(self._running) > self._most:
            raise Overloaded(f"{self._most} calls are running already")


class BegunCall:
    """One call from its arrival on: it is opened, then succeeds or fails, and leaves in any case."""

    __slots__ = ("_calls", "_is_gone", "_task", "metadata", "method", "observation")

    def __init__(
        self,
        calls: RunningCalls,
        method: str,
        metadata: Mapping[str, str],
        observation: CallObservation,
        is_gone: Callable[[], bool],
    ) -> None:
        self.method = method
        self.metadata = metadata
        self.observation = observation
        self._calls = calls
        self._is_gone = is_gone
        self._task = calls.enter()

    def open(self, peer: Peer, remaining_seconds: float | None) -> FrontCall:
        """The call as the desk sees it.

        Raises:
            Overloaded: as many calls are running as may.
            DeadlineExceeded: nothing remains of its time.
            Unauthenticated: nobody says who calls.
        """
        self._calls.take_place()
        if remaining_seconds is not None and remaining_seconds <= 0:
            raise DeadlineExceeded("the deadline was past when the call arrived")
        now = self._calls.clock.monotonic()
        deadline = None if remaining_seconds is None else now + seconds_to_work(remaining_seconds)
        caller = self._calls.identify(self.metadata, peer)
        self.observation.identified(caller.name)
        return FrontCall(caller, deadline, self.metadata, self.observation, self._stops)

    def succeeded(self) -> None:
        """The call has been answered."""
        self.observation.ended("OK", None)

    def failed(self, error: BaseException, remaining_seconds: float | None) -> FrontdeskError | None:
        """What to tell the caller of it: a fault of our own without its text; None when there is nobody to tell."""
        if isinstance(error, asyncio.CancelledError):
            if not self._stops():
                late = has_passed(remaining_seconds, now=0.0)
                self.observation.ended("DEADLINE_EXCEEDED" if late else "CANCELLED", None)
                return None
            error = _stopping()
        if isinstance(error, FrontdeskError):
            self.observation.ended(code_of(error), error)
            return error
        self.observation.ended("INTERNAL", None)
        if not isinstance(error, Exception):
            return None
        report_defect("call", error, self.observation, method=self.method)
        return our_fault()

    def leave(self) -> None:
        """The call is over."""
        self._calls.leave(self._task)

    def _stops(self) -> bool:
        """Whether a call that is cancelled is so because the server stops."""
        return self._calls.shutting_down and not self._is_gone()


def code_of(error: FrontdeskError) -> str:
    """The name of the gRPC status code that an error has."""
    return error.cause.code if isinstance(error, CompletionFailed) else error.code


def _stopping() -> ShuttingDown:
    return ShuttingDown("the server is stopping")
