"""The gRPC server: listening, health, reflection, limits, and an orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

import grpc
from frontdesk.v1 import router_service_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio

from frontdesk_server.config.service import ServerConfig
from frontdesk_server.desk.calls import RunningCalls, anyone
from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.domain.unusable import in_words
from frontdesk_server.rpc.interceptor import Interceptor
from frontdesk_server.rpc.load_report import LoadMeter, reporting
from frontdesk_server.rpc.reflection import add_reflection
from frontdesk_server.rpc.service import SERVICE_NAME, Desk, RouterService
from frontdesk_server.rpc.unix_socket import SocketInUse, claimed, socket_path

if TYPE_CHECKING:
    from frontdesk_server.rpc.ext_proc.dialect import Dialect

_SERVED = ("", SERVICE_NAME)

_MOST_PENDING_CALLS = 65_536
LONGEST_PENDING_SECONDS = 3_600
# A message up to this many times the limit is read, so that its refusal can say why; a longer one gRPC refuses itself.
_READ_BEYOND_LIMIT = 8

# Clients that ping more often are cut off with "too_many_pings" in the middle of their calls; ours ping every 30 s.
MIN_PING_INTERVAL_MS = 10_000

_FLUSH_SECONDS = 0.5


class RpcServer:
    """Serves a desk while its `async with` block runs.

    Construct it inside a running event loop. On leaving, health says NOT_SERVING, calls that arrive within the
    configured drain are still served, running ones may finish within the configured grace, and the rest ends with
    `ShuttingDown`; when the block has been left, no call is running any more.
    """

    def __init__(
        self,
        desk: Desk,
        config: ServerConfig,
        calls: RunningCalls,
        *,
        credentials: grpc.ServerCredentials | None = None,
        reuse_port: bool = False,
        dialects: Sequence[Dialect] = (),
    ) -> None:
        """`dialects` are those in which a gateway's requests may pose queries, where `ext_proc` is configured."""
        self._config = config
        self._credentials = credentials
        self._health = health_aio.HealthServicer()
        self._calls = calls
        self._server = grpc.aio.server(options=_options(config, reuse_port))
        interceptor = Interceptor(calls, config.max_message_bytes)
        handlers = RouterService(desk).handlers(interceptor)
        if config.load_reports != "never":
            meter = LoadMeter(config.load_reports, config.max_concurrent_calls, calls.clock)
            handlers = reporting(handlers, meter)
        self._server.add_registered_method_handlers(SERVICE_NAME, handlers)
        if config.ext_proc is not None:
            from frontdesk_server.rpc.ext_proc.service import PROCESSOR_NAME, ExternalProcessor
            from frontdesk_server.rpc.ext_proc.transit import Terms

            terms = Terms(desk, config.ext_proc, dialects, calls.identify, config.max_message_bytes)
            processing = ExternalProcessor(terms).handlers(interceptor)
            self._server.add_registered_method_handlers(PROCESSOR_NAME, processing)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if config.reflection:
            asked = anyone if config.reflection == "open" else calls.identify
            add_reflection(self._server, router_service_pb2.DESCRIPTOR, health_pb2.DESCRIPTOR, identify=asked)
        self._port = 0
        self._claim = ExitStack()

    @property
    def port(self) -> int:
        """The bound TCP port; of a unix socket the number says nothing."""
        return self._port

    @property
    def address(self) -> str:
        """Where clients reach it: host:port with the bound port, or unix:/path."""
        if self._config.address.startswith("unix:"):
            return self._config.address
        return f"{self._config.address.rpartition(':')[0]}:{self._port}"

    async def __aenter__(self) -> Self:
        """Listen and say SERVING.

        Raises:
            ConfigError: the address cannot be listened on.

        """
        self._listen(self._config.address)
        await self._server.start()
        for name in _SERVED:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop in order."""
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(self._config.drain_seconds)
        # gRPC itself would end what outlasts the grace without saying why.
        stopping = asyncio.create_task(self._server.stop(self._config.grace_seconds + 2 * _FLUSH_SECONDS))
        try:
            async with asyncio.timeout(self._config.grace_seconds):
                # Clients go on sending until they have read that they are to go elsewhere.
                await self._calls.quiet(min(_FLUSH_SECONDS, self._config.drain_seconds))
        except TimeoutError:
            self._calls.shut_down()
            with suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH_SECONDS):
                    await self._calls.idle()
        # Health watchers never end by themselves: with no call of ours left there is nothing to wait for but the last
        # responses on their way out.
        await self._server.stop(_FLUSH_SECONDS)
        await stopping
        await self._calls.idle()
        self._claim.close()

    def _listen(self, address: str) -> None:
        path = socket_path(address)
        with ExitStack() as claim:
            try:
                if path is not None:
                    claim.enter_context(claimed(path))
                if self._credentials is None:
                    self._port = self._server.add_insecure_port(address)
                else:
                    self._port = self._server.add_secure_port(address, self._credentials)
            except RuntimeError as error:
                raise _unusable(address, "in use, or not an address of this machine") from error
            except (SocketInUse, OSError) as error:
                raise _unusable(address, in_words(error)) from error
            self._claim = claim.pop_all()


def _unusable(address: str, why: str) -> ConfigError:
    return ConfigError(address, [ConfigFault(f"cannot listen there: {why}", "server.address")])


def _options(config: ServerConfig, reuse_port: bool) -> Sequence[tuple[str, int]]:
    age_seconds = config.max_connection_age_seconds
    return (
        *((("grpc.max_connection_age_ms", int(age_seconds * 1000)),) if age_seconds is not None else ()),
        ("grpc.max_connection_idle_ms", max(1, int(config.max_connection_idle_seconds * 1000))),
        ("grpc.max_allowed_incoming_connections", config.max_connections),
        ("grpc.max_concurrent_streams", config.max_concurrent_streams),
        # With it gRPC refuses streams of clients that keep to the bound: it still counts those that have just ended.
        ("grpc.http.overload_protection", 0),
        # Calls that came in and whose handlers are still to start: gRPC would refuse those of a burst beyond 1,000 as
        # cancelled, where admission tells callers when to come back.
        ("grpc.server.max_pending_requests", _MOST_PENDING_CALLS),
        ("grpc.server.max_pending_requests_hard_limit", _MOST_PENDING_CALLS),
        # Between the two gRPC refuses at random.
        # By itself it would cancel, too, what has waited for its handler for 30 s; callers say how long they will wait.
        ("grpc.server_max_unrequested_time_in_server", LONGEST_PENDING_SECONDS),
        ("grpc.max_metadata_size", config.max_metadata_bytes),
        ("grpc.absolute_max_metadata_size", config.max_metadata_bytes),
        ("grpc.so_reuseport", int(reuse_port)),
        ("grpc.max_receive_message_length", config.max_message_bytes * _READ_BEYOND_LIMIT),
        ("grpc.max_send_message_length", -1),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", MIN_PING_INTERVAL_MS),
    )
