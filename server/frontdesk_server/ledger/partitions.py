"""Partitions of a PostgreSQL ledger: by time, as decision ids sort by it, so that what is too old is dropped whole.

A partition holds the decisions of `hours`, from a whole multiple of them since 1970 on. Partitions are made ahead, by
whichever replica comes first; `*_other` takes what has none, such as imported decisions. What was written before a
ledger had partitions is one that begins in 1970. For whoever writes and reads nothing changes, older replicas included.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Connection, Engine, text

from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.ids import first_decision_id
from frontdesk_server.ledger.engine import change_schema

TABLES = {"records": "decision_id", "outcomes": "decision_id, source"}
"""Each with its primary key."""
_OTHER = "_other"
_AHEAD = 2
_FORM = "%Y%m%d%H"
_NAMED = re.compile(r"records_(\d{10})_(\d{10})")
_LISTED = """SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = to_regclass('records')"""
_LOCK = 0x706172743
"""Held by the replica that parts a ledger; any number, the same in every replica."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The time of one partition, its end excluded."""

    start: datetime
    end: datetime

    def table(self, parent: str) -> str:
        """The name of its partition."""
        return f"{parent}_{self.start:{_FORM}}_{self.end:{_FORM}}"

    @property
    def bounds(self) -> tuple[str, str]:
        """The least decision id, and the least beyond."""
        return first_decision_id(self.start), first_decision_id(self.end)


class Partitions:
    """Makes partitions ahead of time, and drops those that are too old; every method blocks."""

    def __init__(self, engine: Engine, hours: int, clock: Clock) -> None:
        self._engine = engine
        self._length = timedelta(hours=hours)
        self._clock = clock

    def start(self) -> None:
        """Give a ledger partitions that has none. What it holds is one of them, up to a time that is still to come.

        While one replica is at it, the others go on without.
        """
        with self._engine.connect() as connection:
            if _is_partitioned(connection):
                return
            if connection.execute(text(f"SELECT pg_try_advisory_lock({_LOCK})")).scalar_one():
                try:
                    self._part()
                finally:
                    connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))

    def _part(self) -> None:
        before = Span(_EPOCH, self._floor(self._clock.now()) + _AHEAD * self._length)
        for table in TABLES:  # the long part, beside which others go on writing: attaching need not look at rows then
            if not change_schema(self._engine, partial(_bound, table, before)):
                return
            with self._engine.begin() as connection:
                connection.execute(text(f"ALTER TABLE {table} VALIDATE CONSTRAINT {table}_bounded"))
        change_schema(self._engine, partial(_replace, before))

    def make(self) -> None:
        """Have partitions for now and for the time of two more to come."""
        self.start()  # in case that the replica which was at it has died
        now = self._clock.now()
        with self._engine.connect() as connection:
            if not _is_partitioned(connection) or self._missing(connection, now) is None:
                return
        change_schema(self._engine, partial(self._make, now), tries=1)

    def drop_before(self, floor: str) -> int:
        """Drop partitions that lie wholly below this decision id; returns how many decisions went."""
        with self._engine.connect() as connection:
            if not _below(connection, floor):
                return 0
        return change_schema(self._engine, partial(_drop, floor), tries=1)

    def loose(self) -> tuple[str, ...]:
        """The parts whose rows go one by one: what was there before partitions, and what came for none."""
        with self._engine.connect() as connection:
            if not _is_partitioned(connection):
                return ("",)
            first = [span.table("") for span in _spans(connection) if span.start == _EPOCH]
        return (*first, _OTHER)

    def _make(self, now: datetime, connection: Connection) -> None:
        while (span := self._missing(connection, now)) is not None:
            _attach(connection, span)

    def _missing(self, connection: Connection, now: datetime) -> Span | None:
        """The first time without a partition that should have one."""
        start, spans = self._floor(now), sorted(_spans(connection))
        for span in spans:
            if span.start <= start < span.end:
                start = span.end
        if start > now + _AHEAD * self._length:
            return None
        later = [span.start for span in spans if span.start > start]
        return Span(start, min([self._floor(start) + self._length, *later]))

    def _floor(self, instant: datetime) -> datetime:
        return _EPOCH + (instant - _EPOCH) // self._length * self._length


