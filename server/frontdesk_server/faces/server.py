"""The HTTP server: listening, limits of connections, and an orderly end."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from types import TracebackType
from typing import Self

import uvicorn

from frontdesk_server.config.service import HttpConfig, ServerConfig
from frontdesk_server.desk.calls import RunningCalls
from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.faces.app import FacesApp
from frontdesk_server.faces.protocol import bounded

_BACKLOG = 2048
_FLUSH_SECONDS = 1


class HttpServer:
    """Serves the faces while its `async with` block runs.

    On leaving, /healthz says 503, calls that arrive within the configured drain are still served, running ones may
    finish within the configured grace, and the rest ends with `ShuttingDown`.
    """

    def __init__(
        self,
        app: FacesApp,
        config: ServerConfig,
        http: HttpConfig,
        calls: RunningCalls,
        *,
        tls: ssl.SSLContext | None = None,
        reuse_port: bool = False,
    ) -> None:
        self._app = app
        self._config = config
        self._calls = calls
        self._reuse_port = reuse_port
        self._tls = tls
        self._host, _, port = http.address.rpartition(":")
        self._port = int(port)
        settings = uvicorn.Config(
            app,
            http=bounded(config.max_metadata_bytes, config.max_connections, http.read_seconds),
            loop="none",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=int(config.max_connection_idle_seconds),
            timeout_graceful_shutdown=_FLUSH_SECONDS,
        )
        settings.load()
        settings.ssl = tls
        self._server = uvicorn.Server(settings)
        self._ticking: asyncio.Task[None] | None = None
        self._listener: socket.socket | None = None

    @property
    def address(self) -> str:
        """Where clients reach it: host:port with the bound port."""
        return f"{self._host}:{self._port}"

    @property
    def url(self) -> str:
        """The same as a URL."""
        return f"{'http' if self._tls is None else 'https'}://{self.address}"

    @property
    def places(self) -> dict[str, str]:
        """Where people and clients find what."""
        console = {"console": f"{self.url}/console"} if self._app.has_console else {}
        return {"http": self.url, **console}

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        self._listener = self._bound()
        self._server.lifespan = self._server.config.lifespan_class(self._server.config)
        await self._server.startup(sockets=[self._listener])
        self._ticking = asyncio.create_task(self._server.main_loop())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop in order."""
        self._app.draining = True
        await asyncio.sleep(self._config.drain_seconds)
        for listening in self._server.servers:
            listening.close()
        try:
            async with asyncio.timeout(self._config.grace_seconds):
                await self._calls.idle()
        except TimeoutError:
            self._calls.shut_down()
            with suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH_SECONDS):
                    await self._calls.idle()
        self._server.should_exit = True
        if self._ticking is not None:
            await self._ticking
        await self._server.shutdown(sockets=[self._listener] if self._listener is not None else None)

    def _bound(self) -> socket.socket:
        host = self._host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # without the protocol's name asyncio would send small segments late (Nagle's algorithm): 40 ms a response
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._reuse_port:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind((host, self._port))
            listener.listen(_BACKLOG)
            listener.setblocking(False)
        except OSError as error:
            listener.close()
            fault = ConfigFault(f"cannot listen there: {error.strerror or error}", "server.http.address")
            raise ConfigError(self.address, [fault]) from error
        self._port = listener.getsockname()[1]
        return listener
