"""A gRPC call as the desk sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from frontdesk_server.domain.call import ANONYMOUS, Caller
from frontdesk_server.domain.observer import CallObservation

Identify = Callable[[Mapping[str, str]], Caller]
"""Tells who calls from the call's metadata; raises Unauthenticated."""


def anyone(metadata: Mapping[str, str]) -> Caller:
    """Everybody is the anonymous caller."""
    return ANONYMOUS


@dataclass(frozen=True, slots=True)
class GrpcCall:
    """One call; satisfies `domain.call.Call`. gRPC cancels it by cancelling the task that serves it."""

    caller: Caller
    deadline: float | None
    metadata: Mapping[str, str]
    observation: CallObservation
