"""`frontdesk serve`: the service."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from frontdesk_server.assembly.supervisor import Supervisor, reserved_port
from frontdesk_server.config.files import STANDARD
from frontdesk_server.config.loading import LoadedConfig, default_config_path, load_config
from frontdesk_server.config.root import Config
from frontdesk_server.config.service import listening_address, tcp_address
from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.domain.unusable import in_words

_GRACE_MARGIN_SECONDS = 5.0


def serve(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Configuration file. Default: the embedded pool.")
    ] = None,
    address: Annotated[str | None, typer.Option(help="host:port or unix:/path; overrides the configuration.")] = None,
    http: Annotated[
        str | None, typer.Option(help="host:port of the HTTP faces; overrides the configuration, which has none.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the port; one serves one core.")] = 1,
    worker: Annotated[int | None, typer.Option(hidden=True)] = None,
    of_file: Annotated[bool, typer.Option("--of-file", hidden=True)] = False,
) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reads the configuration again.

    Example: frontdesk serve --config frontdesk.yaml --workers 4
    """
    path = config or default_config_path()
    loaded = load_config(path)
    address = None if address is None else _checked(address, listening_address, "--address")
    http = None if http is None else _checked(http, tcp_address, "--http")
    if workers > 1:
        if path == STANDARD:
            raise typer.BadParameter("each worker reads it: standard input is one for all", param_hint="--config")
        raise typer.Exit(_supervise(loaded, path, address, http, workers))
    _serve(loaded if worker is None else loaded.overridden(below_the_page), address, http, worker, of_file=of_file)


def _checked(address: str, check: Callable[[str], str], option: str) -> str:
    try:
        return check(address)
    except ValueError as error:
        raise typer.BadParameter(f"{address!r} {error}", param_hint=option) from error


def below_the_page(config: Config) -> Config:
    """The configuration of workers: the configured metrics page is that of all, theirs are at the next ports."""
    host, _, port = (config.telemetry.prometheus_address or ":0").rpartition(":")
    if port == "0":
        return config
    below = config.telemetry.model_copy(update={"prometheus_address": f"{host}:{int(port) + 1}"})
    return config.model_copy(update={"telemetry": below})


def _serve(loaded: LoadedConfig, address: str | None, http: str | None, worker: int | None, *, of_file: bool) -> None:
    gc.disable()  # until everything is built, which stays
    from frontdesk_server.assembly import leaving
    from frontdesk_server.assembly.app import serve_until_stopped
    from frontdesk_server.assembly.fronts import listening_at
    from frontdesk_server.telemetry.logging import build_logger

    listening = listening_at(loaded, address, http)
    if of_file:
        listening = replace(listening, overriding=listening_at(loaded, None, http).overriding)
    serving = serve_until_stopped(listening, worker=worker)
    grace_seconds = loaded.config.server.grace_seconds + _GRACE_MARGIN_SECONDS
    leaving.serve(serving, build_logger(loaded.config.telemetry), grace_seconds)


def _supervise(loaded: LoadedConfig, path: Path, given: str | None, http: str | None, workers: int) -> int:
    """Workers are told the address: a port that was found for 0 is none of the file's, any other may be `of_file`."""
    from frontdesk_server.telemetry.logging import build_logger

    address = given or loaded.config.server.address
    if address.startswith("unix:"):
        raise ConfigError(loaded.source, [ConfigFault("workers cannot share a unix socket", "server.address")])
    try:
        with reserved_port(address) as shared, loaded.placing(), _metrics_page(loaded, workers):
            command = [sys.executable, "-m", "frontdesk_server", "serve", "-c", str(path), "--address", shared]
            command += [] if http is None else ["--http", http]
            command += ["--of-file"] if given is None and shared == address else []
            grace_seconds = loaded.config.server.grace_seconds + _GRACE_MARGIN_SECONDS
            log = build_logger(loaded.config.telemetry)
            supervisor = Supervisor(lambda index: [*command, "--worker", str(index)], workers, grace_seconds, log)
            return asyncio.run(supervisor.run())
    except OSError as error:
        fault = ConfigFault(f"cannot listen on {address}: {in_words(error)}", "server.address")
        raise ConfigError(loaded.source, [fault]) from error


def _metrics_page(loaded: LoadedConfig, workers: int) -> AbstractContextManager[None]:
    """The page of all workers, where one is configured; any port instead of a certain one is each worker's own."""
    from frontdesk_server.telemetry.workers_page import workers_page

    address = loaded.config.telemetry.prometheus_address
    return nullcontext() if address is None or address.endswith(":0") else workers_page(address, workers)
