"""Counters in Redis, shared by many machines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from frontdesk_server.domain.defects import DefectCounter, report_defect
from frontdesk_server.state.limits.store import Change, Hold, LimitStoreError

log = structlog.get_logger()

_NO_LIMIT = -1
_SCRIPT = """
local values = {}
for i, key in ipairs(KEYS) do
  local amount, limit = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])
  values[i] = tonumber(redis.call('GET', key) or 0) + amount
  if limit >= 0 and values[i] > limit then return i end
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', math.min(9007199254740991, math.max(0, values[i]))), 'PXAT', ARGV[3 * i])
end
return 0
"""
"""Adds all amounts or none. KEYS: counters, all different. ARGV for each: amount, limit, Unix milliseconds of its end.

Amounts stay exact: a month's nano-USD fit into the 53 bits of Lua's numbers, and counters stop at `MOST`.
"""


class RedisLimitStore:
    """Counters in Redis. One script makes each change atomic; one hash tag keeps all keys in one slot of a cluster."""

    def __init__(self, client: Redis, prefix: str, defects: DefectCounter | None = None) -> None:
        self._defects = defects
        self._script = client.register_script(_SCRIPT)
        self._prefix = f"{{{prefix}:limits}}:"
        self._changes: list[Change] = []
        self._applying: asyncio.Task[None] | None = None

    async def reserve(self, holds: Sequence[Hold]) -> int | None:
        """Add all the amounts or none."""
        try:
            refused = await self._run([(hold, hold.limit) for hold in holds])
        except (RedisError, OSError, TimeoutError) as error:
            raise LimitStoreError(f"Redis: {error}") from error
        return refused - 1 if refused else None

    def change(self, changes: Sequence[Change]) -> None:
        """Correct counters by a background task."""
        self._changes += changes
        if self._applying is None or self._applying.done():
            self._applying = asyncio.get_running_loop().create_task(self._apply())

    async def aclose(self) -> None:
        """Apply what is outstanding."""
        if self._applying is not None:
            await self._applying

    async def _apply(self) -> None:
        while self._changes:
            changes, self._changes = self._changes, []
            merged: dict[str, Change] = {}
            for change in changes:
                before = merged[change.key].amount if change.key in merged else 0
                merged[change.key] = Change(change.key, before + change.amount, change.ends_at)
            try:
                await self._run([(change, _NO_LIMIT) for change in merged.values()])
            except (RedisError, OSError, TimeoutError) as error:
                log.error("limits.corrections_lost", count=len(merged), error=str(error))
            except Exception as error:  # what comes after it is to be applied all the same
                report_defect("limits", error, self._defects)
                log.error("limits.corrections_lost", count=len(merged))

    async def _run(self, changes: Sequence[tuple[Hold | Change, int]]) -> int:
        keys = [self._prefix + change.key for change, _ in changes]
        arguments = [
            argument for change, limit in changes for argument in (change.amount, limit, int(change.ends_at * 1000))
        ]
        return int(await self._script(keys=keys, args=arguments))
