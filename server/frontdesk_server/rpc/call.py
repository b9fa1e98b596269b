"""A gRPC call as the desk sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from frontdesk_server.domain.call import ANONYMOUS, Caller, Peer
from frontdesk_server.domain.observer import CallObservation


def anyone(metadata: Mapping[str, str], peer: Peer) -> Caller:
    """Everybody is the anonymous caller."""
    return ANONYMOUS


@dataclass(frozen=True, slots=True)
class GrpcCall:
    """One call; satisfies `domain.call.Call`. gRPC cancels it by cancelling the task that serves it."""

    caller: Caller
    deadline: float | None
    metadata: Mapping[str, str]
    observation: CallObservation
