"""Opens the memory that the configuration asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from frontdesk_server.config.limits import AffinityStoreConfig
from frontdesk_server.domain.affinity import Affinity
from frontdesk_server.domain.clock import Clock
from frontdesk_server.state.affinity.memory import MemoryAffinity
from frontdesk_server.state.redis import SharedRedis


@asynccontextmanager
async def open_affinity(
    config: AffinityStoreConfig, redis: SharedRedis | None, clock: Clock
) -> AsyncIterator[Affinity]:
    """A memory of conversations; on leaving, what is being written is waited for."""
    memory = MemoryAffinity(config.max_conversations, config.idle_seconds, clock)
    if config.store == "memory" or redis is None:
        yield memory
        return
    from frontdesk_server.state.affinity.redis import RedisAffinity

    affinity = RedisAffinity(redis, config.idle_seconds, memory)
    try:
        yield affinity
    finally:
        await affinity.aclose()
