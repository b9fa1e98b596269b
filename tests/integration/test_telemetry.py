"""Telemetry on the wire: OTLP to a collector, and the Prometheus page."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest
from frontdesk_server.config.service import TelemetryConfig
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.telemetry import open_telemetry

from tests.cascade import METHOD, observe_cascade
from tests.otlp_collector import Collector, running_collector, values

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
METADATA = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
QUIET = {"log_level": "error"}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with running_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        yield collector


def config(**settings: object) -> TelemetryConfig:
    return TelemetryConfig.model_validate({**QUIET, **settings})


async def test_a_cascade_reaches_the_collector_as_one_tree(collector: Collector) -> None:
    async with open_telemetry(config(service_name="desk"), os.environ, providers={"sim": "openai"}) as telemetry:
        observe_cascade(telemetry.observer, METADATA)
    names = {span.span_id: span.name for span in collector.spans}
    tree = {(names.get(span.parent_span_id, "caller"), span.name) for span in collector.spans}
    assert tree == {
        ("caller", METHOD),
        (METHOD, "route"),
        ("route", "strategy chain"),
        ("strategy chain", "strategy llm"),
        ("strategy chain", "strategy cascade"),
        (METHOD, "chat small"),
        (METHOD, "chat large"),
    }
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE_ID}
    assert collector.resource["service.name"] == "desk"
    assert collector.resource["deployment.environment.name"] == "test"
    (chat,) = [span for span in collector.spans if span.name == "chat large"]
    assert chat.kind == chat.SPAN_KIND_CLIENT
    assert values(chat.attributes)["gen_ai.response.finish_reasons"] == ["stop"]
    assert [event.name for event in chat.events] == ["frontdesk.first_token", "frontdesk.check"]


async def test_metrics_reach_the_collector_under_their_own_names(collector: Collector) -> None:
    async with open_telemetry(config(), os.environ, providers={"sim": "openai"}) as telemetry:
        observe_cascade(telemetry.observer, {})
        observe_cascade(telemetry.observer, {})
    metrics = collector.metrics
    duration = metrics["gen_ai.client.operation.duration"]
    assert duration.unit == "s"
    small = next(p for p in duration.histogram.data_points if values(p.attributes)["frontdesk.model"] == "small")
    assert (small.count, small.sum, len(small.bucket_counts)) == (2, 1.0, len(small.explicit_bounds) + 1)
    assert [c for c, bound in zip(small.bucket_counts, small.explicit_bounds, strict=False) if bound == 0.64] == [2]
    assert "error.type" not in values(small.attributes)
    escalations = metrics["frontdesk.escalations"].sum
    assert escalations.is_monotonic
    assert [point.as_double for point in escalations.data_points] == [2.0]
    assert metrics["frontdesk.saved"].sum.data_points[0].as_double == pytest.approx(2 * 8_759e-9)


async def test_a_call_that_is_not_sampled_is_not_exported(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    async with open_telemetry(config(), os.environ, providers={}) as telemetry:
        observe_cascade(telemetry.observer, METADATA)
    assert not collector.traces
    assert collector.metrics["frontdesk.decisions"].sum.data_points


@pytest.mark.parametrize(
    "variables",
    [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}],
)
async def test_exporters_can_be_switched_off(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    async with open_telemetry(config(), os.environ, providers={}) as telemetry:
        observe_cascade(telemetry.observer, METADATA)
    assert not [*collector.traces, *collector.pushed]


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_TRACES_EXPORTER": "zipkin"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
        {"OTEL_PROPAGATORS": "b3"},
    ],
)
async def test_variables_that_cannot_be_honoured_are_faults(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        async with open_telemetry(config(), environ, providers={}):
            pass


async def test_the_metrics_page_is_as_prometheus_wants_it() -> None:
    settings = config(prometheus_address="127.0.0.1:0")
    async with open_telemetry(settings, {}, providers={"sim": "openai"}) as telemetry:
        observe_cascade(telemetry.observer, {})
        url = f"http://127.0.0.1:{telemetry.prometheus_port}/metrics"
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read())
    assert b'frontdesk_escalations_total{frontdesk_model="large",frontdesk_router="default"} 1.0' in page
    if promtool := shutil.which("promtool"):
        checked = await asyncio.to_thread(
            subprocess.run, [promtool, "check", "metrics"], input=page, capture_output=True, check=False
        )
        assert (checked.returncode, checked.stderr + checked.stdout) == (0, b"")


async def test_an_address_in_use_is_a_fault_of_the_configuration() -> None:
    async with open_telemetry(config(prometheus_address="127.0.0.1:0"), {}, providers={}) as first:
        second = config(prometheus_address=f"127.0.0.1:{first.prometheus_port}")
        with pytest.raises(ConfigError, match="cannot serve metrics"):
            async with open_telemetry(second, {}, providers={}):
                pass
