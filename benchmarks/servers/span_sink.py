"""An OTLP collector that throws away what it gets, so that a traced run exports for real.

Usage: python -m benchmarks.servers.span_sink PORT
"""

from __future__ import annotations

import sys
from typing import Any

import grpc
import uvloop

from benchmarks.servers.serving import serve


async def _export(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
    return b""  # an empty response says that everything was taken


def main() -> None:
    """Serve until the process is ended."""
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {"Export": grpc.unary_unary_rpc_method_handler(_export)}
    services = {
        f"opentelemetry.proto.collector.{signal}.v1.{signal.capitalize()}Service": handlers
        for signal in ("trace", "metrics")
    }
    uvloop.run(serve(int(sys.argv[1]), services))


if __name__ == "__main__":
    main()
