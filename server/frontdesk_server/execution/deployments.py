"""The deployments that one attempt asks, one after the other, and which of them is to blame for what."""

from __future__ import annotations

from collections.abc import Callable

from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.errors import UpstreamError, UpstreamRequestRefused, UpstreamTimedOut
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.execution.balancing import Balancer, Passage


class Deployments:
    """Where an attempt is, and where it has been.

    A refused request (400, 404, 422) is the caller's fault or the deployment's: the deployment's, when another one of
    the same model answers the same request. Until that is known its breaker learns nothing.
    """

    def __init__(
        self, balancer: Balancer, model: Model, passage: Passage, unfit: Callable[[], frozenset[Deployment]] = frozenset
    ) -> None:
        """`unfit` tells which deployments cannot take the query, as far as is known by then."""
        self._balancer = balancer
        self._unfit = unfit
        self._model = model
        self._passage = passage
        self._asked = {passage.deployment}
        self._refused: list[Passage] = []

    @property
    def current(self) -> Deployment:
        """The one that is asked now."""
        return self._passage.deployment

    @property
    def all_asked(self) -> bool:
        """Whether the model is served nowhere else."""
        return len(self._asked) == len(self._model.deployments)

    def elsewhere(self, error: UpstreamError, *, sent: bool) -> bool:
        """Turn to one that has not been asked, whatever the error but a timer of what was sent."""
        if isinstance(error, UpstreamTimedOut) and sent:
            return False
        return self._turn(error, self._balancer.acquire(self._model, self._asked | self._unfit()))

    def again(self, error: UpstreamError) -> None:
        """Repeat on another one if there is any, else on the same."""
        self._turn(error, self._balancer.acquire(self._model, {self.current} | self._unfit()))

    def answered(self) -> None:
        """The whole answer has come."""
        self._passage.succeeded()
        for passage in self._refused:
            passage.failed()

    def ended(self, outcome: AttemptOutcome, error: BaseException | None) -> None:
        """The attempt is settled."""
        self._passage.ended(outcome, error)
        for passage in self._refused:
            passage.abandoned()

    def _turn(self, error: UpstreamError, passage: Passage | None) -> bool:
        if passage is None:
            return False
        left, self._passage = self._passage, passage
        self._asked.add(passage.deployment)
        if isinstance(error, UpstreamRequestRefused) and error.refusal is not None:
            left.abandoned()  # it is well, and is not asked so again
        elif isinstance(error, UpstreamRequestRefused):
            left.park()
            self._refused.append(left)
        else:
            left.ended(AttemptOutcome.FAILED, error)
        return True
