"""What the machines of a service share through Redis beside limits: breakers, affinity, answers of router LLMs."""

from __future__ import annotations

from contextlib import AsyncExitStack

from frontdesk_server.assembly.runtime import SharedState
from frontdesk_server.config.root import Config
from frontdesk_server.domain.clock import Clock
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.shared_breakers import shared_breakers
from frontdesk_server.state.affinity import open_affinity
from frontdesk_server.state.limits import LimitStore
from frontdesk_server.state.redis import SharedRedis
from frontdesk_server.telemetry import Telemetry


async def open_shared_state(
    config: Config,
    redis: SharedRedis | None,
    limit_store: LimitStore,
    clock: Clock,
    telemetry: Telemetry,
    stack: AsyncExitStack,
) -> SharedState:
    """What outlives a configuration; on leaving the stack, what is being written is waited for."""
    affinity = await stack.enter_async_context(open_affinity(config.affinity, redis, clock))
    conditions = LiveConditions(config.execution.breaker, clock)
    if redis is None:
        return SharedState(conditions, limit_store, affinity, clock, telemetry.drift_monitor)
    from frontdesk_server.state.notices import RedisNotices
    from frontdesk_server.state.remembered import RedisRemembered

    remembered = RedisRemembered(redis)
    stack.push_async_callback(remembered.aclose)
    if config.execution.breaker.store == "redis":
        notices = RedisNotices(redis, clock)
        stack.push_async_callback(notices.aclose)
        await stack.enter_async_context(shared_breakers(conditions, notices))
    return SharedState(conditions, limit_store, affinity, clock, telemetry.drift_monitor, remembered)
