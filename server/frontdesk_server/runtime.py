"""Everything that is built from one configuration, and its replacement while calls are running."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from random import Random

from frontdesk_server.backends import SignOnUnusable, build_backend
from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.defects import report_defect
from frontdesk_server.domain.affinity import Affinity
from frontdesk_server.domain.backend import Backend
from frontdesk_server.domain.call import Identify
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.domain.model import Model, Pool
from frontdesk_server.embedding import build_embedder
from frontdesk_server.execution.asking import Asker
from frontdesk_server.execution.attempt import AttemptTools
from frontdesk_server.execution.balancing import Balancer
from frontdesk_server.execution.checks import build_check
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.executor import Executor
from frontdesk_server.limits import LimitedConditions, Limits, LimitStore
from frontdesk_server.pool import build_pool, unserved_capabilities
from frontdesk_server.predictor.drift import DriftMonitor
from frontdesk_server.routing.engine import Engine
from frontdesk_server.security import build_identify


@dataclass(frozen=True, slots=True)
class Runtime:
    """One configuration at work."""

    loaded: LoadedConfig
    pool: Mapping[str, Model]
    engine: Engine
    executor: Executor
    conditions: LiveConditions
    limits: Limits
    identify: Identify
    resources: AsyncExitStack

    def providers(self) -> dict[str, str]:
        """Each backend's provider, as traces name it."""
        return {name: backend.provider for name, backend in self.executor.tools.backends.items()}


@dataclass(slots=True, eq=False)
class _Tenure:
    """A runtime's time in service, and how many calls use it."""

    runtime: Runtime
    leases: int = 0


class RuntimeHolder:
    """Holds the current runtime. A replaced one is closed when its last call has ended; nobody waits for that."""

    def __init__(self, runtime: Runtime) -> None:
        self._tenure = _Tenure(runtime)
        self._replaced: set[_Tenure] = set()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def current(self) -> Runtime:
        """The runtime that new calls get."""
        return self._tenure.runtime

    @property
    def open_count(self) -> int:
        """The current runtime, and those before it that calls still use."""
        return 1 + len(self._replaced)

    @contextmanager
    def lease(self) -> Iterator[Runtime]:
        """The current runtime, kept open while it is used."""
        tenure = self._tenure
        tenure.leases += 1
        try:
            yield tenure.runtime
        finally:
            tenure.leases -= 1
            self._close_if_idle(tenure)

    def replace(self, runtime: Runtime) -> None:
        """Give new calls this runtime from now on."""
        old, self._tenure = self._tenure, _Tenure(runtime)
        self._replaced.add(old)
        self._close_if_idle(old)

    async def aclose(self) -> None:
        """Close every runtime, also those that calls still use."""
        still_open, self._replaced = {self._tenure, *self._replaced}, set()
        for tenure in still_open:
            self._close(tenure)
        await asyncio.gather(*self._closing)

    def _close_if_idle(self, tenure: _Tenure) -> None:
        if tenure in self._replaced and not tenure.leases:
            self._replaced.remove(tenure)
            self._close(tenure)

    def _close(self, tenure: _Tenure) -> None:
        closing = asyncio.create_task(tenure.runtime.resources.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closed)

    def _closed(self, closing: asyncio.Task[None]) -> None:
        self._closing.remove(closing)
        if not closing.cancelled() and (error := closing.exception()) is not None:
            report_defect("closing", error)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What outlives a configuration: every runtime gets the same."""

    conditions: LiveConditions
    limit_store: LimitStore
    affinity: Affinity
    clock: Clock
    drift: DriftMonitor | None = None


async def build_runtime(loaded: LoadedConfig, surroundings: Surroundings) -> Runtime:
    """A runtime that is ready for calls.

    Raises:
        ConfigError: the configuration contradicts itself in a way that its schema cannot see.
    """
    runtime = await assemble_runtime(loaded, surroundings)
    await prepare_runtime(runtime)
    return runtime


async def assemble_runtime(loaded: LoadedConfig, surroundings: Surroundings) -> Runtime:
    """Build pool, backends, engine and executor, beside the event loop: other calls are served meanwhile.

    Raises:
        ConfigError: the configuration contradicts itself in a way that its schema cannot see.
    """
    resources = AsyncExitStack()
    try:
        return await asyncio.to_thread(_assembled, loaded, surroundings, resources)
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


def _assembled(loaded: LoadedConfig, surroundings: Surroundings, resources: AsyncExitStack) -> Runtime:
    config, conditions, clock = loaded.config, surroundings.conditions, surroundings.clock
    pool = build_pool(config)
    random = Random()  # noqa: S311 - jitter and load balancing, no secrets
    backends = _backends(loaded, pool, resources)
    if unserved := unserved_capabilities(config, backends):
        faults = [loaded.fault(("models", name, "capabilities"), message) for name, message in unserved.items()]
        raise ConfigError(loaded.source, faults)
    tools = AttemptTools(backends, conditions, Balancer(random, conditions), config.execution.retry, clock, random)
    ask = Asker(tools, pool)
    limits = Limits(config.limits, surroundings.limit_store, clock)
    limited = LimitedConditions(conditions, limits)
    embedder = build_embedder(loaded, resources)
    engine = Engine(loaded, pool, limited, ask, clock, embedder, surroundings.affinity, surroundings.drift)
    checks = {path: build_check(check, ask) for path, check in engine.checks.items()}
    hedges = {name: router.hedge for name, router in config.routers.items() if router.hedge is not None}
    executor = Executor(tools, pool, checks, config.execution, limits, hedges, engine.fitted)
    return Runtime(loaded, pool, engine, executor, conditions, limits, build_identify(loaded), resources)


def _backends(loaded: LoadedConfig, pool: Pool, resources: AsyncExitStack) -> dict[str, Backend]:
    backends: dict[str, Backend] = {}
    faults: list[ConfigFault] = []
    for name, section in loaded.config.backends.items():
        try:
            backends[name] = build_backend(name, section, pool)
            resources.push_async_callback(backends[name].aclose)
        except SignOnUnusable as error:
            faults.append(loaded.fault(("backends", name, "sign_on"), str(error)))
    if faults:
        raise ConfigError(loaded.source, faults)
    return backends
