"""What a gRPC call brings beside its message."""

from __future__ import annotations

from typing import Any

import grpc


def metadata_of(context: grpc.aio.ServicerContext[Any, Any]) -> dict[str, str]:
    """Text metadata of the call."""
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
