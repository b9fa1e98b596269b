"""The statements that write records, handed to the database's driver as they are: no compiler stands between."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from frontdesk_server.ledger.copying import FEWEST, can_copy, copy_rows
from frontdesk_server.ledger.rows import Row
from frontdesk_server.ledger.schema import DECIDED, OUTCOMES, RECORDS, SETTLED

_COLUMNS = [column.name for column in (*DECIDED, *SETTLED)]


def insert_records(connection: Connection, rows: Sequence[Row]) -> None:
    """Insert rows of the columns DECIDED and SETTLED; of a decision that is there, keep how it ended."""
    if not rows:
        return
    if len(rows) >= FEWEST and can_copy(connection):
        statement = _insert("postgresql")
        copy_rows(connection, RECORDS, _COLUMNS, rows, statement[statement.index("ON CONFLICT") :])
    else:
        connection.exec_driver_sql(_insert(connection.dialect.name), list(rows))


def keep_mean(connection: Connection, decision_id: str) -> None:
    """Keep beside the decision the mean of what all sources reported of it."""
    mean = select(func.avg(OUTCOMES.c.quality)).where(OUTCOMES.c.decision_id == decision_id).scalar_subquery()
    connection.execute(update(RECORDS).where(RECORDS.c.decision_id == decision_id).values(quality=mean))


@functools.cache
def _insert(database: str) -> str:
    """A commit whose answer was lost is repeated, so what is there is left alone; only a settlement is added."""
    dialect, style = (postgresql, "format") if database == "postgresql" else (sqlite, "qmark")
    insert = dialect.insert(RECORDS)
    statement = insert.on_conflict_do_update(
        index_elements=[RECORDS.c.decision_id],
        set_={column.name: insert.excluded[column.name] for column in SETTLED},
        where=insert.excluded.status.is_not(None) & RECORDS.c.status.is_(None),
    )
    return str(statement.compile(dialect=dialect.dialect(paramstyle=style), column_keys=_COLUMNS))
