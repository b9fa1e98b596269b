"""The ledger's SQL: one transaction per batch, and decisions by id."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Insert, select
from sqlalchemy.dialects import postgresql, sqlite

from frontdesk_server.domain.record import DecisionRecord, RecordCodec
from frontdesk_server.ledger.batch import Batch
from frontdesk_server.ledger.engine import begin_writing
from frontdesk_server.ledger.file import LedgerFile
from frontdesk_server.ledger.rows import decode_outcome
from frontdesk_server.ledger.schema import OUTCOMES, RECORDS
from frontdesk_server.ledger.statements import insert_records, keep_mean


class SqlStore:
    """Reads and writes through one engine; every method blocks and may be called from any thread."""

    def __init__(self, engine: Engine, codec: RecordCodec) -> None:
        self.engine = engine
        self._codec = codec
        self._file = LedgerFile(engine)
        dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
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
            insert_records(connection, tuple(batch.records.values()))
            return [self._keep_outcome(connection, row) for row in batch.outcomes]

    def _keep_outcome(self, connection: Connection, row: dict[str, Any]) -> bool | None:
        key = row["decision_id"]
        # Locked, so that reports of two sources take turns at the mean.
        decision = select(RECORDS.c.decision_id).where(RECORDS.c.decision_id == key).with_for_update()
        if connection.execute(decision).first() is None:
            return None
        same = (OUTCOMES.c.decision_id == key) & (OUTCOMES.c.source == row["source"])
        replaces = connection.execute(select(OUTCOMES.c.source).where(same)).first() is not None
        connection.execute(self._upsert, row)
        keep_mean(connection, key)
        return replaces

    def record(self, decision_id: str, caller: str | None = None) -> DecisionRecord | None:
        """Everything known of a decision; None when it is not stored, or is not this caller's where one is named."""
        columns = RECORDS.c
        query = select(
            columns.caller,
            columns.labels,
            columns.text,
            columns.decision,
            columns.account,
            columns.committed,
            columns.trace_id,
        ).where(columns.decision_id == decision_id)
        if caller is not None:
            query = query.where(columns.caller == caller)
        reported = select(OUTCOMES).where(OUTCOMES.c.decision_id == decision_id).order_by(OUTCOMES.c.source)
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            outcomes = connection.execute(reported).mappings().all()
        settled = row.account is not None
        return DecisionRecord(
            decision=self._codec.decode_decision(row.decision, row.text or ""),
            caller=row.caller,
            labels=orjson.loads(row.labels),
            settlement=self._codec.decode_account(row.account, committed=row.committed) if settled else None,
            outcomes=tuple(map(decode_outcome, outcomes)),
            trace_id=row.trace_id or "",
        )
