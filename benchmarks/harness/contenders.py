"""Starts what is measured, and what that needs: Frontdesk, the bare baselines, the upstream, the peers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.harness.config import Yaml, configuration, written
from benchmarks.harness.machine import Cores
from benchmarks.harness.processes import Server, free_port, module, serving

NO_EXPORT = {"OTEL_SDK_DISABLED": "true"}
"""So that variables of whoever runs the benchmarks do not change what is measured."""


def url(server: Server) -> str:
    """Where a server is reached over HTTP."""
    return f"http://127.0.0.1:{server.port}"


def code_of(checkout: Path) -> dict[str, str]:
    """The variables that make Python take Frontdesk from a checkout."""
    return {"PYTHONPATH": os.pathsep.join(str(checkout / part) for part in ("server", "clients/python"))}


def upstream(cores: Cores, folder: Path) -> AbstractContextManager[Server]:
    """The upstream, on the load's cores."""
    port = free_port()
    command = module("benchmarks.servers.upstream", port)
    return serving("upstream", command, port, cores=cores.load, log=folder / "upstream.log", helper=True)


def bare(cores: Cores, folder: Path, upstream_url: str) -> AbstractContextManager[Server]:
    """The baselines: echo and forwarder."""
    port = free_port()
    command = module("benchmarks.servers.bare", port, upstream_url)
    return serving("bare", command, port, cores=cores.server, log=folder / "bare.log")


@contextmanager
def span_sink(cores: Cores, folder: Path) -> Iterator[dict[str, str]]:
    """A collector on the load's cores; yields the variables that make a server export every span to it."""
    port = free_port()
    command = module("benchmarks.servers.span_sink", port)
    with serving("collector", command, port, cores=cores.load, log=folder / "collector.log", helper=True) as sink:
        yield {"OTEL_EXPORTER_OTLP_ENDPOINT": url(sink), "OTEL_EXPORTER_OTLP_INSECURE": "true"}


def frontdesk_command(config: Path, port: int, *, workers: int = 1) -> list[str]:
    """The command line that serves a configuration."""
    serve = module("frontdesk_server", "serve", "--config", config, "--address", f"127.0.0.1:{port}")
    return [*serve, "--workers", str(workers)] if workers > 1 else serve


@contextmanager
def frontdesk(
    cores: frozenset[int],
    upstream_url: str,
    *,
    name: str = "frontdesk",
    change: Callable[[Yaml], None] = lambda config: None,
    environment: Mapping[str, str] | None = None,
    workers: int = 1,
    over_http: bool = False,
) -> Iterator[Server]:
    """Frontdesk as it ships, in a folder of its own; `change` changes its configuration before.

    `over_http`: the server's port is that of its HTTP faces.
    """
    with tempfile.TemporaryDirectory(prefix="frontdesk-benchmark-") as place:
        folder, port = Path(place), free_port()
        config = configuration(upstream_url, folder)
        change(config)
        command = frontdesk_command(written(config, folder), port, workers=workers)
        if over_http:
            port = free_port()
            command += ["--http", f"127.0.0.1:{port}"]
        log = folder / "frontdesk.log"
        with serving(name, command, port, cores=cores, log=log, environment=environment or NO_EXPORT) as server:
            yield server
