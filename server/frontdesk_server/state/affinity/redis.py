"""Affinity in Redis, shared by many machines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from frontdesk_server.state.affinity.memory import MemoryAffinity
from frontdesk_server.state.redis import RedisGone, SharedRedis


class RedisAffinity:
    """Conversations by their keys, each until it has rested too long.

    Those that Redis does not know, and all while it does not answer, are known if this process served them lately.
    """

    def __init__(self, redis: SharedRedis, idle_seconds: float, own: MemoryAffinity) -> None:
        self._redis = redis
        self._own = own
        self._prefix = f"{redis.prefix}:affinity:"
        self._idle_ms = int(idle_seconds * 1000)
        self._writes: set[asyncio.Task[None]] = set()

    async def model(self, key: str) -> str | None:
        """The model that served the conversation last."""
        try:
            model = await self._redis.ask(lambda: self._redis.client.get(self._prefix + key))
        except RedisGone:
            return await self._own.model(key)
        if model is None:
            return await self._own.model(key)
        return model.decode() if isinstance(model, bytes) else model

    def remember(self, keys: Sequence[str], model: str) -> None:
        """From now on this model serves these conversations; written in the background."""
        self._own.remember(keys, model)
        if keys:
            task = asyncio.get_running_loop().create_task(self._write(keys, model))
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)

    async def aclose(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._writes)

    async def _write(self, keys: Sequence[str], model: str) -> None:
        pipeline = self._redis.client.pipeline(transaction=False)
        for key in keys:
            pipeline.set(self._prefix + key, model, px=self._idle_ms)
        try:
            await self._redis.ask(pipeline.execute)
        except RedisGone:
            return  # it is told, and this process remembers by itself
