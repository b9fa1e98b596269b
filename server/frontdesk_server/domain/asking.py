"""The seam through which routing and checks ask a model of the pool a question of their own."""

from __future__ import annotations

from typing import Protocol

from frontdesk_server.domain.attempt import Answer
from frontdesk_server.domain.observer import AttemptParent
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.usage import sum_known


class Bill:
    """What questions have cost, however they ended; what is added to a part is added to the whole."""

    __slots__ = ("_costs", "_whole")

    def __init__(self, whole: Bill | None = None) -> None:
        self._costs: list[int | None] = []
        self._whole = whole

    def add(self, cost_nano_usd: int | None) -> None:
        """A question is settled; None is an unknown cost."""
        self._costs.append(cost_nano_usd)
        if self._whole is not None:
            self._whole.add(cost_nano_usd)

    def part(self) -> Bill:
        """A bill of its own for some of the questions."""
        return Bill(self)

    @property
    def total_nano_usd(self) -> int | None:
        """All together; None when one of them is unknown."""
        return sum_known(self._costs)

    @property
    def known_nano_usd(self) -> int:
        """What is known of it."""
        return sum(cost or 0 for cost in self._costs)


class Ask(Protocol):
    """Asks one model once, without fallback. Cancelling it aborts the call upstream."""

    async def __call__(
        self, model: str, query: Query, *, purpose: str, timeout_seconds: float, parent: AttemptParent, bill: Bill
    ) -> Answer:
        """Return the whole answer; what it cost is on the bill, whatever becomes of it.

        Raises:
            UpstreamError: the model failed; UpstreamTimedOut past the timeout.
        """
