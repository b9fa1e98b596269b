"""Sums over decisions and attempts by router and by model, which the database makes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
from sqlalchemy import ColumnElement, Connection, case, func, select

from frontdesk_server.domain.ending import STATUSES
from frontdesk_server.ledger.reader import STATUS
from frontdesk_server.ledger.schema import RECORDS

Clauses = Sequence[ColumnElement[bool]]
Models = defaultdict[str, "ModelTally"]

_BATCH = 1_000


@dataclass(slots=True)
class Judged:
    """How many decisions were judged, and the sum of what was said of them."""

    count: int = 0
    total: float = 0.0

    def add(self, count: int, total: float | None) -> None:
        """Add so many."""
        self.count += count
        self.total += total or 0.0

    @property
    def mean(self) -> float | None:
        """None when nobody judged."""
        return self.total / self.count if self.count else None


@dataclass(slots=True)
class RouterTally:
    """What a router's decisions came to."""

    decisions: int = 0
    completions: int = 0
    answered: int = 0
    failed: int = 0
    deadline: int = 0
    cancelled: int = 0
    cost: int = 0
    unknown: int = 0
    saved: int = 0
    escalated: int = 0
    fallen_back: int = 0
    quality: Judged = field(default_factory=Judged)


@dataclass(slots=True)
class ModelTally:
    """What a model's attempts came to; seconds of those that were not the last of their decision."""

    outcomes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    tokens: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    cache_saved: int = 0
    cost: int = 0
    unknown: int = 0
    quality: Judged = field(default_factory=Judged)
    earlier_seconds: list[float] = field(default_factory=list)
    earlier_first_tokens: list[float] = field(default_factory=list)

    def add(self, outcome: str, count: int, sums: Sequence[int], *, unknown: int) -> None:
        """Add so many attempts; `sums` are of the four token classes, saved by caches, cost."""
        *tokens, cache_saved, cost = sums
        self.outcomes[outcome] += count
        self.tokens = [had + more for had, more in zip(self.tokens, tokens, strict=True)]
        self.cache_saved += cache_saved
        self.cost += cost
        self.unknown += unknown


def tally(connection: Connection, clauses: Clauses) -> tuple[dict[str, RouterTally], dict[str, ModelTally]]:
    """Routers and models of the decisions meant."""
    models: Models = defaultdict(ModelTally)
    routers = _decisions(connection, clauses, models)
    _last_attempts(connection, clauses, models)
    _earlier_attempts(connection, clauses, models)
    return routers, models


def _decisions(connection: Connection, clauses: Clauses, models: Models) -> dict[str, RouterTally]:
    columns = RECORDS.c
    query = (
        select(
            columns.router,
            columns.answered_by,
            func.count(columns.quality),
            func.sum(columns.quality),
            func.count(),
            func.count(columns.status),
            *(_times(STATUS.in_((status,))) for status in STATUSES),
            func.sum(columns.total_nano_usd),
            _times(columns.status.is_not(None) & columns.total_nano_usd.is_(None)),
            func.sum(columns.saved_nano_usd),
            _times(columns.escalations > 0),
            _times(columns.fallbacks > 0),
        )
        .where(*clauses)
        .group_by(columns.router, columns.answered_by)
    )
    routers: dict[str, RouterTally] = defaultdict(RouterTally)
    for router, answered_by, judged, quality, *sums in connection.execute(query):
        decisions, completions, *ended, cost, unknown, saved, escalated, fallen_back = (int(each or 0) for each in sums)
        own = routers[router]
        own.decisions += decisions
        own.completions += completions
        answered, failed, deadline, cancelled = ended
        own.answered += answered
        own.failed += failed
        own.deadline += deadline
        own.cancelled += cancelled
        own.cost += cost
        own.unknown += unknown
        own.saved += saved
        own.escalated += escalated
        own.fallen_back += fallen_back
        own.quality.add(judged, quality)
        if answered_by and judged:
            models[answered_by].quality.add(judged, quality)
    return routers


def _times(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _last_attempts(connection: Connection, clauses: Clauses, models: Models) -> None:
    columns = RECORDS.c
    query = (
        select(
            columns.last_model,
            columns.last_outcome,
            func.count(),
            func.count(columns.last_nano_usd),
            func.sum(columns.last_input_tokens),
            func.sum(columns.last_output_tokens),
            func.sum(columns.last_cache_read_tokens),
            func.sum(columns.last_cache_write_tokens),
            func.sum(columns.last_cache_saved_nano_usd),
            func.sum(columns.last_nano_usd),
        )
        .where(columns.last_model.is_not(None), *clauses)
        .group_by(columns.last_model, columns.last_outcome)
    )
    for model, outcome, count, known, *sums in connection.execute(query):
        models[model].add(outcome, count, [int(each or 0) for each in sums], unknown=count - known)


def _earlier_attempts(connection: Connection, clauses: Clauses, models: Models) -> None:
    column = RECORDS.c.earlier_attempts
    query = select(column).where(column.is_not(None), *clauses)
    for attempts in connection.execution_options(yield_per=_BATCH).execute(query).scalars():
        for model, outcome, *amounts, seconds, first_token_seconds in orjson.loads(attempts):
            own = models[model]
            own.add(outcome, 1, [each or 0 for each in amounts], unknown=int(amounts[-1] is None))
            own.earlier_seconds.append(seconds)
            if first_token_seconds is not None:
                own.earlier_first_tokens.append(first_token_seconds)
