"""Deletes what the configuration no longer wants kept."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine, MetaData, Table, delete, select

from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.ids import first_decision_id
from frontdesk_server.ledger.engine import begin_writing
from frontdesk_server.ledger.monitor import LedgerMonitor
from frontdesk_server.ledger.partitions import Partitions
from frontdesk_server.ledger.schema import OUTCOMES, RECORDS

_CHUNK = 1_000
"""Decisions of one transaction: short, so that writers of other processes hardly wait."""


class Retention:
    """Deletes decisions older than `days` and the oldest beyond `max_decisions`, with all that belongs to them.

    Works by decision id, as ULIDs sort by time. Freed pages of an SQLite file are used again: it stops growing. Of a
    PostgreSQL ledger partitions are dropped whole, once all that they hold is to go.
    """

    def __init__(
        self,
        engine: Engine,
        days: int | None,
        max_decisions: int | None,
        clock: Clock,
        monitor: LedgerMonitor,
        partitions: Partitions | None = None,
    ) -> None:
        self._engine = engine
        self._days = days
        self._max_decisions = max_decisions
        self._clock = clock
        self._monitor = monitor
        self._partitions = partitions

    def sweep(self) -> bool:
        """Delete one chunk of what is too old or too much; True when there may be more. Make partitions ahead, too."""
        if self._partitions is not None:
            self._partitions.make()
        floor = self._floor()
        if not floor:
            return False
        if self._partitions is None:
            return self._delete(RECORDS, OUTCOMES, floor)
        if dropped := self._partitions.drop_before(floor):
            self._monitor.deleted(dropped)
        parts = [(_part(RECORDS, suffix), _part(OUTCOMES, suffix)) for suffix in self._partitions.loose()]
        more = [self._delete(records, outcomes, floor) for records, outcomes in parts]
        return any(more)

    def _delete(self, records: Table, outcomes: Table, floor: str) -> bool:
        """Delete the oldest rows below the floor; True when there may be more."""
        old = select(records.c.decision_id).where(records.c.decision_id < floor)
        with begin_writing(self._engine) as connection:
            found = connection.execute(old.order_by(records.c.decision_id).limit(_CHUNK)).scalars().all()
            if found:
                for table in (outcomes, records):
                    connection.execute(delete(table).where(table.c.decision_id <= found[-1]))
        if found:
            self._monitor.deleted(len(found))
        return len(found) == _CHUNK

    def _floor(self) -> str:
        """The first decision id that is kept; empty when all are."""
        by_age = ""
        if self._days is not None:
            by_age = first_decision_id(self._clock.now() - timedelta(days=self._days))
        return max(by_age, self._floor_by_number())

    def _floor_by_number(self) -> str:
        if self._max_decisions is None:
            return ""
        newest = select(RECORDS.c.decision_id).order_by(RECORDS.c.decision_id.desc())
        with self._engine.connect() as connection:
            return connection.execute(newest.offset(self._max_decisions - 1).limit(1)).scalar_one_or_none() or ""


def _part(table: Table, suffix: str) -> Table:
    return table.to_metadata(MetaData(), name=f"{table.name}{suffix}")
