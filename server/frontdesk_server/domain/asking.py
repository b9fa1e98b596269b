"""The seam through which routing and checks ask a model of the pool a question of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.observer import AttemptParent
from frontdesk_server.domain.query import Query


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer with what it took. `cost_nano_usd` None is unknown."""

    answer: Answer
    cost_nano_usd: int | None
    duration_seconds: float


class Ask(Protocol):
    """Asks one model once, without fallback. Cancelling it aborts the call upstream."""

    async def __call__(
        self, model: str, query: Query, *, purpose: str, timeout_seconds: float, parent: AttemptParent
    ) -> Asked:
        """Return the whole answer; raise `UpstreamError` on any failure, UpstreamTimedOut past the timeout."""
