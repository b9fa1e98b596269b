"""Whose fault a batch's failure is."""

from __future__ import annotations

import pytest
from frontdesk_server.ledger.faults import record_at_fault, told_by
from sqlalchemy.exc import DataError, IntegrityError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimedOut


class Told(Exception):
    """What a database says, with its code."""

    def __init__(self, sqlstate: str, text: str = "") -> None:
        super().__init__(text)
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


def test_the_store_is_quoted_where_it_speaks_of_itself() -> None:
    refused = OperationalError("INSERT", None, Told("28P01", "connection failed: password wrong\nand more"))
    assert told_by(refused) == "connection failed: password wrong"
    assert told_by(OSError(28, "No space left on device")) == "[Errno 28] No space left on device"


@pytest.mark.parametrize(
    "error", [DataError("INSERT", None, Told("22003", "out of range: My secret")), ValueError("My")]
)
def test_an_error_that_may_quote_a_record_is_not_quoted(error: Exception) -> None:
    assert told_by(error) == ""
