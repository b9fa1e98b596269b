"""The seam to the counters, and the counters of a single process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from frontdesk_server.domain.clock import Clock

_SWEEP_SECONDS = 60.0

MOST = 2**53 - 1
"""What a counter stops at: nine million USD in nano-USD, and the last whole number that every store keeps exactly."""


def saturated(amount: int) -> int:
    """The amount, as far as a counter can tell it."""
    return max(-MOST, min(MOST, amount))


class LimitStoreError(Exception):
    """The store did not answer."""


@dataclass(frozen=True, slots=True)
class Hold:
    """An amount to be reserved on one counter. The key names the counter's window, between these Unix times."""

    key: str
    amount: int
    limit: int
    ends_at: float
    starts_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """An amount of any size to be added to a counter, or taken back when negative."""

    key: str
    amount: int
    ends_at: float


class LimitStore(Protocol):
    """Counters that begin at zero and vanish when their windows end."""

    async def reserve(self, holds: Sequence[Hold]) -> int | None:
        """Add all the amounts or none: the index of the first counter without room, None when all had it.

        Raises:
            LimitStoreError: the store did not answer; the amounts may have been added.
        """

    def change(self, changes: Sequence[Change]) -> None:
        """Correct counters, soon and in the order of the calls, whatever their limits; none leaves [0, MOST]."""

    async def values(self, keys: Sequence[str]) -> list[int]:
        """What counters stand at, for those who look; 0 of those that count nothing.

        Raises:
            LimitStoreError: the store did not answer.
        """

    async def aclose(self) -> None:
        """Apply what is outstanding, then close."""


class MemoryLimitStore:
    """Counters of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counters: dict[str, int] = {}
        self._ends: dict[str, float] = {}
        self._sweep_at = 0.0

    async def reserve(self, holds: Sequence[Hold]) -> int | None:
        """Add all the amounts or none."""
        self._sweep()
        for index, hold in enumerate(holds):
            if self._counters.get(hold.key, 0) + hold.amount > hold.limit:
                return index
        for hold in holds:
            self._add(hold.key, hold.amount, hold.ends_at)
        return None

    def change(self, changes: Sequence[Change]) -> None:
        """Correct counters."""
        for change in changes:
            self._add(change.key, change.amount, change.ends_at)

    async def values(self, keys: Sequence[str]) -> list[int]:
        """What counters stand at."""
        return [self._counters.get(key, 0) for key in keys]

    async def aclose(self) -> None:
        """Nothing is outstanding."""

    def _add(self, key: str, amount: int, ends_at: float) -> None:
        self._counters[key] = min(MOST, max(0, self._counters.get(key, 0) + amount))
        self._ends[key] = ends_at

    def _sweep(self) -> None:
        now = self._clock.now().timestamp()
        if now < self._sweep_at:
            return
        self._sweep_at = now + _SWEEP_SECONDS
        for key in [key for key, ends_at in self._ends.items() if ends_at <= now]:
            del self._counters[key], self._ends[key]
