"""A store in front of a shared one, so that a crowd which is refused costs the shared one next to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk_server.domain.clock import Clock
from frontdesk_server.state.limits.store import Change, Hold, LimitStore

_REMEMBER_SECONDS = 0.25
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class _Full:
    amount: int
    limit: int
    until: float


class RememberedRefusals:
    """Refuses for a quarter of a second what was just refused, or more, unless this process has made room."""

    def __init__(self, store: LimitStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._full: dict[str, _Full] = {}

    async def reserve(self, holds: Sequence[Hold]) -> int | None:
        """Add all the amounts or none."""
        now = self._clock.monotonic()
        for index, hold in enumerate(holds):
            full = self._full.get(hold.key)
            if full is not None and full.until > now and hold.amount >= full.amount and hold.limit <= full.limit:
                return index
        refused = await self._store.reserve(holds)
        if refused is not None:
            if len(self._full) >= _MOST:
                self._full.clear()
            hold = holds[refused]
            self._full[hold.key] = _Full(hold.amount, hold.limit, now + _REMEMBER_SECONDS)
        return refused

    def change(self, changes: Sequence[Change]) -> None:
        """Correct counters."""
        for change in changes:
            if change.amount < 0:
                self._full.pop(change.key, None)
        self._store.change(changes)

    async def values(self, keys: Sequence[str]) -> list[int]:
        """What counters stand at."""
        return await self._store.values(keys)

    async def aclose(self) -> None:
        """Apply what is outstanding, then close."""
        await self._store.aclose()
