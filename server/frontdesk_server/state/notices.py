"""Which breakers are open on any machine: a hash in Redis, of breakers to the instants at which they close."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from frontdesk_server.domain.clock import Clock
from frontdesk_server.state.redis import RedisGone, SharedRedis

_KEPT_MS = 3_600_000


class RedisNotices:
    """What is written is written in the background; while Redis does not answer, nobody learns anything of others."""

    def __init__(self, redis: SharedRedis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._key = f"{redis.prefix}:breakers"
        self._writes: set[asyncio.Task[None]] = set()

    async def read(self) -> Mapping[str, float]:
        """The open breakers of all machines, with the seconds for which they stay open; none without an answer."""
        try:
            found = await self._redis.ask(lambda: self._redis.client.hgetall(self._key))
        except RedisGone:
            return {}
        now = self._clock.now().timestamp()
        ends = {_text(name): float(end) for name, end in found.items()}
        return {name: end - now for name, end in ends.items() if end > now}

    def opened(self, name: str, seconds: float) -> None:
        """A breaker has opened for so long."""
        end = self._clock.now().timestamp() + seconds
        pipeline = self._redis.client.pipeline(transaction=False)
        pipeline.hset(self._key, name, f"{end:.3f}")
        pipeline.pexpire(self._key, _KEPT_MS)
        self._write(pipeline)

    def closed(self, name: str) -> None:
        """A breaker has closed: a live call has gone well."""
        pipeline = self._redis.client.pipeline(transaction=False)
        pipeline.hdel(self._key, name)
        self._write(pipeline)

    async def aclose(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._writes)

    def _write(self, pipeline: object) -> None:
        task = asyncio.get_running_loop().create_task(self._written(pipeline))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _written(self, pipeline: object) -> None:
        try:
            await self._redis.ask(pipeline.execute)  # type: ignore[attr-defined]
        except RedisGone:
            return  # it is told; what others miss they find out by themselves


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