def _bound(table: str, before: Span, connection: Connection) -> bool:
    """Hold all rows of a table below the end of the span, those that come included; False when that is over."""
    if _is_partitioned(connection):
        return False
    _, end = before.bounds
    for change in (
        f"DROP CONSTRAINT IF EXISTS {table}_bounded",
        f"ADD CONSTRAINT {table}_bounded CHECK (decision_id < '{end}') NOT VALID",
    ):
        connection.execute(text(f"ALTER TABLE {table} {change}"))
    return True


def _replace(before: Span, connection: Connection) -> None:
    """Put partitioned tables in the place of those that are not; a ledger without decisions loses nothing."""
    if _is_partitioned(connection):
        return
    empty = connection.execute(text("SELECT 1 FROM records LIMIT 1")).first() is None
    for table, keys in TABLES.items():
        old = before.table(table)
        statements = [
            f"ALTER TABLE {table} RENAME TO {old}",
            f"CREATE TABLE {table} (LIKE {old} INCLUDING DEFAULTS) PARTITION BY RANGE (decision_id)",
            f"ALTER TABLE {table} ADD PRIMARY KEY ({keys})",
            f"CREATE TABLE {table}{_OTHER} PARTITION OF {table} DEFAULT",
        ]
        if table == "records":
            statements.append("CREATE INDEX records_by_status_of_all ON records (status, decision_id)")
        for statement in statements:
            connection.execute(text(statement))
        if empty:
            connection.execute(text(f"DROP TABLE {old}"))
        else:
            _attach_table(connection, table, before)


def _attach(connection: Connection, span: Span) -> None:
    """Make a partition; what came for it before lies among the others, and moves."""
    low, high = span.bounds
    for table in TABLES:
        name = span.table(table)
        meant = f"decision_id >= '{low}' AND decision_id < '{high}'"
        for statement in (
            f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING INDEXES)",
            f"ALTER TABLE {name} ADD CHECK ({meant})",
            f"WITH moved AS (DELETE FROM {table}{_OTHER} WHERE {meant} RETURNING *)"  # noqa: S608 - names of our own
            f" INSERT INTO {name} SELECT * FROM moved",
        ):
            connection.execute(text(statement))
        _attach_table(connection, table, span)


def _attach_table(connection: Connection, table: str, span: Span) -> None:
    low, high = span.bounds
    bounds = f"FOR VALUES FROM ('{low}') TO ('{high}')"
    connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {span.table(table)} {bounds}"))


def _drop(floor: str, connection: Connection) -> int:
    dropped = 0
    for span in _below(connection, floor):
        count = text(f"SELECT count(*) FROM {span.table('records')}")  # noqa: S608 - a name of our own
        dropped += connection.execute(count).scalar_one()
        for table in TABLES:
            connection.execute(text(f"DROP TABLE {span.table(table)}"))
    return dropped


def _below(connection: Connection, floor: str) -> list[Span]:
    return [span for span in _spans(connection) if span.bounds[1] <= floor]


def _spans(connection: Connection) -> list[Span]:
    names = connection.execute(text(_LISTED)).scalars()
    return [Span(*map(_instant, found.groups())) for name in names if (found := _NAMED.fullmatch(name))]


def _instant(told: str) -> datetime:
    return datetime.strptime(told, _FORM).replace(tzinfo=UTC)


def _is_partitioned(connection: Connection) -> bool:
    kind = connection.execute(text("SELECT relkind::text FROM pg_class WHERE oid = to_regclass('records')")).scalar()
    return bool(kind == "p")
