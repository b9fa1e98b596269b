"""Affinity in Redis, shared by many machines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from redis.exceptions import RedisError

from frontdesk_server.state.redis import SharedRedis

log = structlog.get_logger()


class RedisAffinity:
    """Conversations by their keys, each until it has rested too long. While Redis does not answer, none is known."""

    def __init__(self, redis: SharedRedis, idle_seconds: float) -> None:
        self._client = redis.client
        self._prefix = f"{redis.prefix}:affinity:"
        self._idle_ms = int(idle_seconds * 1000)
        self._writes: set[asyncio.Task[None]] = set()

    async def model(self, key: str) -> str | None:
        """The model that served the conversation last."""
        try:
            model = await self._client.get(self._prefix + key)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("affinity.store_unavailable", error=str(error))
            return None
        return model.decode() if isinstance(model, bytes) else model

    def remember(self, keys: Sequence[str], model: str) -> None:
        """From now on this model serves these conversations; written in the background."""
        for key in keys:
            task = asyncio.get_running_loop().create_task(self._write(key, model))
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)

    async def aclose(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._writes)

    async def _write(self, key: str, model: str) -> None:
        try:
            await self._client.set(self._prefix + key, model, px=self._idle_ms)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("affinity.store_unavailable", error=str(error))
