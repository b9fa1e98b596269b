"""What upstreams refused lately: a call pays for such a lesson once, not every time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.lessons import Refusal, learned
from frontdesk_server.domain.model import Deployment
from frontdesk_server.domain.profile import Profile

LESSON_SECONDS = 3600.0
"""How long a lesson is believed: providers mend and change what they take."""

_MOST_DEPLOYMENTS = 1000


@dataclass(frozen=True, slots=True)
class _Learned:
    """`configured` is what the lesson was learned beside: a new configuration begins anew."""

    configured: Profile
    profile: Profile
    expires_at: float


class Lessons:
    """Profiles of deployments as their refusals have made them; the ones learned first are forgotten first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._learned: OrderedDict[tuple[str, str], _Learned] = OrderedDict()

    def profile(self, deployment: Deployment) -> Profile:
        """What is known of the deployment's model."""
        if not self._learned:
            return deployment.profile
        key = (deployment.backend, deployment.upstream_model)
        known = self._learned.get(key)
        if known is None:
            return deployment.profile
        if known.configured is not deployment.profile or known.expires_at <= self._clock.monotonic():
            del self._learned[key]
            return deployment.profile
        return known.profile

    def learn(self, deployment: Deployment, refusal: Refusal) -> bool:
        """Remember what a refusal teaches; False where it teaches nothing that was not known."""
        before = self.profile(deployment)
        after = learned(before, refusal)
        if after == before:
            return False
        key = (deployment.backend, deployment.upstream_model)
        self._learned[key] = _Learned(deployment.profile, after, self._clock.monotonic() + LESSON_SECONDS)
        self._learned.move_to_end(key)
        if len(self._learned) > _MOST_DEPLOYMENTS:
            self._learned.popitem(last=False)
        return True
