"""What every strategy gets and gives."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from frontdesk_server.config.strategy_kinds import SHIPPED
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.decision import StrategyStep, Verdict
from frontdesk_server.domain.defects import report_defect, type_of
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.observer import AttemptParent
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.signals import Signals
from frontdesk_server.domain.value import value
from frontdesk_server.routing.cutoff import Cutoff
from frontdesk_server.routing.ranking import Ranking as Ranking
from frontdesk_server.routing.ranking import is_plain, is_restriction, out_of_form
from frontdesk_server.routing.selection import Outlook, Preferences
from frontdesk_server.routing.strategies.apart import Raised, apart

Result = TypeVar("Result")

MOST_REASON_CHARACTERS = 1000
"""What is longer is cut: a reason stands in every decision, log line and ledger row."""


@value
class RoutingContext:
    """One query on its way through the tree.

    `eligible` are the models that passed the hard filters, `outlooks` what each is expected to take, `preferences` the
    caller's wishes with the router's defaults. `restricted_to` are the models to which a rule has restricted the query,
    so that no other may even read it; None where none has. `deadline` is the clock's monotonic instant at which routing
    must have decided; shortly after it the `cutoff` falls on what is still waited for. `checks` are the names that
    steps may give to theirs; None where they are not known.
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
    checks: Collection[str] | None = None
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

    What went by numbers that are not finite, or gives as a quality or a probability what is none, has failed: such
    numbers compare as nobody meant. A reason that is too long is cut.
    """
    if nonsense := _nonsense(ranking):
        report_defect("strategy", ValueError(nonsense), context.observation, path=strategy.path, told=nonsense)
        ranking = _refused(ranking, Verdict.FAILED, nonsense)
    elif len(ranking.reason) > MOST_REASON_CHARACTERS:
        ranking = ranking._replace(reason=f"{ranking.reason[: MOST_REASON_CHARACTERS - 1]}…")
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

    That holds for a cancelled task of the strategy's own, too, for what would end the process, for what is no ranking
    of this query's models, and for a strategy that still waits, or has blocked the thread, when routing must have
    decided.
    """
    started = context.clock.monotonic()
    ships = _ships(type(strategy))
    try:
        ranking = await (strategy.rank(context) if ships else apart(strategy, context))
        if ships and is_plain(ranking, context.eligible):
            return ranking
        if wrong := out_of_form(ranking, context.eligible, context.checks):
            return conclude(strategy, context, started, _disowned(strategy, context, ranking, wrong))
        if ships:
            return ranking
        if not ranking.steps_taken or ranking.steps_taken[0].path != strategy.path:
            ranking = conclude(strategy, context, started, ranking)  # a strategy of others need not
    except asyncio.CancelledError as error:
        if context.cutoff is not None and context.cutoff.taken():
            return conclude(strategy, context, started, Ranking(Verdict.TIMED_OUT, "did not decide in time"))
        task = asyncio.current_task()
        if task is None or task.cancelling():  # it is the caller that leaves
            raise
        return conclude(strategy, context, started, unforeseen(strategy, context, error))
    except Raised as raised:
        return conclude(strategy, context, started, unforeseen(strategy, context, raised.error))
    except Exception as error:
        return conclude(strategy, context, started, unforeseen(strategy, context, error))
    if context.cutoff is not None and (overtime := context.cutoff.overtime(started)):
        return _late(strategy, context, started, ranking, overtime)
    return ranking


@lru_cache
def _ships(kind: type[Strategy]) -> bool:
    """Whether its file is of this house, where cancelled work ends; that costs those which conclude at once no task."""
    return kind.__module__.startswith(f"{SHIPPED}.")


def _late(
    strategy: Strategy, context: RoutingContext, started: float, ranking: Ranking, overtime_seconds: float
) -> Ranking:
    """What blocked the thread could not be cut short; what it chose too late is refused."""
    below = ranking._replace(steps_taken=ranking.steps_taken[1:])
    late = f"decided {round(overtime_seconds * 1000):,} ms too late"
    return conclude(strategy, context, started, _refused(below, Verdict.TIMED_OUT, late))


def _disowned(strategy: Strategy, context: RoutingContext, ranking: object, wrong: str) -> Ranking:
    """Report what a strategy returned; it has failed, and says why. Who may read the query, it has said."""
    report_defect("strategy", TypeError(wrong), context.observation, path=strategy.path, told=wrong)
    restricted_to = ranking.restricted_to if isinstance(ranking, Ranking) else None
    failed = Ranking(Verdict.FAILED, wrong)
    return failed._replace(restricted_to=restricted_to) if is_restriction(restricted_to) else failed


def unforeseen(strategy: Strategy, context: RoutingContext, error: BaseException) -> Ranking:
    """Report what nobody foresaw in a strategy; it has failed, and says why without the error's text."""
    report_defect("strategy", error, context.observation, path=strategy.path)
    return Ranking(Verdict.FAILED, f"failed unexpectedly: {type_of(error)}")


def _refused(ranking: Ranking, verdict: Verdict, reason: str) -> Ranking:
    """What remains of a ranking that does not count: to which models it restricts the query, and what lies below."""
    return Ranking(
        verdict,
        reason,
        restricted_to=ranking.restricted_to,
        propensity=ranking.propensity if 0.0 < ranking.propensity <= 1.0 else 1.0,
        steps_taken=ranking.steps_taken,
    )


async def in_time(work: Coroutine[Any, Any, Result], context: RoutingContext, *, inline: bool) -> Result:
    """What the work returns. Raises `TimeoutError` when that is not before routing must have decided.

    Work that is `inline` never gives way to other tasks: a timer could not interrupt it and would cost more than it.
    """
    if inline:
        return await work
    async with asyncio.timeout(context.deadline - context.clock.monotonic()):
        return await work


def _nonsense(ranking: Ranking) -> str:
    """What is wrong with its numbers: their sum is finite only if all of them are."""
    total = sum(ranking.scores.values(), ranking.confidence or 0.0)
    possible = True
    for quality, uncertainty in ranking.predictions.values():
        total += quality + (uncertainty or 0.0)
        possible = possible and 0.0 <= quality <= 1.0
    if not math.isfinite(total):
        return "its scores are not finite numbers"
    if not possible:
        return "it predicts a quality outside [0, 1]"
    return "" if 0.0 < ranking.propensity <= 1.0 else "its propensity is no probability above 0"


def intersection(first: frozenset[str] | None, second: frozenset[str] | None) -> frozenset[str] | None:
    """The models that both restrictions leave."""
    if first is None or second is None:
        return second if first is None else first
    return first & second
