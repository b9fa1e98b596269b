"""How the models fare at the moment, learnt from live traffic."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from frontdesk_server.config.service import BreakerConfig
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.decision import Exclusion, ExclusionReason
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.profile import Profile
from frontdesk_server.execution.breaker import Breaker, BreakerState
from frontdesk_server.execution.lessons import Lessons

_SMOOTHING = 0.2
_HALF_LIFE_SECONDS = 30.0
_FORGOTTEN_HALF_LIVES = 4
_LATEST = 100
_FEWEST_FOR_QUANTILE = 20
_SLOW = 0.95
_BEST_FIRST = (BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN)


@dataclass(frozen=True, slots=True)
class _Observed:
    seconds: float
    at: float


class BreakerNotices(Protocol):
    """Where machines tell each other which breakers are open."""

    def opened(self, name: str, seconds: float) -> None:
        """A breaker has opened by its own calls, for so long; returns at once."""

    def closed(self, name: str) -> None:
        """A breaker has closed by its own probe; returns at once."""

    async def read(self) -> Mapping[str, float]:
        """The open breakers, with the seconds for which they stay open still."""


class LiveConditions:
    """Breakers of deployments, what these refuse, and times to first token of models. Outlives a configuration.

    An observation loses half of its weight against the configuration's expectation every 30 s, and is forgotten after
    four times that: a model that was slow, and was not asked any more because of it, is tried again.
    """

    def __init__(self, config: BreakerConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}
        self._notices: BreakerNotices | None = None
        self._observed: dict[str, _Observed] = {}
        self._latest: dict[str, deque[float]] = {}
        self.lessons = Lessons(clock)

    def profile(self, deployment: Deployment) -> Profile:
        """What is known of the deployment's model, what its upstream refused lately included."""
        return self.lessons.profile(deployment)

    def breaker(self, model: Model, deployment: Deployment) -> Breaker:
        """The breaker of one of the model's deployments."""
        key = f"{model.name}\0{deployment.backend}\0{deployment.upstream_model}"
        breaker = self._breakers.get(key)
        if breaker is None:
            breaker = self._breakers[key] = Breaker(self._config, self._clock, partial(self._tell, key))
        return breaker

    def tell(self, notices: BreakerNotices | None) -> None:
        """From now on tell others there what breakers find out by their own calls."""
        self._notices = notices

    def hear(self, open_seconds: Mapping[str, float]) -> None:
        """What others have told: which breakers are open, and for how long still."""
        for key, breaker in self._breakers.items():
            breaker.hear(open_seconds.get(key))

    def _tell(self, key: str, open_seconds: float | None) -> None:
        if self._notices is None:
            return
        if open_seconds is None:
            self._notices.closed(key)
        else:
            self._notices.opened(key, open_seconds)

    def state(self, model: Model) -> str:
        """The state of the model, which is that of its best deployment, for metrics."""
        return min((self.breaker(model, d).state for d in model.deployments), key=_BEST_FIRST.index).value

    def deployment_state(self, model: Model, deployment: Deployment) -> str:
        """The state of one of the model's deployments, for metrics."""
        return self.breaker(model, deployment).state.value

    def is_available(self, model: Model) -> bool:
        """Whether a deployment may be called now."""
        return any(self.breaker(model, d).admits for d in model.deployments)

    def exclusion(self, model: Model, caller: str, remaining_seconds: float | None) -> Exclusion | None:
        """Why the model cannot answer at this moment."""
        if not self.is_available(model):
            seconds = min(self.breaker(model, d).retry_after_seconds for d in model.deployments)
            every = "circuit breaker is" if len(model.deployments) == 1 else "circuit breakers of all deployments are"
            detail = f"{every} open for {seconds:.1f} s more"
            return Exclusion(ExclusionReason.BREAKER_OPEN, detail, retry_after_seconds=seconds)
        if remaining_seconds is not None:
            expected = self.time_to_first_token_seconds(model)
            if expected is not None and expected > remaining_seconds:
                return Exclusion(
                    ExclusionReason.DEADLINE,
                    f"first token expected after {expected:.2f} s, {max(0.0, remaining_seconds):.2f} s are left",
                )
        return None

    def time_to_first_token_seconds(self, model: Model) -> float | None:
        """Smoothed observation as far as it is fresh, else the configuration's expectation."""
        expected = None if model.time_to_first_token_ms is None else model.time_to_first_token_ms / 1000
        observed = self._observed.get(model.name)
        if observed is None:
            return expected
        half_lives = (self._clock.monotonic() - observed.at) / _HALF_LIFE_SECONDS
        if half_lives >= _FORGOTTEN_HALF_LIVES:
            return expected
        if expected is None:
            return observed.seconds
        weight: float = 0.5**half_lives
        return expected + weight * (observed.seconds - expected)

    def slow_first_token_seconds(self, model: str) -> float | None:
        """What 19 of 20 of the latest streams kept; None before 20 have been observed."""
        latest = sorted(self._latest.get(model, ()))
        return latest[int(_SLOW * len(latest))] if len(latest) >= _FEWEST_FOR_QUANTILE else None

    def observe(self, model: Model, time_to_first_token_seconds: float) -> None:
        """Learn from a stream how long its first token took."""
        before = self.time_to_first_token_seconds(model)
        if before is None:
            before = time_to_first_token_seconds
        seconds = before + _SMOOTHING * (time_to_first_token_seconds - before)
        self._observed[model.name] = _Observed(seconds, self._clock.monotonic())
        self._latest.setdefault(model.name, deque(maxlen=_LATEST)).append(time_to_first_token_seconds)
