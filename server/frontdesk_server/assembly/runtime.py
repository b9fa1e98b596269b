"""Builds everything that one configuration describes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random

from frontdesk_server.artefacts.embedders import AsyncEmbedder, NoEmbedder
from frontdesk_server.artefacts.quality.drift import DriftMonitor
from frontdesk_server.assembly.embedder import build_embedder
from frontdesk_server.assembly.pool import build_pool, unpriced_rules, unserved_capabilities
from frontdesk_server.backends import build_backend
from frontdesk_server.backends.signon import SignOnUnusable
from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.config.naming import no_such
from frontdesk_server.desk.runtime import Runtime
from frontdesk_server.domain.affinity import Affinity
from frontdesk_server.domain.backend import Backend
from frontdesk_server.domain.call import Identify
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.errors import ConfigError, ConfigFault, collecting
from frontdesk_server.domain.model import Pool
from frontdesk_server.domain.remembered import Remembered
from frontdesk_server.execution.asking import Asker
from frontdesk_server.execution.balancing import Balancer
from frontdesk_server.execution.checks import build_check
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.executor import Executor
from frontdesk_server.execution.order import AttemptTools
from frontdesk_server.routing.engine import Engine
from frontdesk_server.security import build_identify
from frontdesk_server.state.limits import LimitedConditions, Limits, LimitStore
from frontdesk_server.telemetry.logging import EVENT_LEVELS


@dataclass(frozen=True, slots=True)
class SharedState:
    """What outlives a configuration: every runtime gets the same."""

    conditions: LiveConditions
    limit_store: LimitStore
    affinity: Affinity
    clock: Clock
    drift: DriftMonitor | None = None
    remembered: Remembered | None = None


async def build_runtime(loaded: LoadedConfig, shared: SharedState) -> Runtime:
    """A runtime that is ready for calls.

    Raises:
        ConfigError: the configuration contradicts itself in a way that its schema cannot see.
    """
    runtime = await assemble_runtime(loaded, shared)
    await prepare_runtime(runtime)
    return runtime


async def assemble_runtime(loaded: LoadedConfig, shared: SharedState) -> Runtime:
    """Build pool, backends, engine and executor, beside the event loop: other calls are served meanwhile.

    Raises:
        ConfigError: the configuration contradicts itself in a way that its schema cannot see.
    """
    resources = AsyncExitStack()
    try:
        return await asyncio.to_thread(_assembled, loaded, shared, resources)
    except BaseException:
        await resources.aclose()
        raise


async def prepare_runtime(runtime: Runtime) -> None:
    """Do what takes long, such as embedding references; closes the runtime when it is left."""
    try:
        await runtime.engine.prepare()
    except BaseException:
        await runtime.resources.aclose()
        raise


def _assembled(loaded: LoadedConfig, shared: SharedState, resources: AsyncExitStack) -> Runtime:
    config, conditions, clock = loaded.config, shared.conditions, shared.clock
    pool = build_pool(config)
    random = Random()  # noqa: S311 - jitter and load balancing, no secrets
    backends, faults = _backends(loaded, pool, resources)
    faults += [*_unserved(loaded, backends), *_unpriced(loaded, pool), *_unknown_events(loaded)]
    tools = AttemptTools(backends, conditions, Balancer(random, conditions), config.execution.retry, clock, random)
    ask = Asker(tools, pool)
    limits = Limits(config.limits, shared.limit_store, clock)
    limited = LimitedConditions(conditions, limits)
    engine: Engine | None = None
    identify: Identify | None = None
    embedder: AsyncEmbedder = NoEmbedder()
    with collecting(faults):
        embedder = build_embedder(loaded, resources)
    with collecting(faults):
        engine = Engine(loaded, pool, limited, ask, clock, embedder, shared.affinity, shared.drift, shared.remembered)
    with collecting(faults):
        identify = build_identify(loaded)
    if faults or engine is None or identify is None:
        raise ConfigError(loaded.source, faults)
    checks = {path: build_check(check, ask) for path, check in engine.checks.items()}
    caching = frozenset(name for name, router in config.routers.items() if router.prompt_caching == "auto")
    hedges = {name: router.hedge for name, router in config.routers.items() if router.hedge is not None}
    executor = Executor(tools, pool, checks, config.execution, limits, hedges, engine.fitted, caching)
    return Runtime(loaded, pool, engine, executor, conditions, limits, identify, resources)


def _unserved(loaded: LoadedConfig, backends: Mapping[str, Backend]) -> list[ConfigFault]:
    unserved = unserved_capabilities(loaded.config, backends)
    return [loaded.fault(("models", name, "capabilities"), message) for name, message in unserved.items()]


def _unpriced(loaded: LoadedConfig, pool: Pool) -> list[ConfigFault]:
    message = "none of the models that it holds for has prices: no call would have room"
    rules = unpriced_rules(loaded.config, pool)
    return [loaded.fault(("limits", "rules", index, "usd"), message) for index in rules]


def _unknown_events(loaded: LoadedConfig) -> list[ConfigFault]:
    unknown = loaded.config.telemetry.log_levels.keys() - EVENT_LEVELS.keys()
    place = ("telemetry", "log_levels")
    return [loaded.fault((*place, event), no_such("event", event, EVENT_LEVELS)) for event in sorted(unknown)]


def _backends(
    loaded: LoadedConfig, pool: Pool, resources: AsyncExitStack
) -> tuple[dict[str, Backend], list[ConfigFault]]:
    """All that can be built, and what is wrong with the others."""
    backends: dict[str, Backend] = {}
    faults: list[ConfigFault] = []
    for name, section in loaded.config.backends.items():
        try:
            backends[name] = build_backend(name, section, pool)
            resources.push_async_callback(backends[name].aclose)
        except SignOnUnusable as error:
            faults.append(loaded.fault(("backends", name, "sign_on"), str(error)))
    return backends, faults
