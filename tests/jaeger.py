"""A Jaeger of the test run's own, built by the Go toolchain."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / ".cache" / "jaeger"
BINARY = FOLDER / "jaeger"
VERSION = "v1.76.0"

_CONFIG = """
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}
  telemetry: {{metrics: {{level: none}}, logs: {{level: error}}}}
extensions:
  jaeger_storage: {{backends: {{memory: {{memory: {{max_traces: 1000}}}}}}}}
  jaeger_query:
    storage: {{traces: memory}}
    http: {{endpoint: "127.0.0.1:{http}"}}
    grpc: {{endpoint: "127.0.0.1:{grpc}"}}
receivers:
  otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{otlp}"}}}}}}
exporters:
  jaeger_storage_exporter: {{trace_storage: memory}}
"""


@dataclass(frozen=True, slots=True)
class Jaeger:
    """A running Jaeger: where spans go in, and where its query API answers."""

    otlp_endpoint: str
    query_url: str

    def get(self, path: str) -> Any:
        """The `data` of a query API's answer."""
        with urllib.request.urlopen(self.query_url + path, timeout=5) as response:
            return json.load(response)["data"]

    def trace(self, trace_id: str, spans: int) -> list[dict[str, Any]]:
        """The spans of a trace, as soon as there are so many."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + 10
        while len(found) < spans and time.monotonic() < deadline:
            try:
                found = self.get(f"/api/traces/{trace_id}")[0]["spans"]
            except (urllib.error.HTTPError, IndexError):
                found = []
            time.sleep(0.05)
        return found


def build() -> None:
    """Build Jaeger with its own module's versions and checksums; takes minutes and is done once."""
    source = FOLDER / "src"
    source.mkdir(parents=True, exist_ok=True)
    (source / "go.mod").write_text("module jaegerbuild\n", encoding="utf-8")
    listed = _go("mod", "download", "-json", f"github.com/jaegertracing/jaeger@{VERSION}", folder=source)
    module = Path(json.loads(listed)["Dir"])
    versions = (module / "go.mod").read_text(encoding="utf-8").split("\n", 1)[1]
    required = f"module jaegerbuild\n{versions}\nrequire github.com/jaegertracing/jaeger {VERSION}\n"
    (source / "go.mod").write_text(required, encoding="utf-8")
    shutil.copyfile(module / "go.sum", source / "go.sum")
    (source / "go.sum").chmod(0o644)
    _go("build", "-mod=mod", "-o", str(BINARY), "github.com/jaegertracing/jaeger/cmd/jaeger", folder=source)


def _go(*arguments: str, folder: Path) -> str:
    command = ["go", *arguments]
    environ = os.environ | {"GOFLAGS": "-p=1 -buildvcs=false"}
    return subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True, text=True).stdout


@contextmanager
def running_jaeger(folder: Path) -> Iterator[Jaeger]:
    """Start Jaeger on free loopback ports, its traces in memory."""
    otlp, http, grpc = (_free_port() for _ in range(3))
    config = folder / "jaeger.yaml"
    config.write_text(_CONFIG.format(otlp=otlp, http=http, grpc=grpc), encoding="utf-8")
    log = folder / "jaeger.log"
    with log.open("wb") as output:
        process = subprocess.Popen([BINARY, "--config", config], stdout=output, stderr=output)
    try:
        jaeger = Jaeger(f"http://127.0.0.1:{otlp}", f"http://127.0.0.1:{http}")
        _wait_until_ready(jaeger, process, log)
        yield jaeger
    finally:
        process.kill()  # an orderly stop takes ten seconds, and there is nothing to keep
        process.wait()


def _wait_until_ready(jaeger: Jaeger, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            jaeger.get("/api/services")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"Jaeger did not start: {log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    build()
