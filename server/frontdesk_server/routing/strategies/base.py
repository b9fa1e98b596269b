"""What every strategy gets and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from frontdesk_server.domain.decision import PlanStep, StrategyStep, Verdict
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.observer import AttemptParent
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.signals import Signals


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a strategy expects of one model: quality in [0, 1] and its standard deviation."""

    quality: float
    uncertainty: float | None = None


@dataclass(frozen=True, slots=True)
class RoutingContext:
    """One query on its way through the tree.

    `eligible` are the models that passed the hard filters. `deadline` is the clock's monotonic instant at which routing
    must have decided.
    """

    query: Query
    signals: Signals
    policy: RoutingPolicy
    eligible: Mapping[str, Model]
    deadline: float
    observation: AttemptParent


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a strategy concluded.

    With verdict CHOSE either `model` is the choice, or `predictions` are given and selection chooses by the policy.
    `steps` are a cascade's; `only` restricts the query to these models, fallbacks included, whoever decides.
    `steps_taken` lists every strategy asked below and including this one, in order.
    """

    verdict: Verdict
    reason: str
    model: str = ""
    confidence: float | None = None
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    steps: tuple[PlanStep, ...] = ()
    only: frozenset[str] = frozenset()
    propensity: float = 1.0
    steps_taken: tuple[StrategyStep, ...] = ()


class Strategy(Protocol):
    """An algorithm that ranks candidates."""

    @property
    def kind(self) -> str:
        """Its kind as in the configuration."""

    @property
    def path(self) -> str:
        """Its place in the router's tree, such as "default/chain.1/rules"."""

    async def rank(self, context: RoutingContext) -> Ranking:
        """Conclude; failures of its own come as a Ranking, never as an exception."""
