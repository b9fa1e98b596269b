"""How commands reach a Frontdesk: the running server, else one in this process."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
from frontdesk import Client
from grpc_health.v1 import health_pb2, health_pb2_grpc

from frontdesk_server.app import open_server
from frontdesk_server.config.loading import LoadedConfig, default_config_path, load_config

DEFAULT_ADDRESS = "127.0.0.1:50051"
_PROBE_SECONDS = 0.5


@asynccontextmanager
async def connect(address: str | None, config: Path | None) -> AsyncIterator[Client]:
    """A client of the server at `address`; without one, of the default address if something serves there.

    When nothing does, or a configuration is given, the server runs in this process.
    """
    if address is not None:
        async with Client(address) as client:
            yield client
    elif config is None and await _serves(DEFAULT_ADDRESS):
        async with Client(DEFAULT_ADDRESS) as client:
            yield client
    else:
        async with in_process(load_config(config or default_config_path())) as client:
            yield client


@asynccontextmanager
async def in_process(loaded: LoadedConfig) -> AsyncIterator[Client]:
    """A client of a server of its own, on a unix socket that only this user can reach."""
    telemetry = loaded.config.telemetry.model_copy(update={"log_level": "error"})
    quiet = replace(loaded, config=loaded.config.model_copy(update={"telemetry": telemetry}))
    with tempfile.TemporaryDirectory(prefix="frontdesk-") as folder:
        address = f"unix:{folder}/frontdesk.sock"
        async with open_server(quiet, address=address, trusted=True), Client(address) as client:
            yield client


async def _serves(address: str) -> bool:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            response = await stub.Check(health_pb2.HealthCheckRequest(), timeout=_PROBE_SECONDS)
        except grpc.aio.AioRpcError:
            return False
        return bool(response.status == health_pb2.HealthCheckResponse.SERVING)
