"""An OTLP collector that throws away what it gets, so that a traced run exports for real.

Usage: python -m benchmarks.servers.span_sink PORT
"""

from __future__ import annotations

import sys
from typing import Any

import grpc
import uvloop


async def _export(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
    return b""  # an empty response says that everything was taken


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    handler: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(_export)
    server = grpc.aio.server()
    for signal in ("trace", "metrics"):
        service = f"opentelemetry.proto.collector.{signal}.v1.{signal.capitalize()}Service"
        server.add_registered_method_handlers(service, {"Export": handler})
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
