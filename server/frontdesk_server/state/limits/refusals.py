"""A store in front of a shared one, so that a crowd which is refused costs the shared one next to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.defects import DefectCounter, report_defect
from frontdesk_server.state.limits.store import Change, Hold, LimitStore, LimitStoreError

_FRESH_SECONDS = 0.25
_STALE_SECONDS = 1.0
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class _Full:
    amount: int
    limit: int
    seen_at: float


class RememberedRefusals:
    """Refuses what was just refused, or more, unless this process has made room.

    For a quarter of a second without asking. For another three quarters it refuses, too, and looks beside the call
    whether there is room again: so whoever calls all the time never waits for a refusal.
    """

    def __init__(self, store: LimitStore, clock: Clock, defects: DefectCounter | None = None) -> None:
        self._store = store
        self._clock = clock
        self._defects = defects
        self._full: dict[str, _Full] = {}
        self._looks: dict[str, asyncio.Task[None]] = {}

    async def reserve(self, holds: Sequence[Hold]) -> int | None:
        """Add all the amounts or none."""
        now = self._clock.monotonic()
        for index, hold in enumerate(holds):
            full = self._full.get(hold.key)
            if full is not None and hold.amount >= full.amount and hold.limit <= full.limit:
                age_seconds = now - full.seen_at
                if _FRESH_SECONDS <= age_seconds < _STALE_SECONDS and hold.key not in self._looks:
                    self._looks[hold.key] = asyncio.get_running_loop().create_task(self._look(hold.key, full))
                if age_seconds < _STALE_SECONDS:
                    return index
        refused = await self._store.reserve(holds)
        if refused is not None:
            if len(self._full) >= _MOST:
                self._full.clear()
            hold = holds[refused]
            self._full[hold.key] = _Full(hold.amount, hold.limit, now)
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
        await asyncio.gather(*self._looks.values())
        await self._store.aclose()

    async def _look(self, key: str, full: _Full) -> None:
        """Whether there is room again; who cannot tell lets the next call ask."""
        now, used = self._clock.monotonic(), None
        try:
            (used,) = await self._store.values([key])
        except LimitStoreError:
            pass  # the next call meets it
        except Exception as error:
            report_defect("limits", error, self._defects)
        finally:
            del self._looks[key]
        if self._full.get(key) is not full:
            return
        if used is not None and used + full.amount > full.limit:
            self._full[key] = _Full(full.amount, full.limit, now)
        else:
            del self._full[key]
