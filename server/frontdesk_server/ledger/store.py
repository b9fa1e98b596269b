"""The ledger's SQL: one transaction per batch, and decisions by id."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, Insert, RowMapping, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from frontdesk_server.domain.decision import Decision
from frontdesk_server.domain.record import DecisionRecord
from frontdesk_server.ledger.batch import Batch
from frontdesk_server.ledger.codec import Row, decode_decision, decode_outcome, decode_settlement
from frontdesk_server.ledger.engine import begin_writing
from frontdesk_server.ledger.file import LedgerFile
from frontdesk_server.ledger.schema import ATTEMPTS, DECISIONS, OUTCOMES, SETTLEMENTS


class SqlStore:
    """Reads and writes through one engine; every method blocks and may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._file = LedgerFile(engine)
        dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
        # A commit whose answer was lost is repeated, so what is already there is left alone.
        self._inserts = {table: dialect.insert(table).on_conflict_do_nothing() for table in _WRITTEN}
        upsert = dialect.insert(OUTCOMES)
        replaced = {name: upsert.excluded[name] for name in ("quality", "reported_at_us", "labels")}
        self._upsert: Insert = upsert.on_conflict_do_update(
            index_elements=[OUTCOMES.c.decision_id, OUTCOMES.c.source], set_=replaced
        )

    def write(self, batch: Batch) -> list[bool | None]:
        """Commit a batch; return for every outcome whether it replaced one, None where the decision is unknown.

        Raises:
            LedgerFileReplaced: the batch may have gone to a file that is no longer there; write it again.
        """
        self._file.check()
        replaced = self._write(batch)
        self._file.check()
        return replaced

    def _write(self, batch: Batch) -> list[bool | None]:
        with begin_writing(self.engine) as connection:
            for table, rows in zip(_WRITTEN, (batch.decisions, batch.settlements, batch.attempts), strict=True):
                if rows:
                    connection.execute(self._inserts[table], rows)
            return [self._keep_outcome(connection, row) for row in batch.outcomes]

    def _keep_outcome(self, connection: Connection, row: Row) -> bool | None:
        key = row["decision_id"]
        known = connection.execute(select(DECISIONS.c.decision_id).where(DECISIONS.c.decision_id == key)).first()
        if known is None:
            return None
        same = (OUTCOMES.c.decision_id == key) & (OUTCOMES.c.source == row["source"])
        replaces = connection.execute(select(OUTCOMES.c.source).where(same)).first() is not None
        connection.execute(self._upsert, row)
        return replaces

    def record(self, decision_id: str, caller: str | None = None) -> DecisionRecord | None:
        """Everything known of a decision; None when it is not stored, or is not this caller's where one is named."""
        callers = () if caller is None else (DECISIONS.c.caller == caller,)
        with self.engine.connect() as connection:
            row = _first(connection, DECISIONS, decision_id, *callers)
            if row is None:
                return None
            settled = _first(connection, SETTLEMENTS, decision_id)
            attempts = _all(connection, ATTEMPTS, decision_id)
            outcomes = _all(connection, OUTCOMES, decision_id)
        decision: Decision = decode_decision(row)
        return DecisionRecord(
            decision=decision,
            caller=row["caller"],
            labels=orjson.loads(row["labels"]),
            settlement=None if settled is None else decode_settlement(settled, attempts),
            outcomes=tuple(map(decode_outcome, outcomes)),
        )


_WRITTEN = (DECISIONS, SETTLEMENTS, ATTEMPTS)


def _first(
    connection: Connection, table: Table, decision_id: str, *conditions: ColumnElement[bool]
) -> RowMapping | None:
    return next(iter(_all(connection, table, decision_id, *conditions)), None)


def _all(
    connection: Connection, table: Table, decision_id: str, *conditions: ColumnElement[bool]
) -> Sequence[RowMapping]:
    query = select(table).where(table.c.decision_id == decision_id, *conditions).order_by(*table.primary_key.columns)
    return connection.execute(query).mappings().all()
