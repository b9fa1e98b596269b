"""The ledger's tables, the same in SQLite and PostgreSQL.

Decision ids are ULIDs, so the primary keys sort by time: listing, following and retention need no index of their own.
Instants are whole microseconds since 1970 in UTC. Structured columns hold JSON text. Rows are only ever inserted,
except that a later outcome of the same source replaces the earlier one.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, MetaData, Table, Text

METADATA = MetaData()

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("decision_id", Text, primary_key=True),
    Column("decided_at_us", BigInteger, nullable=False),
    Column("caller", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("router", Text, nullable=False),
    Column("router_version", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("strongest_model", Text, nullable=False),
    Column("propensity", Double, nullable=False),
    Column("explored", Boolean, nullable=False),
    Column("router_duration_seconds", Double, nullable=False),
    Column("router_cost_nano_usd", BigInteger),
    Column("task", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("signals", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("candidates", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("prompt", Text),
)
"""One row per decision. `prompt` holds the redacted messages where the configuration keeps prompts."""

SETTLEMENTS = Table(
    "settlements",
    METADATA,
    Column("decision_id", Text, primary_key=True),
    Column("settled_at_us", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("error_reason", Text, nullable=False),
    Column("committed", Boolean, nullable=False),
    Column("model", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("escalations", Integer, nullable=False),
    Column("fallbacks", Integer, nullable=False),
    Column("attempts_nano_usd", BigInteger),
    Column("checks_nano_usd", BigInteger),
    Column("router_nano_usd", BigInteger),
    Column("strongest_nano_usd", BigInteger),
    Column("total_nano_usd", BigInteger),
    Column("saved_nano_usd", BigInteger),
    Column("duration_seconds", Double, nullable=False),
    Column("answer", Text),
)
"""How a completion ended: status is completed, failed or cancelled; `model` answered, empty when none did."""

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("decision_id", Text, primary_key=True),
    Column("attempt_index", Integer, primary_key=True),
    Column("model", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("backend", Text, nullable=False),
    Column("upstream_model", Text, nullable=False),
    Column("finish_reason", Text),
    Column("error_reason", Text, nullable=False),
    Column("error_message", Text, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cache_read_tokens", BigInteger),
    Column("cache_write_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("usage_estimated", Boolean, nullable=False),
    Column("cost_nano_usd", BigInteger),
    Column("duration_seconds", Double, nullable=False),
    Column("time_to_first_token_seconds", Double),
    Column("checks", Text, nullable=False),
    Column("adjustments", Text, nullable=False),
    Column("provider_request_id", Text, nullable=False),
    Column("provider_cost_nano_usd", BigInteger),
    Column("further_usage", Text, nullable=False),
    Column("cache_saved_nano_usd", BigInteger),
)
"""One row per attempt of a settled completion."""

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
