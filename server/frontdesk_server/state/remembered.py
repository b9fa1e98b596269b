"""Answers of router LLMs in Redis."""

from __future__ import annotations

import asyncio

from frontdesk_server.state.redis import RedisGone, SharedRedis


class RedisRemembered:
    """Bytes by what they answer; while Redis does not answer, nothing is remembered."""

    def __init__(self, redis: SharedRedis) -> None:
        self._redis = redis
        self._prefix = f"{redis.prefix}:answer:"
        self._writes: set[asyncio.Task[None]] = set()

    async def get(self, key: str) -> bytes | None:
        """What is remembered."""
        try:
            found = await self._redis.ask(lambda: self._redis.client.get(self._prefix + key))
        except RedisGone:
            return None
        return found if isinstance(found, bytes) else None

    def put(self, key: str, answer: bytes, seconds: float) -> None:
        """Remember for so long; written in the background."""
        task = asyncio.get_running_loop().create_task(self._write(key, answer, int(seconds * 1000)))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def aclose(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._writes)

    async def _write(self, key: str, answer: bytes, milliseconds: int) -> None:
        try:
            await self._redis.ask(lambda: self._redis.client.set(self._prefix + key, answer, px=milliseconds))
        except RedisGone:
            return  # it is told; the next machine asks by itself
