"""Strategies of others are asked apart: in a task of their own, and with nothing in hand that others go by."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import structlog

from frontdesk_server.domain.defects import report_defect
from frontdesk_server.routing.ranking import Ranking

if TYPE_CHECKING:
    from frontdesk_server.routing.strategies.base import RoutingContext, Strategy

log = structlog.get_logger()

_BLOCKING_SECONDS = 0.1
"""How long a strategy may keep the thread, and all calls wait, before that is told."""
_NOTICE_SECONDS = 0.05
"""How long a strategy that is cancelled may take to end."""


class Raised(Exception):
    """What a strategy of others raised, which by itself might end more than the strategy."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


async def apart(strategy: Strategy, context: RoutingContext) -> Ranking:
    """What a strategy of others concludes; it is left behind where it goes on when it is cancelled.

    Raises:
        Raised: by whatever it ended but a cancellation.
    """
    asked = asyncio.create_task(_ranked(strategy, context), name=f"strategy {strategy.path}")
    try:
        await asyncio.wait((asked,))
    except asyncio.CancelledError:
        blocked = asked.done()  # until after the end, so that it concludes something nevertheless
        if not (blocked and context.cutoff is not None and context.cutoff.taken()):
            await _cancel(asked, strategy, context)
            raise
    ranking = asked.result()
    if isinstance(ranking, Raised):
        raise ranking
    return ranking


async def _cancel(asked: asyncio.Task[Ranking | Raised], strategy: Strategy, context: RoutingContext) -> None:
    asked.cancel()
    asked.add_done_callback(partial(_ended_unheard, strategy.path))
    _, left = await asyncio.wait((asked,), timeout=_NOTICE_SECONDS)
    if left and context.cutoff is not None and context.cutoff.first_of(strategy.path):
        log.warning("strategy.left_behind", path=strategy.path)


async def _ranked(strategy: Strategy, context: RoutingContext) -> Ranking | Raised:
    """What was raised is given back: raised by a task, it might end the process."""
    try:
        return await _watched(strategy, context)
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        return Raised(error)


@types.coroutine
def _watched(strategy: Strategy, context: RoutingContext) -> Generator[Any, Any, Ranking]:
    """What the strategy concludes. That it keeps the thread cannot be helped, but is told."""
    work = strategy.rank(_in_view(context)).__await__()
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


def _in_view(context: RoutingContext) -> RoutingContext:
    """The same to look at: what is changed in it changes nothing for those who are asked next."""
    return replace(
        context,
        query=replace(context.query),
        signals=replace(context.signals),
        preferences=replace(context.preferences),
        eligible=MappingProxyType(context.eligible),
        outlooks=MappingProxyType(context.outlooks),
        cutoff=None,
    )


def _ended_unheard(path: str, asked: asyncio.Task[Ranking | Raised]) -> None:
    if not asked.cancelled() and isinstance(ranking := asked.result(), Raised):
        report_defect("strategy", ranking.error, path=path)
