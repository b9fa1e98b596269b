"""Spreads a model's calls over its deployments: the less loaded of two random ones (Mitzenmacher 2001)."""

from __future__ import annotations

from collections import Counter
from random import Random

from frontdesk_server.domain.model import Deployment, Model


class Balancer:
    """Counts calls in flight per deployment."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._in_flight: Counter[Deployment] = Counter()

    def acquire(self, model: Model, avoid: Deployment | None = None) -> Deployment:
        """Choose a deployment, if possible another than `avoid`, and count the call; `release` it when it has ended."""
        choices = [d for d in model.deployments if d != avoid] or list(model.deployments)
        if len(choices) > 1:
            choices = self._random.choices(choices, [d.weight for d in choices], k=2)
        chosen = min(choices, key=lambda d: self._in_flight[d] / d.weight)
        self._in_flight[chosen] += 1
        return chosen

    def release(self, deployment: Deployment) -> None:
        """The call has ended."""
        self._in_flight[deployment] -= 1
        if not self._in_flight[deployment]:
            del self._in_flight[deployment]
