"""Reading the ledger at leisure: lists, statistics, whole records. For the command line, not for the request path."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, case, func, inspect, or_, select
from sqlalchemy.exc import SQLAlchemyError

from frontdesk_server.domain.ending import STATUSES, status_of
from frontdesk_server.domain.errors import ConfigError, ConfigFault, DeadlineExceeded, LedgerUnavailable
from frontdesk_server.domain.ids import first_decision_id
from frontdesk_server.domain.record import DecisionRecord, RecordCodec
from frontdesk_server.ledger.migrations import STEPS
from frontdesk_server.ledger.read_only import open_to_read
from frontdesk_server.ledger.schema import RECORDS, SCHEMA_VERSION, instant
from frontdesk_server.ledger.store import SqlStore
from frontdesk_server.ledger.usable import cause_of, shown

ROUTED = "routed"
"""Status of a decision without settlement: no answer was asked for, it still runs, or its process was killed."""

LEDGER_STATUSES = (*STATUSES, ROUTED)
"""Every status that a decision has in the ledger."""

_DEADLINE = status_of(DeadlineExceeded.reason)
_OVERDUE = RECORDS.c.error_reason == DeadlineExceeded.reason
"""Asked beside the status: rows of before a passed deadline was a status of its own say failed."""

STATUS: ColumnElement[str] = case((_OVERDUE, _DEADLINE), else_=func.coalesce(RECORDS.c.status, ROUTED))
"""How a decision ended: as `domain.ending` says, or `ROUTED`."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which decisions are meant; every None or empty text means all. `model` is the chosen or the answering one."""

    router: str = ""
    model: str = ""
    caller: str = ""
    status: str = ""
    since: datetime | None = None
    until: datetime | None = None
    from_id: str = ""

    def clauses(self) -> list[ColumnElement[bool]]:
        """The conditions in SQL, on table records."""
        columns = RECORDS.c
        clauses: list[ColumnElement[bool]] = []
        if self.router:
            clauses.append(columns.router == self.router)
        if self.model:
            clauses.append(or_(columns.model == self.model, columns.answered_by == self.model))
        if self.caller:
            clauses.append(columns.caller == self.caller)
        if self.status:
            clauses.append(_of_status(self.status))
        if self.since is not None:
            clauses.append(columns.decision_id >= first_decision_id(self.since))
        if self.until is not None:
            clauses.append(columns.decision_id < first_decision_id(self.until))
        if self.from_id:
            clauses.append(columns.decision_id >= self.from_id)
        return clauses


def _of_status(status: str) -> ColumnElement[bool]:
    """The condition in SQL, in a form that the index serves."""
    column = RECORDS.c.status
    if status == ROUTED:
        return column.is_(None)
    if status == _DEADLINE:
        return column.in_((_DEADLINE, "failed")) & _OVERDUE
    return (column == status) & ~_OVERDUE


@dataclass(frozen=True, slots=True)
class DecisionSummary:
    """One line of a list. `model` was chosen, `answered_by` spoke."""

    decision_id: str
    decided_at: datetime
    caller: str
    router: str
    strategy: str
    model: str
    reason: str
    status: str
    answered_by: str
    attempts: int
    escalations: int
    fallbacks: int
    cost_nano_usd: int | None
    saved_nano_usd: int | None
    duration_seconds: float | None
    error_reason: str
    quality: float | None
    text: str
    """What routing looked at, where it was kept."""
    trace_id: str


