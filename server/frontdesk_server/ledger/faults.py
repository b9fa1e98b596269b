"""Whose fault it is that a batch was not taken: a record's of it, or the store's."""

from __future__ import annotations

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimedOut

_CHECK_VIOLATION = "23514"
"""PostgreSQL's; no record can break a rule of ours, but a table may be in the hands of who parts it by time."""


def record_at_fault(error: Exception) -> bool:
    """Whether another record would have been taken; if not, the store fails and may recover."""
    if isinstance(error, DataError | IntegrityError):
        return getattr(error.orig, "sqlstate", "") != _CHECK_VIOLATION
    return not isinstance(error, DBAPIError | PoolTimedOut | OSError)


def told_by(error: Exception) -> str:
    """What the store itself says, on one line; nothing of an error that may quote a record."""
    return "" if record_at_fault(error) else on_one_line(getattr(error, "orig", error))


def on_one_line(said: object) -> str:
    """The first line of what a database says."""
    return str(said).strip().partition("\n")[0]
