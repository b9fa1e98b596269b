"""How commands reach a Frontdesk: the running server, else one in this process."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import typer
from frontdesk import Client
from frontdesk.channel import channel_credentials, channel_options, target_of
from grpc_health.v1 import health_pb2, health_pb2_grpc

from frontdesk_server.cli.saying import say
from frontdesk_server.domain.unusable import with_its_file

if TYPE_CHECKING:
    from frontdesk_server.config.loading import LoadedConfig

DEFAULT_ADDRESS = "127.0.0.1:50051"
SERVING = "SERVING"
_PROBE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a running server is, and what it wants to see of its callers.

    `tls`: of the system's authorities, or plain text for False; unset, TLS unless the server is on this machine.
    """

    address: str | None = None
    token: str | None = field(default=None, repr=False)
    tls: bool | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @property
    def named(self) -> bool:
        """Whether a server was named; a token alone may just be in the environment."""
        return replace(self, token=None) != Reach()

    def client(self) -> Client:
        """A client of that server. Raises typer.BadParameter when the options do not belong together."""
        try:
            return Client(self._target, tls=self._credentials() or self.tls, token=self.token)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--token") from error

    def channel(self) -> grpc.aio.Channel:
        """A channel to that server, for services that are not Frontdesk's own."""
        target = self._target
        credentials = channel_credentials(self._credentials() or self.tls, target)
        options = channel_options(target=target)
        if credentials is None:
            return grpc.aio.insecure_channel(target, options)
        return grpc.aio.secure_channel(target, credentials, options)

    @property
    def _target(self) -> str:
        """Raises typer.BadParameter for an address that nobody can have."""
        try:
            return target_of(self.address or DEFAULT_ADDRESS)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--address") from error

    def _credentials(self) -> grpc.ChannelCredentials | None:
        """Of files that it cannot use gRPC says no more than that it cannot connect, so they are tried before."""
        if self.certificate is None and self.key is not None:
            raise typer.BadParameter("a key belongs to a certificate", param_hint="--key")
        if not (self.tls or self.ca or self.certificate):
            return None
        context = ssl.create_default_context()
        try:
            authorities = None if self.ca is None else self.ca.read_bytes()
            if self.ca is not None:
                context.load_verify_locations(self.ca)
            if self.certificate is None:
                return grpc.ssl_channel_credentials(authorities)
            key = self.key or self.certificate
            context.load_cert_chain(self.certificate, key, password=b"")
            return grpc.ssl_channel_credentials(authorities, key.read_bytes(), self.certificate.read_bytes())
        except OSError as error:
            told = f"unusable: {with_its_file(error)}"
            raise typer.BadParameter(told, param_hint="--ca, --certificate, --key") from error


@asynccontextmanager
async def connect(reach: Reach, config: Path | None) -> AsyncIterator[Client]:
    """A client of the server that the options name; without any, of the default address if something serves there.

    When nothing does, or a configuration is given, the server runs in this process.
    """
    if config is None and (reach.named or await health_of(Reach(), _PROBE_SECONDS) == SERVING):
        async with reach.client() as client:
            yield client
    else:
        from frontdesk_server.config.loading import default_config_path, load_config

        loaded = load_config(config or default_config_path())
        kept = _ledger_file(loaded)
        async with in_process(loaded) as client:
            if kept is None and (begun := _ledger_file(loaded)) is not None:
                say(f"{begun} begins here: it keeps what is decided, for log, stats and explain", err=True)
            yield client


def _ledger_file(loaded: LoadedConfig) -> Path | None:
    """The SQLite file of the ledger, where there is one by now."""
    path = Path(loaded.config.ledger.url.get_secret_value().removeprefix("sqlite:///"))
    return path if path.is_file() else None


@asynccontextmanager
async def in_process(loaded: LoadedConfig) -> AsyncIterator[Client]:
    """A client of a server of its own, on a unix socket that only this user can reach."""
    from frontdesk_server.assembly.app import open_server  # what asks a server that runs need not load another

    telemetry = loaded.config.telemetry.model_copy(update={"log_level": "error"})
    quiet = replace(loaded, config=loaded.config.model_copy(update={"telemetry": telemetry}))
    with tempfile.TemporaryDirectory(prefix="frontdesk-") as folder:
        address = f"unix:{folder}/frontdesk.sock"
        async with open_server(quiet, address=address, trusted=True), Client(address) as client:
            yield client


async def health_of(reach: Reach, seconds: float) -> str:
    """What a server says of itself, such as SERVING; the call's status, such as UNAVAILABLE, where it says nothing."""
    async with reach.channel() as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            response = await stub.Check(health_pb2.HealthCheckRequest(), timeout=seconds)
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))
