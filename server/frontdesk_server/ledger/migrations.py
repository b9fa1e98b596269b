"""Versioned DDL. A step, once released, is never edited; a change of the schema is a further step.

Every statement is understood by SQLite and PostgreSQL alike, but for the type BLOB, and a whole upgrade is one
transaction in both. Rows of older versions move afterwards: `legacy` does that.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, delete, insert, select

from frontdesk_server.domain.errors import ConfigError, ConfigFault
from frontdesk_server.ledger.engine import begin_writing, change_schema
from frontdesk_server.ledger.schema import SCHEMA_VERSION

_VERSION_TABLE = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL PRIMARY KEY)"

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE decisions (
            decision_id TEXT NOT NULL PRIMARY KEY,
            decided_at_us BIGINT NOT NULL,
            caller TEXT NOT NULL,
            labels TEXT NOT NULL,
            router TEXT NOT NULL,
            router_version TEXT NOT NULL,
            strategy TEXT NOT NULL,
            model TEXT NOT NULL,
            reason TEXT NOT NULL,
            strongest_model TEXT NOT NULL,
            propensity DOUBLE PRECISION NOT NULL,
            explored BOOLEAN NOT NULL,
            router_duration_seconds DOUBLE PRECISION NOT NULL,
            router_cost_nano_usd BIGINT,
            task TEXT NOT NULL,
            policy TEXT NOT NULL,
            signals TEXT NOT NULL,
            path TEXT NOT NULL,
            candidates TEXT NOT NULL,
            plan TEXT NOT NULL,
            prompt TEXT
        )""",
        """CREATE TABLE settlements (
            decision_id TEXT NOT NULL PRIMARY KEY,
            settled_at_us BIGINT NOT NULL,
            status TEXT NOT NULL,
            error_reason TEXT NOT NULL,
            committed BOOLEAN NOT NULL,
            model TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            escalations INTEGER NOT NULL,
            fallbacks INTEGER NOT NULL,
            attempts_nano_usd BIGINT,
            checks_nano_usd BIGINT,
            router_nano_usd BIGINT,
            strongest_nano_usd BIGINT,
            total_nano_usd BIGINT,
            saved_nano_usd BIGINT,
            duration_seconds DOUBLE PRECISION NOT NULL,
            answer TEXT
        )""",
        """CREATE TABLE attempts (
            decision_id TEXT NOT NULL,
            attempt_index INTEGER NOT NULL,
            model TEXT NOT NULL,
            kind TEXT NOT NULL,
            outcome TEXT NOT NULL,
            backend TEXT NOT NULL,
            upstream_model TEXT NOT NULL,
            finish_reason TEXT,
            error_reason TEXT NOT NULL,
            error_message TEXT NOT NULL,
            retries INTEGER NOT NULL,
            input_tokens BIGINT,
            output_tokens BIGINT,
            cache_read_tokens BIGINT,
            cache_write_tokens BIGINT,
            reasoning_tokens BIGINT,
            usage_estimated BOOLEAN NOT NULL,
            cost_nano_usd BIGINT,
            duration_seconds DOUBLE PRECISION NOT NULL,
            time_to_first_token_seconds DOUBLE PRECISION,
            checks TEXT NOT NULL,
            PRIMARY KEY (decision_id, attempt_index)
        )""",
        """CREATE TABLE outcomes (
            decision_id TEXT NOT NULL,
            source TEXT NOT NULL,
            quality DOUBLE PRECISION NOT NULL,
            reported_at_us BIGINT NOT NULL,
            labels TEXT NOT NULL,
            PRIMARY KEY (decision_id, source)
        )""",
    ),
    (
        "ALTER TABLE attempts ADD COLUMN adjustments TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE attempts ADD COLUMN provider_request_id TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE attempts ADD COLUMN provider_cost_nano_usd BIGINT",
    ),
    (
        "ALTER TABLE attempts ADD COLUMN further_usage TEXT NOT NULL DEFAULT '{}'",
        "ALTER TABLE attempts ADD COLUMN cache_saved_nano_usd BIGINT",
    ),
    (
        """CREATE TABLE records (
            decision_id TEXT NOT NULL PRIMARY KEY,
            decided_at_us BIGINT NOT NULL,
            router TEXT NOT NULL,
            caller TEXT NOT NULL,
            strategy TEXT NOT NULL,
            model TEXT NOT NULL,
            reason TEXT NOT NULL,
            router_duration_seconds DOUBLE PRECISION NOT NULL,
            labels TEXT NOT NULL,
            policy TEXT NOT NULL,
            text TEXT,
            prompt TEXT,
            decision BLOB NOT NULL,
            settled_at_us BIGINT,
            status TEXT,
            error_reason TEXT,
            committed BOOLEAN,
            answered_by TEXT,
            attempts INTEGER,
            escalations INTEGER,
            fallbacks INTEGER,
            total_nano_usd BIGINT,
            saved_nano_usd BIGINT,
            duration_seconds DOUBLE PRECISION,
            last_model TEXT,
            last_outcome TEXT,
            last_input_tokens BIGINT,
            last_output_tokens BIGINT,
            last_cache_read_tokens BIGINT,
            last_cache_write_tokens BIGINT,
            last_cache_saved_nano_usd BIGINT,
            last_nano_usd BIGINT,
            last_duration_seconds DOUBLE PRECISION,
            last_first_token_seconds DOUBLE PRECISION,
            earlier_attempts TEXT,
            answer TEXT,
            account BLOB,
            quality DOUBLE PRECISION
        )""",
        "CREATE INDEX records_by_status ON records (status, decision_id)",
    ),
    ("ALTER TABLE records ADD COLUMN trace_id TEXT",),
)


def migrate(engine: Engine) -> int:
    """Bring the schema up to date and return its version; replicas that start together take turns.

    A ledger that is up to date is locked by nobody.

    Raises:
        ConfigError: a newer Frontdesk has already upgraded this ledger.

    """
    if engine.dialect.name == "postgresql":
        if not _is_current(engine):
            change_schema(engine, _upgrade)
        return len(STEPS)
    with begin_writing(engine) as connection:
        _upgrade(connection)
    return len(STEPS)


def _is_current(engine: Engine) -> bool:
    with engine.connect() as connection:
        return connection.dialect.has_table(connection, SCHEMA_VERSION.name) and _version(connection) == len(STEPS)


def _version(connection: Connection) -> int:
    return connection.execute(select(SCHEMA_VERSION.c.version)).scalar_one_or_none() or 0


def _upgrade(connection: Connection) -> None:
    connection.exec_driver_sql(_VERSION_TABLE)
    found = _version(connection)
    if found > len(STEPS):
        message = f"the ledger has schema version {found}, this Frontdesk knows {len(STEPS)}; use the newer Frontdesk"
        raise ConfigError("ledger", [ConfigFault(message, "ledger.url")])
    if found < len(STEPS):
        _apply(connection, found)


def _apply(connection: Connection, found: int) -> None:
    binary = " BYTEA" if connection.dialect.name == "postgresql" else " BLOB"
    for step in STEPS[found:]:
        for statement in step:
            connection.exec_driver_sql(statement.replace(" BLOB", binary))
    connection.execute(delete(SCHEMA_VERSION))
    connection.execute(insert(SCHEMA_VERSION), {"version": len(STEPS)})
