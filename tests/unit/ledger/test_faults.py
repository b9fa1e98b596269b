"""Whose fault a batch's failure is."""

from __future__ import annotations

import pytest
from frontdesk_server.ledger.faults import record_at_fault
from sqlalchemy.exc import DataError, IntegrityError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimedOut


class Told(Exception):
    """What a database says, with its code."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "of_the_record"),
    [
        (DataError("INSERT", None, Told("22003")), True),
        (IntegrityError("INSERT", None, Told("23502")), True),
        (ValueError("cannot be encoded"), True),
        (IntegrityError("INSERT", None, Told("23514")), False),
        (OperationalError("INSERT", None, Told("53100")), False),
        (InternalError("INSERT", None, Told("25006")), False),
        (PoolTimedOut(), False),
        (ConnectionResetError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_record_is_at_fault_only_where_another_would_be_taken(error: Exception, of_the_record: bool) -> None:
    assert record_at_fault(error) is of_the_record
