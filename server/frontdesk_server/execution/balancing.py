"""Spreads a model's calls over its deployments: the less loaded of two random ones (Mitzenmacher 2001)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from random import Random

from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.execution.breaker import BreakerPermit
from frontdesk_server.execution.conditions import LiveConditions


class Passage:
    """Leave to call one deployment. It counts as in flight until it is reported once what the call tells, or parked."""

    __slots__ = ("_in_flight", "_permit", "deployment")

    def __init__(self, deployment: Deployment, permit: BreakerPermit, in_flight: Counter[Deployment]) -> None:
        self.deployment = deployment
        self._permit = permit
        self._in_flight: Counter[Deployment] | None = in_flight
        in_flight[deployment] += 1

    def succeeded(self) -> None:
        """The deployment has answered."""
        self.park()
        self._permit.succeeded()

    def failed(self) -> None:
        """The deployment is at fault."""
        self.park()
        self._permit.failed()

    def abandoned(self) -> None:
        """The call told nothing about the deployment."""
        self.park()
        self._permit.abandoned()

    def ended(self, outcome: AttemptOutcome, error: BaseException | None) -> None:
        """The call is settled: what became of it tells what there is to tell."""
        self.park()
        self._permit.ended(outcome, error)

    def park(self) -> None:
        """The call is over, and what it tells is not known yet."""
        in_flight, self._in_flight = self._in_flight, None
        if in_flight is not None:
            in_flight[self.deployment] -= 1
            if not in_flight[self.deployment]:
                del in_flight[self.deployment]


class Balancer:
    """Chooses among the deployments whose breakers let a call through, and counts calls in flight."""

    def __init__(self, random: Random, conditions: LiveConditions) -> None:
        self._random = random
        self._conditions = conditions
        self._in_flight: Counter[Deployment] = Counter()

    def acquire(self, model: Model, avoid: Collection[Deployment] = ()) -> Passage | None:
        """Leave to call a deployment that is not to be avoided; None where no breaker of such a one lets it through."""
        breakers = {d: self._conditions.breaker(model, d) for d in model.deployments if d not in avoid}
        choices = [deployment for deployment, breaker in breakers.items() if breaker.admits]
        if not choices:
            return None
        if len(choices) > 1:
            choices = self._random.choices(choices, [d.weight for d in choices], k=2)
        chosen = min(choices, key=lambda d: self._in_flight[d] / d.weight)
        permit = breakers[chosen].acquire()
        return None if permit is None else Passage(chosen, permit, self._in_flight)