class LedgerReader:
    """Read access to one ledger; every method blocks."""

    def __init__(self, engine: Engine, codec: RecordCodec) -> None:
        self.engine = engine
        self.codec = codec
        self._store = SqlStore(engine, codec)

    def record(self, decision_id: str, caller: str | None = None) -> DecisionRecord | None:
        """Everything known of a decision; None when it is not stored, or is not this caller's where one is named."""
        return self._store.record(decision_id, caller)

    def count(self, filters: Filters) -> int:
        """How many decisions are meant."""
        with self.engine.connect() as connection:
            query = select(func.count()).select_from(RECORDS).where(*filters.clauses())
            return connection.execute(query).scalar_one()

    def any(self, filters: Filters) -> bool:
        """Whether any decision is meant."""
        with self.engine.connect() as connection:
            return (
                connection.execute(select(RECORDS.c.decision_id).where(*filters.clauses()).limit(1)).first() is not None
            )

    def routers(self) -> set[str]:
        """The routers that have decided something."""
        return self._distinct(RECORDS.c.router)

    def models(self) -> set[str]:
        """The models that were chosen or have answered."""
        return self._distinct(RECORDS.c.model) | self._distinct(RECORDS.c.answered_by)

    def callers(self) -> set[str]:
        """The callers for whom something was decided."""
        return self._distinct(RECORDS.c.caller)

    def _distinct(self, column: ColumnElement[Any]) -> set[str]:
        with self.engine.connect() as connection:
            return set(filter(None, connection.execute(select(column).distinct()).scalars()))

    def newest(self, filters: Filters, limit: int, before: str = "") -> list[DecisionSummary]:
        """The newest decisions, oldest first; with `before` of those older than this one."""
        query = _summaries(filters).order_by(RECORDS.c.decision_id.desc()).limit(limit)
        if before:
            query = query.where(RECORDS.c.decision_id < before)
        return list(self._summarised(query))[::-1]

    def first_of_newest(self, most: int) -> str:
        """The id from which on there are so many decisions; empty when there are fewer in all."""
        query = select(RECORDS.c.decision_id).order_by(RECORDS.c.decision_id.desc()).offset(most - 1).limit(1)
        with self.engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none() or ""

    def answer(self, decision_id: str) -> str | None:
        """The answer, as far as it was kept."""
        with self.engine.connect() as connection:
            query = select(RECORDS.c.answer).where(RECORDS.c.decision_id == decision_id)
            return connection.execute(query).scalar_one_or_none()

    def after(self, filters: Filters, decision_id: str) -> list[DecisionSummary]:
        """Every decision younger than this one, oldest first."""
        query = _summaries(filters).where(RECORDS.c.decision_id > decision_id).order_by(RECORDS.c.decision_id)
        return list(self._summarised(query))

    def _summarised(self, query: Select[Any]) -> Iterator[DecisionSummary]:
        with self.engine.connect() as connection:
            for row in connection.execute(query):
                decision_id, decided_at_us, *rest = row
                yield DecisionSummary(decision_id, instant(decided_at_us), *rest)


@contextlib.contextmanager
def open_reader(url: str, codec: RecordCodec) -> Iterator[LedgerReader]:
    """Open a ledger that exists, for reading alone.

    Raises:
        ConfigError: there is none at this URL, or its schema is of another version.
        LedgerUnavailable: the database does not answer.

    """
    engine = open_to_read(url)
    try:
        try:
            _check_schema(engine)
            yield LedgerReader(engine, codec)
        except SQLAlchemyError as error:
            raise LedgerUnavailable(f"{shown(engine.url)} cannot be read: {cause_of(error)}") from error
    finally:
        engine.dispose()


def _check_schema(engine: Engine) -> None:
    if not inspect(engine).has_table(SCHEMA_VERSION.name):
        raise _fault(f"{shown(engine.url)} is no ledger of Frontdesk's")
    with engine.connect() as connection:
        found = connection.execute(select(SCHEMA_VERSION.c.version)).scalar_one_or_none() or 0
    told = f"{shown(engine.url)} has schema version {found}, this Frontdesk reads {len(STEPS)}"
    if found > len(STEPS):
        raise _fault(f"{told}; use the newer Frontdesk")
    if found < len(STEPS):
        raise _fault(f"{told}; whoever writes it upgrades it: start `frontdesk serve` on it once")


def _fault(message: str) -> ConfigError:
    return ConfigError("ledger", [ConfigFault(message, "ledger.url")])


def _summaries(filters: Filters) -> Select[Any]:
    columns = RECORDS.c
    return select(
        columns.decision_id,
        columns.decided_at_us,
        columns.caller,
        columns.router,
        columns.strategy,
        columns.model,
        columns.reason,
        STATUS,
        func.coalesce(columns.answered_by, ""),
        func.coalesce(columns.attempts, 0),
        func.coalesce(columns.escalations, 0),
        func.coalesce(columns.fallbacks, 0),
        columns.total_nano_usd,
        columns.saved_nano_usd,
        columns.duration_seconds,
        func.coalesce(columns.error_reason, ""),
        columns.quality,
        func.coalesce(columns.text, ""),
        func.coalesce(columns.trace_id, ""),
    ).where(*filters.clauses())
