"""The connection to the Redis that several machines share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from frontdesk_server.config.limits import RedisConfig
from frontdesk_server.domain.errors import ConfigError, ConfigFault

if TYPE_CHECKING:
    from redis.asyncio import Redis


@dataclass(frozen=True, slots=True)
class SharedRedis:
    """A client, and what begins every key."""

    client: Redis
    prefix: str


@asynccontextmanager
async def open_redis(config: RedisConfig | None, source: str) -> AsyncIterator[SharedRedis | None]:
    """A client that connects when it is first used; None without configuration. `source` names it in faults.

    Raises:
        ConfigError: the URL is none of Redis, or the client is not installed.
    """
    if config is None:
        yield None
        return
    try:
        from redis.asyncio import BlockingConnectionPool, Redis
    except ImportError as error:
        fault = ConfigFault("needs the package redis: frontdesk[redis]", "redis")
        raise ConfigError(source, [fault]) from error
    timeout_seconds = config.timeout_ms / 1000
    try:
        pool = BlockingConnectionPool.from_url(
            config.url.get_secret_value(),
            max_connections=config.max_connections,
            timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
        )
    except ValueError as error:
        raise ConfigError(source, [ConfigFault(f"cannot be used: {error}", "redis.url")]) from error
    client = Redis.from_pool(pool)
    try:
        yield SharedRedis(client, config.prefix)
    finally:
        await client.aclose()
