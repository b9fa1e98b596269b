"""The composition root: builds everything from one configuration, in one AsyncExitStack. No globals anywhere."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from structlog.typing import FilteringBoundLogger

from frontdesk_server.assembly.fronts import gateway_dialects, http_front, listening_at, side_by_side
from frontdesk_server.assembly.ledger import open_ledger
from frontdesk_server.assembly.pool import unknown_prices
from frontdesk_server.assembly.runtime import SharedState, assemble_runtime, build_runtime, prepare_runtime
from frontdesk_server.assembly.shared import open_shared_state
from frontdesk_server.assembly.staying import changed_in_vain
from frontdesk_server.assembly.supervisor import on_supervisor_gone
from frontdesk_server.config.loading import LoadedConfig, load_config
from frontdesk_server.desk.calls import RunningCalls, anyone
from frontdesk_server.desk.desk import Desk
from frontdesk_server.desk.overview import Overview
from frontdesk_server.desk.runtime import CurrentRuntime, Runtime
from frontdesk_server.domain.affinity import NO_AFFINITY
from frontdesk_server.domain.call import Caller, Peer
from frontdesk_server.domain.clock import SystemClock
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.errors import ConfigError, LedgerUnavailable
from frontdesk_server.domain.remembered import NothingRemembered
from frontdesk_server.execution.admission import Admission
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.ledger.readings import Readings
from frontdesk_server.rpc.server import RpcServer
from frontdesk_server.security import server_credentials
from frontdesk_server.state.limits import MemoryLimitStore, open_limit_store
from frontdesk_server.state.redis import open_redis
from frontdesk_server.telemetry import Telemetry, open_telemetry
from frontdesk_server.telemetry.logging import configure_process
from frontdesk_server.telemetry.terminal import SERVER_LISTENING

if TYPE_CHECKING:
    from frontdesk_server.faces.server import HttpServer

_RELOAD_SECONDS = 1.0
"""How long a reload that is cancelled may take to end."""


class App:
    """A running Frontdesk without its front: the desk, and the means to replace its configuration."""

    def __init__(
        self,
        desk: Desk,
        runtimes: CurrentRuntime,
        shared: SharedState,
        telemetry: Telemetry,
        providers: dict[str, str],
    ) -> None:
        self.desk = desk
        self.telemetry = telemetry
        self.clock = shared.clock
        self._runtimes = runtimes
        self._shared = shared
        self._providers = providers
        self._reloading = asyncio.Lock()
        self._latest = runtimes.current
        self._started = runtimes.current.loaded

    @property
    def log(self) -> FilteringBoundLogger:
        """Where the service's own events go."""
        return self.telemetry.logger

    @property
    def loaded(self) -> LoadedConfig:
        """The configuration that new calls get."""
        return self._runtimes.current.loaded

    def overview(self, readings: Readings | None) -> Overview:
        """What people look at, the ledger by these readings."""
        return Overview(self._runtimes, self.desk, readings)

    def identify(self, metadata: Mapping[str, str], peer: Peer) -> Caller:
        """Tell who calls, as the latest configuration says. Raises Unauthenticated."""
        return self._latest.identify(metadata, peer)

    async def reload(self, path: Path) -> bool:
        """Read the file again; on any fault the last good configuration stays, and the log says why.

        When it returns, new calls are under the new configuration, or one that was read later; calls that run already
        finish under theirs. Who calls is told by the new one as soon as it has proven good: a key that it revokes does
        not work on while references are embedded.
        """
        try:
            async with self._reloading:
                loaded = await asyncio.to_thread(load_config, path, again=True)
                runtime = self._latest = await assemble_runtime(loaded, self._shared)
            await prepare_runtime(runtime)
            if runtime is self._latest:
                self._take(runtime)
            else:
                await runtime.resources.aclose()
        except ConfigError as error:
            self.log.error("config.reload_failed", kept=self.loaded.version, faults=error.lines())
            return False
        except Exception as error:
            self.log.error("config.reload_failed", kept=self.loaded.version, faults=[])
            report_defect("reload", error)
            return False
        return True

    def _take(self, runtime: Runtime) -> None:
        self.log.info("config.reloaded", replaced=self.loaded.version, version=runtime.loaded.version)
        if changed := changed_in_vain(self._started, runtime.loaded.config):
            self.log.warning("config.needs_restart", changed=changed)
        self._providers.update(runtime.providers())
        _watch(self.telemetry, runtime)
        self._runtimes.replace(runtime)


def _watch(telemetry: Telemetry, runtime: Runtime) -> None:
    telemetry.drift_monitor.restart()
    telemetry.metrics.begin(runtime.pool, runtime.loaded.config.routers)
    conditions = runtime.conditions
    for model in runtime.pool.values():
        telemetry.metrics.watch_breaker(model.name, partial(conditions.state, model))
        for deployment in model.deployments:
            state = partial(conditions.deployment_state, model, deployment)
            telemetry.metrics.watch_deployment(model.name, deployment, state)


