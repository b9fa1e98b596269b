"""The connection to the Redis that several machines share, and what to do while it does not answer: not wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog

from frontdesk_server.config.limits import RedisConfig
from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.domain.extras import brought_by
from frontdesk_server.state.outage import Outage

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger()
T = TypeVar("T")

_AGAIN_SECONDS = 0.5


class RedisGone(Exception):
    """Redis does not answer."""


def told_by(error: BaseException) -> str:
    """What Redis says, in words that name what to do where its own do not."""
    from redis.exceptions import AuthenticationError

    wants = "it wants credentials, or others than it is sent: " if isinstance(error, AuthenticationError) else ""
    return wants + str(error)


class RedisMonitor(Protocol):
    """Where it is seen that Redis does not answer."""

    def watch_redis(self, use: str, gone_seconds: Callable[[], float]) -> None:
        """For how long it has not, what is used of it: `limits` or `others`."""


class SharedRedis:
    """A client, and what begins every key."""

    def __init__(self, client: Redis, prefix: str, monitor: RedisMonitor | None = None) -> None:
        self.client = client
        self.prefix = prefix
        self._monitor = monitor
        self._outage = self.watched("others")
        self._again_at = 0.0

    def watched(self, use: str) -> Outage:
        """An outage of what is used of it, which the monitor sees."""
        outage = Outage()
        if self._monitor is not None:
            self._monitor.watch_redis(use, lambda: outage.seconds)
        return outage

    async def ask(self, command: Callable[[], Awaitable[T]]) -> T:
        """What Redis answers. After a failure one command every half second finds out whether it is back.

        Raises:
            RedisGone: it does not answer, or did not just now.
        """
        from redis.exceptions import RedisError

        if self._outage.lasts and time.monotonic() < self._again_at:
            raise RedisGone("it did not answer just now")
        self._again_at = time.monotonic() + _AGAIN_SECONDS
        task = asyncio.current_task()
        cancelled = task.cancelling() if task else 0
        try:
            answer = await command()
        except (RedisError, OSError, TimeoutError) as error:
            if not self._outage.lasts:
                log.warning("redis.gone", error=told_by(error))
            self._outage.failed()
            raise RedisGone(str(error)) from error
        if self._outage.lasts:
            log.warning("redis.back")
        self._outage.answered()
        if task and task.cancelling() > cancelled:
            # The client sends by `wait_for`, which swallows it before Python 3.12 (python/cpython#86296).
            raise asyncio.CancelledError
        return answer


def build_redis(config: RedisConfig | None, source: str, monitor: RedisMonitor | None = None) -> SharedRedis | None:
    """A client that connects when it is first used; None without configuration. `source` names it in faults.

    Raises:
        ConfigError: the URL is none of Redis, or the client is not installed.
    """
    if config is None:
        return None
    try:
        from redis.exceptions import RedisError

        from frontdesk_server.state.redis_client import build_client
    except ImportError as error:
        fault = ConfigFault(f"needs redis: {brought_by('redis')}", "redis")
        raise ConfigError(source, [fault]) from error
    try:
        client = build_client(config.url.get_secret_value(), config.timeout_ms / 1000, config.max_connections)
    except (ValueError, TypeError, RedisError) as error:  # whose text may repeat a part of the password
        fault = ConfigFault("cannot be used: its port or one of its options is none of Redis's", "redis.url")
        raise ConfigError(source, [fault]) from error
    return SharedRedis(client, config.prefix, monitor)


@asynccontextmanager
async def open_redis(
    config: RedisConfig | None, source: str, monitor: RedisMonitor | None = None
) -> AsyncIterator[SharedRedis | None]:
    """What `build_redis` builds, closed at the end.

    Raises:
        ConfigError: the URL is none of Redis, or the client is not installed.
    """
    redis = build_redis(config, source, monitor)
    try:
        yield redis
    finally:
        if redis is not None:
            from frontdesk_server.state.redis_client import close_client

            await close_client(redis.client)
