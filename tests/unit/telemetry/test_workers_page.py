"""The metrics page of several workers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.telemetry import names
from frontdesk_server.telemetry.metrics import Metrics
from frontdesk_server.telemetry.workers_page import WorkersCollector, workers_page
from prometheus_client import CollectorRegistry, generate_latest

ROUTE = "frontdesk.v1.RouterService/Route"


class Worker:
    """A worker whose page can be read while it lives."""

    def __init__(self) -> None:
        self.metrics: Metrics | None = Metrics()

    def page(self) -> str:
        if self.metrics is None:
            raise ConnectionRefusedError
        return generate_latest(self.metrics.registry).decode()

    def calls(self, count: int, seconds: float = 0.1) -> None:
        assert self.metrics is not None
        for _ in range(count):
            self.metrics.call_started()
            self.metrics.call_ended(ROUTE, "OK", seconds)


def summed(*pages: Callable[[], str]) -> Callable[..., float | None]:
    """Reads a sample of the common page."""
    registry = CollectorRegistry()
    registry.register(WorkersCollector(pages))
    return lambda name, **labels: registry.get_sample_value(name, labels)


def calls_of(value: Callable[..., float | None]) -> float | None:
    labels = dict(zip(names.CALL_DURATION.labels, (ROUTE, "OK"), strict=True))
    return value(f"{names.CALL_DURATION.prometheus_name}_count", **labels)


def test_counts_of_workers_are_summed() -> None:
    one, two = Worker(), Worker()
    one.calls(2)
    two.calls(3)
    assert calls_of(summed(one.page, two.page)) == 5


def test_counts_survive_a_worker_and_its_successor_adds_to_them() -> None:
    one, two = Worker(), Worker()
    one.calls(5)
    two.calls(1)
    value = summed(one.page, two.page)
    assert calls_of(value) == 6
    one.metrics = None
    assert calls_of(value) == 6
    one.metrics = Metrics()
    assert calls_of(value) == 6
    one.calls(2)
    assert calls_of(value) == 8
    one.calls(9)
    assert calls_of(value) == 17


def test_amounts_are_summed_and_of_ages_the_greatest_and_of_states_the_share_of_workers_is_shown() -> None:
    one, two, three = Worker(), Worker(), Worker()
    for worker, state, waiting, lag in ((one, "open", 3, 0.5), (two, "closed", 4, 2.0), (three, "open", 0, 0.0)):
        assert worker.metrics is not None
        worker.metrics.watch_breaker("small", lambda state=state: state)  # type: ignore[misc]
        worker.metrics.watch_ledger(lambda waiting=waiting: waiting, lambda lag=lag: lag)  # type: ignore[misc]
        worker.metrics.watch_redis("limits", lambda lag=lag: lag)  # type: ignore[misc]
        worker.metrics.call_started()
    value = summed(one.page, two.page, three.page)
    assert value(names.LEDGER_WAITING.prometheus_name) == 7
    assert value(names.LEDGER_LAG.prometheus_name) == 2.0
    assert value(names.REDIS_GONE.prometheus_name, frontdesk_redis_use="limits") == 2.0
    assert value(names.CALLS_RUNNING.prometheus_name) == 3

    def share(state: str) -> float | None:
        labels = dict(zip(names.BREAKER.labels, ("small", state), strict=True))
        return value(names.BREAKER.prometheus_name, **labels)

    assert [share(state) for state in ("open", "closed", "half_open")] == pytest.approx([2 / 3, 1 / 3, 0])
    three.metrics = None
    assert (share("open"), share("closed")) == (0.5, 0.5), "of those that answer"


def test_a_worker_that_does_not_answer_is_in_no_state() -> None:
    one, two = Worker(), Worker()
    for worker in (one, two):
        assert worker.metrics is not None
        worker.metrics.call_started()
    value = summed(one.page, two.page)
    assert value(names.CALLS_RUNNING.prometheus_name) == 2
    one.metrics = None
    assert value(names.CALLS_RUNNING.prometheus_name) == 1


def test_a_page_that_cannot_be_served_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="prometheus_address"), workers_page("192.0.2.1:9464", 2):
        pass
