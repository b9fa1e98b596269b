"""How the models fare at the moment, learnt from live traffic."""

from __future__ import annotations

from collections.abc import Iterable

from frontdesk_server.config.service import BreakerConfig
from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.decision import Exclusion, ExclusionReason
from frontdesk_server.domain.errors import UpstreamError, UpstreamRequestRefused
from frontdesk_server.domain.model import Model
from frontdesk_server.execution.breaker import Breaker, BreakerState

_SMOOTHING = 0.2


class LiveConditions:
    """Breakers and observed times to first token, by model. Lives on when the configuration is swapped."""

    def __init__(self, config: BreakerConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}
        self._time_to_first_token: dict[str, float] = {}

    def breaker(self, model: str) -> Breaker:
        """The model's breaker."""
        breaker = self._breakers.get(model)
        if breaker is None:
            breaker = self._breakers[model] = Breaker(self._config, self._clock)
        return breaker

    def states(self, models: Iterable[str]) -> dict[str, BreakerState]:
        """The state of every breaker, for metrics."""
        return {model: self.breaker(model).state for model in models}

    def exclusion(self, model: Model, caller: str, remaining_seconds: float | None) -> Exclusion | None:
        """Why the model cannot answer at this moment."""
        breaker = self.breaker(model.name)
        if not breaker.admits:
            return Exclusion(
                ExclusionReason.BREAKER_OPEN, f"circuit breaker is open for {breaker.retry_after_seconds:.1f} s more"
            )
        if remaining_seconds is not None:
            expected = self.time_to_first_token_seconds(model)
            if expected is not None and expected > remaining_seconds:
                return Exclusion(
                    ExclusionReason.DEADLINE,
                    f"first token expected after {expected:.2f} s, {max(0.0, remaining_seconds):.2f} s are left",
                )
        return None

    def time_to_first_token_seconds(self, model: Model) -> float | None:
        """Smoothed observation, else the configuration's expectation."""
        observed = self._time_to_first_token.get(model.name)
        if observed is not None:
            return observed
        return None if model.time_to_first_token_ms is None else model.time_to_first_token_ms / 1000

    def report(
        self,
        model: str,
        outcome: AttemptOutcome,
        error: BaseException | None,
        time_to_first_token_seconds: float | None,
    ) -> None:
        """Learn from one settled attempt."""
        breaker = self.breaker(model)
        if outcome in (AttemptOutcome.ACCEPTED, AttemptOutcome.REJECTED):
            breaker.succeeded()
        elif isinstance(error, UpstreamError) and not isinstance(error, UpstreamRequestRefused):
            breaker.failed()
        else:
            breaker.abandoned()
        if time_to_first_token_seconds is not None:
            before = self._time_to_first_token.get(model, time_to_first_token_seconds)
            self._time_to_first_token[model] = before + _SMOOTHING * (time_to_first_token_seconds - before)
