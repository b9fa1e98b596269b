"""Everything that is built from one configuration, and its replacement while calls are running."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass

from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.domain.call import Identify
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.model import Model
from frontdesk_server.execution.conditions import LiveConditions
from frontdesk_server.execution.executor import Executor
from frontdesk_server.routing.engine import Engine
from frontdesk_server.state.limits import Limits


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


class CurrentRuntime:
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
