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


def build_redis(config: RedisConfig | None, source: str) -> SharedRedis | None:
    """A client that connects when it is first used; None without configuration. `source` names it in faults.

    Raises:
        ConfigError: the URL is none of Redis, or the client is not installed.
    """
    if config is None:
        return None
    try:
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.exceptions import RedisError
    except ImportError as error:
        fault = ConfigFault("needs the package redis: frontdesk-server[redis]", "redis")
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
        pool.make_connection()  # type: ignore[no-untyped-call]  # connects to nothing, but knows its options
    except (ValueError, TypeError, RedisError) as error:  # whose text may repeat a part of the password
        fault = ConfigFault("cannot be used: its port or one of its options is none of Redis's", "redis.url")
        raise ConfigError(source, [fault]) from error
    return SharedRedis(Redis.from_pool(pool), config.prefix)


@asynccontextmanager
async def open_redis(config: RedisConfig | None, source: str) -> AsyncIterator[SharedRedis | None]:
    """What `build_redis` builds, closed at the end.

    Raises:
        ConfigError: the URL is none of Redis, or the client is not installed.
    """
    redis = build_redis(config, source)
    try:
        yield redis
    finally:
        if redis is not None:
            await redis.client.aclose()
