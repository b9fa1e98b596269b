"""The seam between a front (gRPC today) and the desk: one call of one caller."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from frontdesk_server.domain.errors import FrontdeskError
from frontdesk_server.domain.observer import NULL_CALL, CallObservation


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. Empty sets allow every router and model; `own_keys` are backends it may bring a provider's key for."""

    name: str = "anonymous"
    routers: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    own_keys: frozenset[str] = frozenset()

    def may_use_model(self, name: str) -> bool:
        """Whether the model may answer this caller."""
        return not self.models or name in self.models

    def may_use_router(self, name: str) -> bool:
        """Whether the caller may name the router."""
        return not self.routers or name in self.routers


ANONYMOUS = Caller()

Peer = Callable[[], Collection[str]]
"""Names in the certificate which the caller has proven to hold; none without mTLS."""

Identify = Callable[[Mapping[str, str], Peer], Caller]
"""Tells who calls from the call's metadata and its peer; raises Unauthenticated."""


_DEADLINE_TOLERANCE_SECONDS = 0.1


def has_passed(deadline: float | None, now: float) -> bool:
    """Whether what ends now is ended by its deadline.

    A caller counts from when it sent the call, and gRPC rounds timeouts, so that its cancel may come this much before
    the deadline by our clock.
    """
    return deadline is not None and now >= deadline - _DEADLINE_TOLERANCE_SECONDS


class Call(Protocol):
    """One call. It is cancelled by cancelling the task that serves it."""

    @property
    def caller(self) -> Caller:
        """Who calls."""

    @property
    def deadline(self) -> float | None:
        """Instant of the clock's monotonic time at which the caller gives up; None for no deadline."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """Text metadata of the call, keys in lower case."""

    @property
    def observation(self) -> CallObservation:
        """Where spans of this call hang."""

    @property
    def ended_by(self) -> FrontdeskError | None:
        """Why the front itself ends the call, as it stops; None while it does not."""


@dataclass(frozen=True, slots=True)
class LocalCall:
    """A call that no front hosts: one that a test makes in process."""

    caller: Caller = ANONYMOUS
    deadline: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)
    observation: CallObservation = NULL_CALL
    ended_by: FrontdeskError | None = None
