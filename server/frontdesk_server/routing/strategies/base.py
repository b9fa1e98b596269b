"""What every strategy gets and gives."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.decision import PlanStep, StrategyStep, Verdict
from frontdesk_server.domain.defects import report_defect, type_of
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.observer import AttemptParent
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.signals import Signals
from frontdesk_server.domain.value import value
from frontdesk_server.routing.cutoff import Cutoff
from frontdesk_server.routing.selection import Outlook, Prediction, Preferences

Result = TypeVar("Result")


@value
class RoutingContext:
    """One query on its way through the tree.

    `eligible` are the models that passed the hard filters, `outlooks` what each is expected to take, `preferences` the
    caller's wishes with the router's defaults. `restricted_to` are the models to which a rule has restricted the query,
    so that no other may even read it; None where none has. `deadline` is the clock's monotonic instant at which routing
    must have decided; shortly after it the `cutoff` falls on what is still waited for.
    """

    query: Query
    signals: Signals
    policy: RoutingPolicy
    eligible: Mapping[str, Model]
    outlooks: Mapping[str, Outlook]
    preferences: Preferences
    deadline: float
    observation: AttemptParent
    clock: Clock
    restricted_to: frozenset[str] | None = None
    cutoff: Cutoff | None = None

    @property
    def hash_key(self) -> str:
        """What stable hashes go by: the caller's affinity key, else the text."""
        return self.policy.affinity_key or self.signals.text

    def within(self, restricted_to: frozenset[str]) -> RoutingContext:
        """The same query, restricted to these models."""
        eligible = {name: model for name, model in self.eligible.items() if name in restricted_to}
        return replace(self, eligible=eligible, restricted_to=intersection(self.restricted_to, restricted_to))

    def may_read(self, model: str) -> bool:
        """Whether the query may be shown to a model that does not answer it, such as a router LLM."""
        return self.restricted_to is None or model in self.restricted_to


class Ranking(NamedTuple):
    """What a strategy concluded.

    With verdict CHOSE, `model` is the choice; `predictions` and `scores` tell what it went by. `steps` are a cascade's,
    the first of which is of `model`. The query is `restricted_to` these models, fallbacks included, whoever decides;
    None does not restrict it. `propensity` is the probability with which this branch of the tree was taken.
    `steps_taken` lists this strategy and every one asked below it, in order.
    """

    verdict: Verdict
    reason: str
    model: str = ""
    confidence: float | None = None
    predictions: Mapping[str, Prediction] = MappingProxyType({})
    scores: Mapping[str, float] = MappingProxyType({})
    steps: tuple[PlanStep, ...] = ()
    restricted_to: frozenset[str] | None = None
    propensity: float = 1.0
    steps_taken: tuple[StrategyStep, ...] = ()

    def after(self, step: StrategyStep) -> Ranking:
        """The same, with this step put before those taken."""
        return Ranking(*self[:-1], steps_taken=(step, *self.steps_taken))


class Strategy(Protocol):
    """An algorithm that ranks candidates."""

    @property
    def kind(self) -> str:
        """Its kind as in the configuration."""

    @property
    def path(self) -> str:
        """Its place in the router's tree, such as "default/chain.1/rules"."""

    async def rank(self, context: RoutingContext) -> Ranking:
        """Conclude by `conclude`; failures of its own come as a Ranking, never as an exception."""


def conclude(
    strategy: Strategy, context: RoutingContext, started: float, ranking: Ranking, *, cost_nano_usd: int | None = 0
) -> Ranking:
    """The ranking with this strategy's own step put before those below it. `started` is the clock's monotonic time.

    What went by numbers that are not finite has failed: they compare as nobody meant.
    """
    if not _finite(ranking):
        ranking = Ranking(
            Verdict.FAILED,
            "its scores are not finite numbers",
            restricted_to=ranking.restricted_to,
            propensity=ranking.propensity,
            steps_taken=ranking.steps_taken,
        )
    step = StrategyStep(
        path=strategy.path,
        strategy=strategy.kind,
        verdict=ranking.verdict,
        reason=ranking.reason,
        duration_seconds=context.clock.monotonic() - started,
        model=ranking.model,
        confidence=ranking.confidence,
        cost_nano_usd=cost_nano_usd,
    )
    return ranking.after(step)


async def consult(strategy: Strategy, context: RoutingContext) -> Ranking:
    """Ask a strategy; what goes wrong in it becomes a failed ranking, so that the next one can take over.

    That holds for a cancelled task of the strategy's own, too, for what is no ranking of this query's models, and for
    a strategy that still waits when routing must have decided.
    """
    started = context.clock.monotonic()
    try:
        ranking = await strategy.rank(context)
        _insist(ranking, context)
    except asyncio.CancelledError as error:
        if context.cutoff is not None and context.cutoff.taken():
            return conclude(strategy, context, started, Ranking(Verdict.TIMED_OUT, "did not decide in time"))
        task = asyncio.current_task()
        if task is None or task.cancelling():  # it is the caller that leaves
            raise
        return conclude(strategy, context, started, unforeseen(strategy, context, error))
    except (Exception, SystemExit) as error:
        return conclude(strategy, context, started, unforeseen(strategy, context, error))
    return ranking


def _insist(ranking: Ranking, context: RoutingContext) -> None:
    """Raises `TypeError` or `ValueError` where a strategy, which may be anybody's, has not kept to the form."""
    if not isinstance(ranking, Ranking) or not isinstance(ranking.verdict, Verdict):
        raise TypeError("a strategy returned no Ranking")
    if ranking.verdict is Verdict.CHOSE and ranking.model not in context.eligible:
        raise ValueError("a strategy chose a model that may not answer")
    ranking.reason.encode()  # what the contract cannot carry


def unforeseen(strategy: Strategy, context: RoutingContext, error: BaseException) -> Ranking:
    """Report what nobody foresaw in a strategy; it has failed, and says why without the error's text."""
    report_defect("strategy", error, context.observation, path=strategy.path)
    return Ranking(Verdict.FAILED, f"failed unexpectedly: {type_of(error)}")


async def in_time(work: Coroutine[Any, Any, Result], context: RoutingContext, *, inline: bool) -> Result:
    """What the work returns. Raises `TimeoutError` when that is not before routing must have decided.

    Work that is `inline` never gives way to other tasks: a timer could not interrupt it and would cost more than it.
    """
    if inline:
        return await work
    async with asyncio.timeout(context.deadline - context.clock.monotonic()):
        return await work


def _finite(ranking: Ranking) -> bool:
    """Whether all its numbers are finite, as their sum is then, and only then."""
    total = sum(ranking.scores.values(), ranking.confidence or 0.0)
    for quality, uncertainty in ranking.predictions.values():
        total += quality + (uncertainty or 0.0)
    return math.isfinite(total)


def intersection(first: frozenset[str] | None, second: frozenset[str] | None) -> frozenset[str] | None:
    """The models that both restrictions leave."""
    if first is None or second is None:
        return second if first is None else first
    return first & second
