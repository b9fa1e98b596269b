"""The seam through which routing and execution learn how models fare at the moment."""

from __future__ import annotations

from typing import Protocol

from frontdesk_server.domain.decision import Exclusion
from frontdesk_server.domain.model import Deployment, Model
from frontdesk_server.domain.profile import Profile


class Conditions(Protocol):
    """The state of the pool: breakers, budgets, observed latency."""

    def exclusion(self, model: Model, caller: str, remaining_seconds: float | None) -> Exclusion | None:
        """Why the model cannot answer at this moment; None when it can."""

    def time_to_first_token_seconds(self, model: Model) -> float | None:
        """What has been observed lately, else what the configuration expects; None when neither is known."""

    def profile(self, deployment: Deployment) -> Profile:
        """What is known of the deployment's model, what its upstream refused lately included."""


class CalmConditions:
    """Nothing is wrong and nothing was observed."""

    def exclusion(self, model: Model, caller: str, remaining_seconds: float | None) -> Exclusion | None:
        """Never excluded."""
        return None

    def time_to_first_token_seconds(self, model: Model) -> float | None:
        """What the configuration expects."""
        return None if model.time_to_first_token_ms is None else model.time_to_first_token_ms / 1000

    def profile(self, deployment: Deployment) -> Profile:
        """What the configuration knows."""
        return deployment.profile
