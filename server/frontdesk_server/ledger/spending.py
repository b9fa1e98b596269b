"""What decisions came to over a time: spent, saved and how good, by model, by router, by caller and by the hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from frontdesk_server.domain.ending import STATUSES
from frontdesk_server.domain.ids import first_decision_id
from frontdesk_server.domain.money import saved_share
from frontdesk_server.ledger.reader import STATUS, Filters, LedgerReader
from frontdesk_server.ledger.schema import RECORDS, instant

_MOST_GROUPS = 5_000
_MOST_NAMES = 50
_MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True)
class Sums:
    """Of some decisions. What was merely routed has no cost; `unknown` are completions whose cost nobody knows.

    `saved_nano_usd` and `strongest_nano_usd`, what the strongest model would have cost, are of whole answers alone.

    `endings` has every one of `domain.ending.STATUSES`.
    """

    decisions: int = 0
    completions: int = 0
    endings: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    unknown: int = 0
    cost_nano_usd: int = 0
    saved_nano_usd: int = 0
    strongest_nano_usd: int = 0
    judged: int = 0
    judged_total: float = 0.0

    @property
    def quality(self) -> float | None:
        """The mean that was reported; None when nobody reported any."""
        return self.judged_total / self.judged if self.judged else None

    @property
    def saved_share(self) -> float | None:
        """As `domain.money.saved_share` defines it."""
        return saved_share(self.saved_nano_usd, self.strongest_nano_usd)

    def add(self, figures: Sequence[Any]) -> None:
        """Add a row of `_FIGURES`."""
        *counts, judged_total = figures
        decisions, completions, unknown, cost, saved, strongest, judged, *ended = (int(each or 0) for each in counts)
        self.decisions += decisions
        self.completions += completions
        for status, count in zip(STATUSES, ended, strict=True):
            self.endings[status] += count
        self.unknown += unknown
        self.cost_nano_usd += cost
        self.saved_nano_usd += saved
        self.strongest_nano_usd += strongest
        self.judged += judged
        self.judged_total += judged_total or 0.0


Named = Mapping[str, Sums]
"""The dearest first."""


@dataclass(frozen=True, slots=True)
class Spending:
    """The same decisions under four views. By model: of whose answer was given; empty where none was.

    `whole` is False where there were more decisions than are looked at: then these are the newest.
    """

    total: Sums
    models: Named
    routers: Named
    callers: Named
    times: Mapping[datetime, Sums]
    """By the beginning of each step, in order; steps without a decision are left out."""
    whole: bool = True

    @classmethod
    def nothing(cls) -> Spending:
        """Of no decision."""
        return cls(Sums(), {}, {}, {}, {})


@dataclass(slots=True)
class _Views:
    total: Sums = field(default_factory=Sums)
    models: dict[str, Sums] = field(default_factory=dict)
    routers: dict[str, Sums] = field(default_factory=dict)
    callers: dict[str, Sums] = field(default_factory=dict)

    def add(self, caller: str, router: str, model: str, figures: Sequence[Any]) -> None:
        self.total.add(figures)
        for view, name in ((self.models, model), (self.routers, router), (self.callers, caller)):
            view.setdefault(name, Sums()).add(figures)


def _times(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


_FIGURES = (
    func.count(),
    func.count(RECORDS.c.status),
    _times(RECORDS.c.status.is_not(None) & RECORDS.c.total_nano_usd.is_(None)),
    func.sum(RECORDS.c.total_nano_usd),
    func.sum(RECORDS.c.saved_nano_usd),
    func.sum(RECORDS.c.total_nano_usd + RECORDS.c.saved_nano_usd),  # unknown, and so left out, where the latter is
    func.count(RECORDS.c.quality),
    *(_times(STATUS.in_((status,))) for status in STATUSES),
    func.sum(RECORDS.c.quality),
)


def spending(reader: LedgerReader, filters: Filters, step: timedelta, most: int) -> Spending:
    """Sum up the decisions meant, of the `most` newest of all."""
    first = reader.first_of_newest(most)
    clauses = replace(filters, from_id=first).clauses()
    since = "" if filters.since is None else first_decision_id(filters.since)
    with reader.engine.connect() as connection:
        views = _by_name(connection, clauses)
        times = _by_time(connection, clauses, step)
    return Spending(
        views.total,
        _dearest(views.models),
        _dearest(views.routers),
        _dearest(views.callers),
        times,
        whole=first <= since,
    )


def _by_name(connection: Connection, clauses: Sequence[ColumnElement[bool]]) -> _Views:
    columns = RECORDS.c
    names = (columns.caller, columns.router, func.coalesce(columns.answered_by, ""))
    query = select(*names, *_FIGURES).where(*clauses).group_by(*names).limit(_MOST_GROUPS)
    views = _Views()
    for caller, router, model, *figures in connection.execute(query):
        views.add(caller, router, model, figures)
    return views


def _by_time(
    connection: Connection, clauses: Sequence[ColumnElement[bool]], step: timedelta
) -> Mapping[datetime, Sums]:
    micros = step // _MICROSECOND
    number = RECORDS.c.decided_at_us // micros
    query = select(number, *_FIGURES).where(*clauses).group_by(number).order_by(number.desc()).limit(_MOST_GROUPS)
    times: dict[datetime, Sums] = {}
    for index, *figures in reversed(connection.execute(query).all()):
        times[instant(int(index) * micros)] = sums = Sums()
        sums.add(figures)
    return times


def _dearest(view: Mapping[str, Sums]) -> Named:
    """Most names at most; the rest of a view is in the total alone."""
    ordered = sorted(view.items(), key=lambda item: (-item[1].cost_nano_usd, -item[1].decisions, item[0]))
    return dict(ordered[:_MOST_NAMES])
