"""A traced cascade in a real Jaeger, read back through its query API."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from frontdesk_server.config.service import TelemetryConfig
from frontdesk_server.telemetry import open_telemetry

from tests.cascade import METHOD, observe_cascade
from tests.interop.servers import ROOT, real_server
from tests.jaeger import BINARY, Jaeger, running_jaeger

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(scope="module")
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    if not BINARY.exists():
        how = "build it: python -m tests.jaeger" if shutil.which("go") else "and Go is absent"
        pytest.skip(f"there is no {BINARY.name} in .cache/jaeger; {how}")
    with running_jaeger(tmp_path_factory.mktemp("jaeger")) as jaeger:
        yield jaeger


def tags(span: dict[str, Any]) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in span["tags"]}


async def test_a_cascade_is_found_in_jaeger(jaeger: Jaeger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", jaeger.otlp_endpoint)
    config = TelemetryConfig(log_level="error")
    async with open_telemetry(config, os.environ, providers={"sim": "openai"}) as telemetry:
        observe_cascade(telemetry.observer, {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"})
    spans = {span["spanID"]: span for span in jaeger.trace(TRACE_ID, 7)}
    names = {span_id: span["operationName"] for span_id, span in spans.items()}
    parents = {span_id: span["references"][0]["spanID"] for span_id, span in spans.items()}
    tree = {(names.get(parents[span_id], "caller"), name) for span_id, name in names.items()}
    assert tree == {
        ("caller", METHOD),
        (METHOD, "route"),
        ("route", "strategy chain"),
        ("strategy chain", "strategy llm"),
        ("strategy chain", "strategy cascade"),
        (METHOD, "chat small"),
        (METHOD, "chat large"),
    }
    large = next(span for span in spans.values() if span["operationName"] == "chat large")
    assert tags(large)["span.kind"] == "client"
    assert tags(large)["gen_ai.usage.output_tokens"] == 20
    assert tags(large)["frontdesk.attempt.kind"] == "escalation"
    assert {field["value"] for log in large["logs"] for field in log["fields"] if field["key"] == "event"} == {
        "frontdesk.first_token",
        "frontdesk.check",
    }
    failed = next(span for span in spans.values() if span["operationName"] == "strategy llm")
    assert tags(failed)["error"] is True
    assert jaeger.get("/api/services") == ["frontdesk"]
    operations = set(jaeger.get("/api/services/frontdesk/operations"))
    assert operations == set(names.values())


CASCADE = """
backends: {embedded: {kind: simulated}}
models:
  small-llm: {backend: embedded, prices: {input: 0.1, output: 0.5}, capabilities: [logprobs]}
  frontier-llm: {backend: embedded, prices: {input: 3, output: 15}, capabilities: [logprobs]}
routers:
  default:
    default_model: frontier-llm
    strategy:
      kind: cascade
      steps:
        - {model: small-llm, check: {kind: logprob, threshold: 1.0}}
        - {model: frontier-llm}
"""


def test_a_cascade_that_the_go_client_asked_for_is_one_trace(jaeger: Jaeger, tmp_path: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("Go is absent")
    config, recorded = tmp_path / "cascade.yaml", tmp_path / "spans.jsonl"
    config.write_text(CASCADE)
    collector = jaeger.otlp_endpoint.removeprefix("http://")
    with real_server(tmp_path, collector, "--config", str(config)) as address:
        environment = {
            "FRONTDESK_CASCADE_ADDRESS": address["FRONTDESK_ADDRESS"],
            "FRONTDESK_INTEROP_SPANS": str(recorded),
        }
        go_test = ["go", "test", "-count=1", "-run", "^TestTracedCascade$", "."]
        ran = subprocess.run(
            go_test, cwd=ROOT / "clients/go", env=os.environ | environment, capture_output=True, text=True, timeout=600
        )
        assert ran.returncode == 0, ran.stdout
        client = json.loads(recorded.read_text())
        spans = {span["spanID"]: span for span in jaeger.trace(client["trace_id"], 5)}
    names = {span_id: span["operationName"] for span_id, span in spans.items()} | {client["span_id"]: "client"}
    tree = {(names[span["references"][0]["spanID"]], span["operationName"]) for span in spans.values()}
    assert tree == {
        ("client", METHOD),
        (METHOD, "route"),
        ("route", "strategy cascade"),
        (METHOD, "chat small-llm"),
        (METHOD, "chat frontier-llm"),
    }
