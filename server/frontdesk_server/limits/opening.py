"""Opens the store that the configuration asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from frontdesk_server.config.limits import LimitsConfig
from frontdesk_server.domain.clock import Clock
from frontdesk_server.limits.store import LimitStore, MemoryLimitStore
from frontdesk_server.redis_client import SharedRedis


@asynccontextmanager
async def open_limit_store(config: LimitsConfig, redis: SharedRedis | None, clock: Clock) -> AsyncIterator[LimitStore]:
    """A store of counters; on leaving, what is outstanding is applied."""
    async with AsyncExitStack() as stack:
        if config.store == "redis" and redis is not None:
            from frontdesk_server.limits.redis import RedisLimitStore

            store: LimitStore = RedisLimitStore(redis.client, redis.prefix)
        elif config.store == "sqlite":
            from frontdesk_server.limits.sqlite import SqliteLimitStore

            store = SqliteLimitStore(config.path, clock)
        else:
            store = MemoryLimitStore(clock)
        stack.push_async_callback(store.aclose)
        yield store
