"""Opens the store that the configuration asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from frontdesk_server.config.limits import LimitsConfig
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.defects import DefectCounter
from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.state.limits.refusals import RememberedRefusals
from frontdesk_server.state.limits.store import LimitStore, LimitStoreError, MemoryLimitStore
from frontdesk_server.state.redis import SharedRedis
from frontdesk_server.state.sqlite import file_fault


@asynccontextmanager
async def open_limit_store(
    config: LimitsConfig, redis: SharedRedis | None, clock: Clock, source: str, defects: DefectCounter | None = None
) -> AsyncIterator[LimitStore]:
    """A store of counters; on leaving, what is outstanding is applied. `source` names the configuration in faults.

    Raises:
        ConfigError: there are rules, and the counters' file cannot be used.
    """
    async with AsyncExitStack() as stack:
        if config.store == "redis" and redis is not None:
            from frontdesk_server.state.limits.redis import RedisLimitStore

            shares, outage = config.when_unavailable == "share", redis.watched("limits")
            store: LimitStore = RedisLimitStore(
                redis.client, redis.prefix, clock, defects, shares=shares, outage=outage
            )
        elif config.store == "sqlite":
            from frontdesk_server.state.limits.sqlite import SqliteLimitStore

            store = SqliteLimitStore(config.path, clock, defects)
            if config.rules:
                await _check_file(store, source)
        else:
            store = MemoryLimitStore(clock)
        stack.push_async_callback(store.aclose)
        yield store if isinstance(store, MemoryLimitStore) else RememberedRefusals(store, clock, defects)


def check_limit_store(config: LimitsConfig, source: str) -> None:
    """Look whether the counters' file can be one, without creating or changing anything.

    Raises:
        ConfigError: there are rules, and the file cannot be used.
    """
    if config.store == "sqlite" and config.rules and (fault := file_fault(config.path)):
        raise ConfigError(source, [ConfigFault(f"{config.path} cannot be used: {fault}", "limits.path")])


async def _check_file(store: LimitStore, source: str) -> None:
    try:
        await store.reserve(())
    except LimitStoreError as error:
        await store.aclose()
        raise ConfigError(source, [ConfigFault(f"cannot be used: {error}", "limits.path")]) from error
