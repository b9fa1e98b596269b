"""Many rows into PostgreSQL at once: COPY into a table of the connection's own, and from there in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from frontdesk_server.ledger.rows import Row

FEWEST = 16
"""Below so many rows the further round trips cost more than they save."""


def can_copy(connection: Connection) -> bool:
    """Whether the database and its driver take a COPY."""
    return connection.dialect.name == "postgresql" and connection.dialect.driver == "psycopg"


def copy_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row], conflict: str) -> None:
    """Insert rows of these columns; `conflict` is the clause that says what becomes of those that are there.

    Raises:
        DBAPIError: the database does not answer, or refuses them.
    """
    names = ", ".join(columns)
    types = [table.c[name].type.compile(connection.dialect).lower() for name in columns]
    incoming = f"frontdesk_{table.name}_{len(columns)}"  # which a version with other columns does not find
    with _cursor(connection) as cursor:
        # It stays with the connection, empty: a table for every transaction would bloat the catalogue.
        empty = f"SELECT {names} FROM {table.name} WITH NO DATA"  # noqa: S608 - names of our own
        cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS {incoming} ON COMMIT DELETE ROWS AS {empty}")
        with cursor.copy(f"COPY {incoming} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
        cursor.execute(f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {incoming} {conflict}")  # noqa: S608


@contextmanager
def _cursor(connection: Connection) -> Iterator[Any]:
    """The driver's own, its errors as SQLAlchemy tells them: by these the writer knows what is at fault."""
    driver_error = connection.dialect.loaded_dbapi.Error
    cursor = connection.connection.cursor()
    try:
        yield cursor
    except driver_error as error:
        raise DBAPIError.instance("COPY", None, error, driver_error, dialect=connection.dialect) from error
    finally:
        cursor.close()
