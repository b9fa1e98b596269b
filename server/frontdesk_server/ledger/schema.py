"""The ledger's tables, the same in SQLite and PostgreSQL.

Decision ids are ULIDs, so the primary keys sort by time: listing, following and retention need no index of their own.
Instants are whole microseconds since 1970 in UTC. Structured columns hold JSON text.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, MetaData, Table, Text

METADATA = MetaData()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

DECIDED = (
    Column("decision_id", Text, primary_key=True),
    Column("decided_at_us", BigInteger, nullable=False),
    Column("router", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("router_duration_seconds", Double, nullable=False),
    Column("labels", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("text", Text),
    Column("prompt", Text),
    Column("decision", LargeBinary, nullable=False),
    Column("trace_id", Text),
)
"""Of the decision. `decision` is what its caller got; `text`, what routing looked at, and `prompt`, the whole
conversation, are there only where the configuration keeps prompts, redacted."""

SETTLED = (
    Column("settled_at_us", BigInteger),
    Column("status", Text),
    Column("error_reason", Text),
    Column("committed", Boolean),
    Column("answered_by", Text),
    Column("attempts", Integer),
    Column("escalations", Integer),
    Column("fallbacks", Integer),
    Column("total_nano_usd", BigInteger),
    Column("saved_nano_usd", BigInteger),
    Column("duration_seconds", Double),
    Column("last_model", Text),
    Column("last_outcome", Text),
    Column("last_input_tokens", BigInteger),
    Column("last_output_tokens", BigInteger),
    Column("last_cache_read_tokens", BigInteger),
    Column("last_cache_write_tokens", BigInteger),
    Column("last_cache_saved_nano_usd", BigInteger),
    Column("last_nano_usd", BigInteger),
    Column("last_duration_seconds", Double),
    Column("last_first_token_seconds", Double),
    Column("earlier_attempts", Text),
    Column("answer", Text),
    Column("account", LargeBinary),
)
"""How a completion ended, all empty until it has: `status` is as `domain.ending` says; `answered_by` is empty
when no model did. `last_*` tell of the last attempt, which most often is the only one; `earlier_attempts` lists the
same of those before it. `account` holds all of them whole, and the cost, as GetDecision tells them."""

RECORDS = Table(
    "records",
    METADATA,
    *DECIDED,
    *SETTLED,
    Column("quality", Double),
    Index("records_by_status", "status", "decision_id"),
)
"""One row per decision, with what became of it. `quality` is the mean of what all sources reported."""

LAST_ATTEMPT = tuple(column.name for column in SETTLED if column.name.startswith("last_"))

OUTCOMES = Table(
    "outcomes",
    METADATA,
    Column("decision_id", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("quality", Double, nullable=False),
    Column("reported_at_us", BigInteger, nullable=False),
    Column("labels", Text, nullable=False),
)
"""The latest outcome of each source."""

SCHEMA_VERSION = Table("schema_version", METADATA, Column("version", Integer, primary_key=True))
"""One row: the last migration that was applied."""


def micros(instant: datetime) -> int:
    """Whole microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(micros_since_1970: int) -> datetime:
    """The inverse of `micros`."""
    return _EPOCH + timedelta(microseconds=micros_since_1970)