@asynccontextmanager
async def open_runtime(loaded: LoadedConfig) -> AsyncIterator[Runtime]:
    """A runtime alone, such as for checking a configuration.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    clock = SystemClock()
    conditions = LiveConditions(loaded.config.execution.breaker, clock)
    remembered = None if loaded.config.redis is None else NothingRemembered()
    shared = SharedState(conditions, MemoryLimitStore(clock), NO_AFFINITY, clock, remembered=remembered)
    runtime = await build_runtime(loaded, shared)
    async with runtime.resources:
        yield runtime


@contextmanager
def _configured(loaded: LoadedConfig) -> Iterator[None]:
    """A ledger that cannot be opened at the start is a fault of its URL."""
    try:
        yield
    except LedgerUnavailable as error:
        raise ConfigError(loaded.source, [loaded.fault(("ledger", "url"), str(error))]) from error


@asynccontextmanager
async def open_app(loaded: LoadedConfig, *, worker: int = 0) -> AsyncIterator[App]:
    """Everything but the front. On leaving, backends close, then limits and ledger drain, then telemetry flushes.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    clock, config = SystemClock(), loaded.config
    configure_process(config.telemetry)
    async with AsyncExitStack() as stack:
        providers: dict[str, str] = {}
        with loaded.placing():
            telemetry = await stack.enter_async_context(
                open_telemetry(config.telemetry, os.environ, providers=providers, worker=worker)
            )
        configure_process(config.telemetry, telemetry.metrics)
        monitor = telemetry.ledger_monitor
        with loaded.placing(), _configured(loaded):
            ledger = await stack.enter_async_context(open_ledger(config.ledger, monitor=monitor, clock=clock))
            redis = await stack.enter_async_context(open_redis(config.redis, loaded.source, telemetry.metrics))
            limit_store = await stack.enter_async_context(
                open_limit_store(config.limits, redis, clock, loaded.source, telemetry.metrics)
            )
        shared = await open_shared_state(config, redis, limit_store, clock, telemetry, stack)
        runtimes = CurrentRuntime(await build_runtime(loaded, shared))
        for model, reason in unknown_prices(config).items():
            telemetry.logger.warning("prices.unknown", model=model, reason=reason)
        stack.push_async_callback(runtimes.aclose)
        providers.update(runtimes.current.providers())
        _watch(telemetry, runtimes.current)
        admission = Admission(config.admission, clock)
        telemetry.metrics.watch_queue(lambda: admission.waiting)
        desk = Desk(runtimes, admission, ledger, clock, shared.affinity)
        yield App(desk, runtimes, shared, telemetry, providers)


@dataclass(frozen=True, slots=True)
class Fronts:
    """A running service and where it is reached."""

    app: App
    rpc: RpcServer
    http: HttpServer | None


@asynccontextmanager
async def open_fronts(
    loaded: LoadedConfig, *, worker: int | None = None, trusted: bool = False
) -> AsyncIterator[Fronts]:
    """Everything with its fronts, listening; an orderly end on leaving.

    `worker` is the index of one of several processes that share the ports; None serves alone. `trusted` asks callers
    for nothing and speaks plaintext: for a socket that only the user of this process can reach.

    Raises:
        ConfigError: the configuration cannot be used, or its addresses not be listened on.
    """
    config, shared = loaded.config.server, worker is not None
    async with open_app(loaded, worker=worker or 0) as app, AsyncExitStack() as resources:
        calls = RunningCalls(
            observer=app.telemetry.observer,
            clock=app.clock,
            identify=anyone if trusted else app.identify,
            max_concurrent_calls=config.max_concurrent_calls,
        )
        credentials = None if trusted else server_credentials(loaded)
        dialects = gateway_dialects(loaded)
        rpc = RpcServer(app.desk, config, calls, credentials=credentials, reuse_port=shared, dialects=dialects)
        http = http_front(loaded, app, calls, resources, reuse_port=shared, trusted=trusted)
        async with side_by_side(*(front for front in (rpc, http) if front is not None)):
            yield Fronts(app, rpc, http)


@asynccontextmanager
async def open_server(
    loaded: LoadedConfig, *, address: str | None = None, worker: int | None = None, trusted: bool = False
) -> AsyncIterator[tuple[App, RpcServer]]:
    """The same with the gRPC front alone in view; `address` overrides the configured one."""
    async with open_fronts(listening_at(loaded, address), worker=worker, trusted=trusted) as fronts:
        yield fronts.app, fronts.rpc


async def serve_until_stopped(loaded: LoadedConfig, *, worker: int | None = None) -> None:
    """Serve until SIGTERM or SIGINT, and a worker until its supervisor ends; SIGHUP reads the configuration again."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if worker is not None:
        on_supervisor_gone(stop.set)
    async with open_fronts(loaded, worker=worker) as fronts:
        app = fronts.app
        gc.freeze()  # what has been built stays: the collector need not look at it again
        gc.enable()
        running: set[asyncio.Task[bool]] = set()

        def reload() -> None:
            running.add(task := loop.create_task(app.reload(Path(loaded.source))))
            task.add_done_callback(running.discard)

        loop.add_signal_handler(signal.SIGHUP, reload)
        http = {} if fronts.http is None else fronts.http.places
        app.log.info(
            SERVER_LISTENING,
            address=fronts.rpc.address,
            config=loaded.source,
            version=loaded.version,
            models=list(loaded.config.models),
            routers=list(loaded.config.routers),
            **http,
        )
        await stop.wait()
        for task in running:  # one that waits for an embedder would keep the service from stopping
            task.cancel()
        app.log.info("server.stopping", grace_seconds=loaded.config.server.grace_seconds)
        if running:
            await asyncio.wait(running, timeout=_RELOAD_SECONDS)
