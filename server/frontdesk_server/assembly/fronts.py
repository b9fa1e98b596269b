"""Where the service is reached: gRPC, and HTTP where it is configured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from frontdesk_server.assembly.embedder import build_embeddings_endpoint
from frontdesk_server.assembly.ledger import open_readings
from frontdesk_server.config.loading import LoadedConfig
from frontdesk_server.config.root import Config
from frontdesk_server.config.service import HttpConfig
from frontdesk_server.desk.calls import RunningCalls
from frontdesk_server.desk.overview import Overview
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.domain.extras import brought_by
from frontdesk_server.security import tls_context

if TYPE_CHECKING:
    from frontdesk_server.assembly.app import App
    from frontdesk_server.faces.server import HttpServer
    from frontdesk_server.rpc.ext_proc.dialect import Dialect


def listening_at(loaded: LoadedConfig, address: str | None = None, http: str | None = None) -> LoadedConfig:
    """The configuration with other addresses to listen on; `http` turns the HTTP faces on."""

    def listening(config: Config) -> Config:
        server = config.server
        if address is not None:
            server = server.model_copy(update={"address": address})
        if http is not None:
            section = (server.http or HttpConfig()).model_copy(update={"address": http})
            server = server.model_copy(update={"http": section})
        return config.model_copy(update={"server": server})

    return loaded.overridden(listening)


@asynccontextmanager
async def side_by_side(*fronts: AbstractAsyncContextManager[Any]) -> AsyncIterator[None]:
    """Enter one after the other, and leave all at once: none takes calls while another drains."""
    entered: list[AbstractAsyncContextManager[Any]] = []
    try:
        for front in fronts:
            await front.__aenter__()
            entered.append(front)
        yield
    finally:
        await asyncio.gather(*(front.__aexit__(None, None, None) for front in entered))


def gateway_dialects(loaded: LoadedConfig) -> Sequence[Dialect]:
    """In which gateways' requests may pose queries; none where no gateway is configured."""
    if loaded.config.server.ext_proc is None:
        return ()
    from frontdesk_server.faces.gateways import DIALECTS

    return DIALECTS


def check_http(loaded: LoadedConfig) -> None:
    """Raises ConfigError where HTTP is configured and what speaks it is not installed."""
    if loaded.config.server.http is None:
        return
    try:
        import frontdesk_server.faces.server  # noqa: F401
    except ModuleNotFoundError as error:
        fault = loaded.fault(("server", "http"), f"needs {error.name}: {brought_by('http')}")
        raise ConfigError(loaded.source, [fault]) from error


def http_front(
    loaded: LoadedConfig,
    app: App,
    calls: RunningCalls,
    resources: AsyncExitStack,
    *,
    reuse_port: bool,
    trusted: bool,
) -> HttpServer | None:
    """The HTTP server; None where none is configured. What it opens is closed with `resources`.

    Raises:
        ConfigError: the extra is not installed, or the backend for embeddings cannot be used.
    """
    config, http = loaded.config.server, loaded.config.server.http
    if http is None:
        return None
    check_http(loaded)
    from frontdesk_server.faces.app import FacesApp
    from frontdesk_server.faces.browsers import is_local_name
    from frontdesk_server.faces.server import HttpServer

    name = http.embeddings_backend
    overview: Overview | None = None
    if http.console is not None:
        readings = open_readings(loaded.config.ledger)
        if readings is not None:
            resources.push_async_callback(readings.aclose)
        overview = app.overview(readings)
    faces = FacesApp(
        app.desk,
        calls,
        max_body_bytes=config.max_message_bytes,
        allowed_origins=http.allowed_origins,
        is_local=is_local_name(http.address),
        embeddings=None if name is None else build_embeddings_endpoint(loaded, name, resources),
        overview=overview,
    )
    tls = None if trusted else tls_context(loaded)
    return HttpServer(faces, config, http, calls, tls=tls, reuse_port=reuse_port)
