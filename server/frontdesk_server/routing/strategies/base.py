"""What every strategy gets and gives."""

from __future__ import annotations

import asyncio
import math
import types
from collections.abc import Coroutine, Generator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

import structlog

from frontdesk_server.config.strategy_kinds import SHIPPED
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

log = structlog.get_logger()

Result = TypeVar("Result")

MOST_REASON_CHARACTERS = 1000
"""What is longer is cut: a reason stands in every decision, log line and ledger row."""
_BLOCKING_SECONDS = 0.1
"""How long a strategy may keep the thread, and all calls wait, before that is told."""
_NOTICE_SECONDS = 0.05
"""How long a strategy that is cancelled may take to end."""


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

    What went by numbers that are not finite, or gives as a quality or a probability what is none, has failed: such
    numbers compare as nobody meant. A reason that is too long is cut.
    """
    if nonsense := _nonsense(ranking):
        report_defect("strategy", ValueError(nonsense), context.observation, path=strategy.path)
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

    That holds for a cancelled task of the strategy's own, too, for what is no ranking of this query's models, and for
    a strategy that still waits, or has blocked the thread, when routing must have decided.
    """
    started = context.clock.monotonic()
    ranking, ships = None, _ships(type(strategy))
    try:
        ranking = await (strategy.rank(context) if ships else _apart(strategy, context))
        _insist(ranking, context)
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
    except (Exception, SystemExit) as error:
        failed = unforeseen(strategy, context, error)
        if isinstance(ranking, Ranking) and isinstance(ranking.restricted_to, frozenset):
            failed = failed._replace(restricted_to=ranking.restricted_to)  # who may read the query, it has said
        return conclude(strategy, context, started, failed)
    if context.cutoff is not None and (overtime := context.cutoff.overtime(started)):
        return _late(strategy, context, started, ranking, overtime)
    return ranking


@lru_cache
def _ships(kind: type[Strategy]) -> bool:
    """Whether its file is of this house, where cancelled work ends; that costs those which conclude at once no task."""
    return kind.__module__.startswith(f"{SHIPPED}.")


async def _apart(strategy: Strategy, context: RoutingContext) -> Ranking:
    """What a strategy of others concludes, in a task of its own: left behind where it goes on when it is cancelled."""
    asked = asyncio.create_task(_ranked(strategy, context), name=f"strategy {strategy.path}")
    try:
        await asyncio.wait((asked,))
    except asyncio.CancelledError:
        blocked = asked.done()  # until after the end, so that it concludes something nevertheless
        if not (blocked and context.cutoff is not None and context.cutoff.taken()):
            await _cancel(asked, strategy, context)
            raise
    ranking = asked.result()
    if isinstance(ranking, SystemExit):
        raise ranking
    return ranking


async def _cancel(asked: asyncio.Task[Ranking | SystemExit], strategy: Strategy, context: RoutingContext) -> None:
    asked.cancel()
    asked.add_done_callback(partial(_ended_unheard, strategy.path))
    _, left = await asyncio.wait((asked,), timeout=_NOTICE_SECONDS)
    if left and context.cutoff is not None and context.cutoff.first_of(strategy.path):
        log.warning("strategy.left_behind", path=strategy.path)


async def _ranked(strategy: Strategy, context: RoutingContext) -> Ranking | SystemExit:
    """An exit is given back: raised by a task, it would end the process."""
    try:
        return await _watched(strategy, context)
    except SystemExit as error:
        return error


@types.coroutine
def _watched(strategy: Strategy, context: RoutingContext) -> Generator[Any, Any, Ranking]:
    """What the strategy concludes. That it keeps the thread cannot be helped, but is told."""
    work = strategy.rank(replace(context, cutoff=None)).__await__()
    sent: Any = None
    thrown: BaseException | None = None
    while True:
        resumed = context.clock.monotonic()
        try:
            waits_for = work.send(sent) if thrown is None else work.throw(thrown)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        finally:
            blocked = context.clock.monotonic() - resumed
            if blocked > _BLOCKING_SECONDS and context.cutoff is not None and context.cutoff.first_of(strategy.path):
                log.warning("strategy.blocked", path=strategy.path, blocked_ms=round(blocked * 1000))
        try:
            sent, thrown = (yield waits_for), None
        except BaseException as error:
            sent, thrown = None, error


def _ended_unheard(path: str, asked: asyncio.Task[Ranking | SystemExit]) -> None:
    if not asked.cancelled() and (error := asked.exception()) is not None:
        report_defect("strategy", error, path=path)


def _late(
    strategy: Strategy, context: RoutingContext, started: float, ranking: Ranking, overtime_seconds: float
) -> Ranking:
    """What blocked the thread could not be cut short; what it chose too late is refused."""
    below = ranking._replace(steps_taken=ranking.steps_taken[1:])
    late = f"decided {round(overtime_seconds * 1000):,} ms too late"
    return conclude(strategy, context, started, _refused(below, Verdict.TIMED_OUT, late))


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
