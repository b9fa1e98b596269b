"""A gRPC call as the desk sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc

from frontdesk_server.domain.call import ANONYMOUS, Caller, Peer
from frontdesk_server.domain.errors import FrontdeskError, ShuttingDown
from frontdesk_server.domain.observer import CallObservation


def anyone(metadata: Mapping[str, str], peer: Peer) -> Caller:
    """Everybody is the anonymous caller."""
    return ANONYMOUS


def metadata_of(context: grpc.aio.ServicerContext[Any, Any]) -> dict[str, str]:
    """Text metadata of the call."""
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


def _never() -> bool:
    return False


@dataclass(slots=True)
class GrpcCall:
    """One call; satisfies `domain.call.Call`. gRPC cancels it by cancelling the task that serves it."""

    caller: Caller
    deadline: float | None
    metadata: Mapping[str, str] = field(repr=False)
    observation: CallObservation
    is_stopped: Callable[[], bool] = _never

    @property
    def ended_by(self) -> FrontdeskError | None:
        """Why the front itself ends the call, as it stops; None while it does not."""
        return ShuttingDown("the server is stopping") if self.is_stopped() else None
