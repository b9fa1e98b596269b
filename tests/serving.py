"""Starts the real gRPC server in process, on a free port of loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from frontdesk_server.config.service import ServerConfig
from frontdesk_server.desk.calls import RunningCalls
from frontdesk_server.domain.observer import Observer
from frontdesk_server.rpc.server import RpcServer
from frontdesk_server.rpc.service import Desk


@asynccontextmanager
async def serving(
    desk: Desk,
    *,
    observer: Observer | None = None,
    credentials: grpc.ServerCredentials | None = None,
    **settings: Any,
) -> AsyncIterator[RpcServer]:
    """A server over this desk; `settings` are those of `ServerConfig`. Its `address` is where clients reach it."""
    config = ServerConfig(**{"address": "127.0.0.1:0", "grace_seconds": 1.0, **settings})
    calls = RunningCalls(observer=observer, max_concurrent_calls=config.max_concurrent_calls)
    async with RpcServer(desk, config, calls, credentials=credentials) as server:
        yield server
