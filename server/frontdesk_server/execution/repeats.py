"""Whether a call that has failed before any content is followed by another one, when, and where."""

from __future__ import annotations

from collections.abc import Callable

from frontdesk_server.domain.errors import UpstreamError, UpstreamRequestRefused
from frontdesk_server.domain.observer import AttemptObservation
from frontdesk_server.execution.backoff import Backoff
from frontdesk_server.execution.billing import Billing
from frontdesk_server.execution.calls import Calls
from frontdesk_server.execution.deployments import Deployments
from frontdesk_server.execution.order import AttemptOrder, AttemptTools
from frontdesk_server.state.limits import Reservation

_MOST_LESSONS = 4
"""Repeats of one attempt because something was refused by name."""


class Repeats:
    """Those of one attempt.

    Deployments that have not been asked are asked at once. After them the same call may be repeated: what one of
    several deployments asks for does not hold for the others, one of which is asked next.
    """

    def __init__(
        self,
        tools: AttemptTools,
        order: AttemptOrder,
        calls: Calls,
        deployments: Deployments,
        observation: AttemptObservation,
    ) -> None:
        self._lessons_of = tools.conditions.lessons
        self._order = order
        self._calls = calls
        self._deployments = deployments
        self._observation = observation
        self._backoff = Backoff(tools.retry, tools.random)
        self._learned = 0

    async def wait(self, error: UpstreamError, last: Billing, left: Callable[[], float], *, sent: bool) -> float | None:
        """Seconds to wait before the next call, for which room is made; None when there is no next call.

        `last` is what the call is settled with that failed so, `left` tells what its timer leaves, and `sent` whether
        its request has left Frontdesk.
        """
        if not self._calls.keeps_its_room(last):
            return self._begin(error, last, left(), None, sent=sent)
        if self._deployments.all_asked and not self._backoff.allows(error):
            return None
        more = await self._calls.room()
        if more is None:
            return None
        with more:
            return self._begin(error, last, left(), more, sent=sent)

    def _begin(
        self, error: UpstreamError, last: Billing, left: float, more: Reservation | None, *, sent: bool
    ) -> float | None:
        wait = self._seconds(error, left, sent=sent)
        if wait is not None:
            self._calls.repeat(last, more)
        return wait

    def _seconds(self, error: UpstreamError, left: float, *, sent: bool) -> float | None:
        if left <= 0:
            return None
        if self._has_learned(error) or self._deployments.elsewhere(error, sent=sent):
            return 0.0
        wait = self._backoff.next_wait(error, left, alone=len(self._order.model.deployments) == 1)
        if wait is not None:
            self._deployments.again(error)
        return wait

    def _has_learned(self, error: UpstreamError) -> bool:
        """Whether the same deployment can take the query after all, without what it refused by name."""
        if not isinstance(error, UpstreamRequestRefused) or error.refusal is None:
            return False
        deployment = self._deployments.current
        if not self._lessons_of.learn(deployment, error.refusal):
            return False
        self._observation.learned(deployment, error.refusal)
        self._learned += 1
        return self._learned <= _MOST_LESSONS and deployment not in self._order.unfit()
