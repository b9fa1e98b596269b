"""Bounded admission: so many calls run, so many wait, the rest is refused at once. Callers take turns."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from frontdesk_server.config.service import AdmissionConfig
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.errors import DeadlineExceeded, Overloaded

_SMOOTHING = 0.1
_FIRST_GUESS_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 30.0


class Admission:
    """Admits calls of one process. Waiting callers are served in turn, whatever the length of their queues."""

    def __init__(self, config: AdmissionConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._free = config.max_running
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._typical_seconds = _FIRST_GUESS_SECONDS
        self._outside = 0
        """Refusals that no admission has made good: grows until those who come back are as many as are admitted."""

    def configure(self, config: AdmissionConfig) -> None:
        """Admit by other bounds from now on. Calls that run go on, even if they are more than the new bounds allow."""
        self._free += config.max_running - self._config.max_running
        self._config = config
        self._admit_waiting()

    @property
    def running(self) -> int:
        """Calls that run."""
        return self._config.max_running - self._free

    @property
    def waiting(self) -> int:
        """Calls that wait."""
        return sum(len(queue) for queue in self._waiting.values())

    @asynccontextmanager
    async def admitted(self, caller: str, deadline: float) -> AsyncIterator[None]:
        """Run inside once admitted. `deadline` is an instant of the clock's monotonic time.

        Raises:
            Overloaded: neither a place to run nor one to wait is left.
            DeadlineExceeded: the deadline passed while the call waited.
        """
        if self._may_run(caller):  # nobody who waits may: whoever may has been admitted
            self._take(caller)
        else:
            await self._wait(caller, deadline)
        self._outside = max(0, self._outside - 1)
        started = self._clock.monotonic()
        try:
            yield
        finally:
            self._typical_seconds += _SMOOTHING * (self._clock.monotonic() - started - self._typical_seconds)
            self._release(caller)

    def _may_run(self, caller: str) -> bool:
        config = self._config
        return self._free > 0 and self._running[caller] < (config.max_running_per_caller or config.max_running)

    async def _wait(self, caller: str, deadline: float) -> None:
        config, queue = self._config, self._waiting.get(caller)
        if self.waiting >= config.max_waiting or (queue is not None and len(queue) >= config.max_waiting_per_caller):
            self._outside += 1
            seconds = (1 + (self.waiting + self._outside) / config.max_running) * self._typical_seconds
            message = f"{self.running} calls run and {self.waiting} wait; repeat later"
            raise Overloaded(message, retry_after_seconds=round(min(seconds, _LONGEST_WAIT_SECONDS), 3))
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        try:
            async with asyncio.timeout(deadline - self._clock.monotonic()):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # a place was given to a call that was ending: it passes on
                self._release(caller)
            else:
                self._forget(caller, turn)
            if isinstance(error, TimeoutError):
                raise DeadlineExceeded("the deadline passed before a place to run was free") from error
            raise

    def _take(self, caller: str) -> None:
        self._running[caller] += 1
        self._free -= 1

    def _release(self, caller: str) -> None:
        self._free += 1
        self._running[caller] -= 1
        if not self._running[caller]:
            del self._running[caller]
        if not self._running:
            self._outside = 0
        self._admit_waiting()

    def _admit_waiting(self) -> None:
        """Give free places to waiting callers, one each in turn; who gets one goes to the end of the line."""
        passed = 0
        while self._waiting and self._free > 0 and passed < len(self._waiting):
            caller = next(iter(self._waiting))
            self._waiting.move_to_end(caller)
            if not self._may_run(caller):
                passed += 1
                continue
            turn = self._waiting[caller].popleft()
            if not self._waiting[caller]:
                del self._waiting[caller]
            passed = 0
            if not turn.cancelled():  # its call may have ended, and not have come to forget its turn
                self._take(caller)
                turn.set_result(None)

    def _forget(self, caller: str, turn: asyncio.Future[None]) -> None:
        queue = self._waiting.get(caller)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[caller]
