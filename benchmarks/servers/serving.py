"""A bare grpc.aio server on loopback, which every server here is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc


async def serve(port: int, services: Mapping[str, Mapping[str, grpc.RpcMethodHandler[Any, Any]]]) -> None:
    """Serve these handlers, by the full name of the service and by method, until the process is ended."""
    server = grpc.aio.server()
    for name, handlers in services.items():
        server.add_registered_method_handlers(name, handlers)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()
