"""Ledgers of Frontdesk before schema version 4, which spread a completion over three tables.

Their rows move to table records when a ledger is opened, a hundred at a time: whoever starts together shares the
work, and who is killed meanwhile leaves the rest. The tables stay, as a replica of an older version that still runs
beside this one goes on writing there; what it wrote moves at the next start.
"""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    Engine,
    Integer,
    RowMapping,
    Table,
    Text,
    delete,
    select,
    update,
)

from frontdesk_server.domain.attempt import Adjustment, Attempt, AttemptOutcome, CheckResult
from frontdesk_server.domain.decision import Candidate, Decision, PlanStep, StepKind, StrategyStep
from frontdesk_server.domain.record import RecordCodec
from frontdesk_server.domain.signals import Signals
from frontdesk_server.domain.usage import Cost, FinishReason, Usage
from frontdesk_server.ledger.engine import begin_writing, take_turns
from frontdesk_server.ledger.rows import UNSETTLED, Row, attempt_figures
from frontdesk_server.ledger.schema import METADATA, OUTCOMES, RECORDS, SETTLED, instant
from frontdesk_server.ledger.statements import insert_records, keep_mean

_CHUNK = 100
_PAUSE_SECONDS = 0.02
"""Between chunks, so that SQLite gives its lock to others, too: it knows no queue."""

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


def move_old_rows(engine: Engine, codec: RecordCodec) -> int:
    """Move every decision of the old tables to table records, with what became of it; return how many there were."""
    moved = 0
    while count := _move_some(engine, codec):
        moved += count
        time.sleep(_PAUSE_SECONDS)
    while _move_settlements(engine, codec):
        time.sleep(_PAUSE_SECONDS)
    return moved


def _move_some(engine: Engine, codec: RecordCodec) -> int:
    with begin_writing(engine) as connection:
        take_turns(connection)
        decisions = (
            connection.execute(select(DECISIONS).order_by(DECISIONS.c.decision_id).limit(_CHUNK)).mappings().all()
        )
        ids = [row["decision_id"] for row in decisions]
        settled = _settled(connection, _of(connection, SETTLEMENTS, ids), codec)
        insert_records(
            connection, [_decided(row, codec) + settled.get(row["decision_id"], UNSETTLED) for row in decisions]
        )
        _delete(connection, (ATTEMPTS, SETTLEMENTS), list(settled))
        _delete(connection, (DECISIONS,), ids)
        judged = select(OUTCOMES.c.decision_id).where(OUTCOMES.c.decision_id.in_(ids)).distinct()
        for decision_id in connection.execute(judged).scalars().all():
            keep_mean(connection, decision_id)
    return len(ids)


def _move_settlements(engine: Engine, codec: RecordCodec) -> int:
    """Those whose decisions have moved before; a settlement without its decision was never shown, and goes."""
    with begin_writing(engine) as connection:
        take_turns(connection)
        waits = select(DECISIONS).where(DECISIONS.c.decision_id == SETTLEMENTS.c.decision_id).exists()
        rows = connection.execute(select(SETTLEMENTS).where(~waits).limit(_CHUNK)).mappings().all()
        settled = _settled(connection, rows, codec)
        for decision_id, row in settled.items():
            values = dict(zip((column.name for column in SETTLED), row, strict=True))
            unsettled = (RECORDS.c.decision_id == decision_id) & RECORDS.c.status.is_(None)
            connection.execute(update(RECORDS).where(unsettled).values(values))
        _delete(connection, (ATTEMPTS, SETTLEMENTS), list(settled))
    return len(settled)


def _of(connection: Connection, table: Table, ids: Sequence[str]) -> Sequence[RowMapping]:
    query = select(table).where(table.c.decision_id.in_(ids)).order_by(*table.primary_key.columns)
    return connection.execute(query).mappings().all()


def _delete(connection: Connection, tables: Sequence[Table], ids: Sequence[str]) -> None:
    """Delete what has been read, and not what an older replica may have added since."""
    for table in tables:
        connection.execute(delete(table).where(table.c.decision_id.in_(ids)))


def _decided(row: RowMapping, codec: RecordCodec) -> Row:
    """The columns DECIDED."""
    decision = _decision(row)
    return (
        row["decision_id"],
        row["decided_at_us"],
        row["router"],
        row["caller"],
        row["strategy"],
        row["model"],
        row["reason"],
        row["router_duration_seconds"],
        row["labels"],
        row["policy"],
        None if row["prompt"] is None else decision.signals.text,
        row["prompt"],
        codec.encode_decision(decision),
        None,
    )


def _settled(connection: Connection, settlements: Sequence[RowMapping], codec: RecordCodec) -> dict[str, Row]:
    """The columns SETTLED by decision id. Attempts are there with their settlement: they were committed together."""
    attempts: dict[str, list[Attempt]] = defaultdict(list)
    for row in _of(connection, ATTEMPTS, [row["decision_id"] for row in settlements]):
        attempts[row["decision_id"]].append(_attempt(row))
    return {row["decision_id"]: _settlement(row, attempts[row["decision_id"]], codec) for row in settlements}


def _settlement(row: RowMapping, attempts: Sequence[Attempt], codec: RecordCodec) -> Row:
    cost = Cost(row["attempts_nano_usd"], row["checks_nano_usd"], row["router_nano_usd"], row["strongest_nano_usd"])
    return (
        row["settled_at_us"],
        row["status"],
        row["error_reason"],
        row["committed"],
        row["model"],
        row["attempts"],
        row["escalations"],
        row["fallbacks"],
        row["total_nano_usd"],
        row["saved_nano_usd"],
        row["duration_seconds"],
        *attempt_figures(attempts),
        row["answer"],
        codec.encode_account(attempts, cost),
    )


def _decision(row: RowMapping) -> Decision:
    return Decision(
        decision_id=row["decision_id"],
        model=row["model"],
        reason=row["reason"],
        strategy=row["strategy"],
        path=_adapter(tuple[StrategyStep, ...]).validate_json(row["path"]),
        candidates=_adapter(tuple[Candidate, ...]).validate_json(row["candidates"]),
        plan=_adapter(tuple[PlanStep, ...]).validate_json(row["plan"]),
        signals=_adapter(Signals).validate_json(row["signals"]),
        router=row["router"],
        router_version=row["router_version"],
        strongest_model=row["strongest_model"],
        decided_at=instant(row["decided_at_us"]),
        router_duration_seconds=row["router_duration_seconds"],
        router_cost_nano_usd=row["router_cost_nano_usd"],
        propensity=row["propensity"],
        explored=row["explored"],
    )


def _attempt(row: RowMapping) -> Attempt:
    return Attempt(
        index=row["attempt_index"],
        model=row["model"],
        kind=StepKind(row["kind"]),
        outcome=AttemptOutcome(row["outcome"]),
        backend=row["backend"],
        usage=Usage(
            row["input_tokens"],
            row["output_tokens"],
            row["cache_read_tokens"],
            row["cache_write_tokens"],
            row["reasoning_tokens"],
            **orjson.loads(row["further_usage"]),
        ),
        cost_nano_usd=row["cost_nano_usd"],
        duration_seconds=row["duration_seconds"],
        time_to_first_token_seconds=row["time_to_first_token_seconds"],
        error_reason=row["error_reason"],
        error_message=row["error_message"],
        checks=_adapter(tuple[CheckResult, ...]).validate_json(row["checks"]),
        retries=row["retries"],
        upstream_model=row["upstream_model"],
        finish_reason=None if row["finish_reason"] is None else FinishReason(row["finish_reason"]),
        usage_estimated=row["usage_estimated"],
        adjustments=_adapter(tuple[Adjustment, ...]).validate_json(row["adjustments"]),
        provider_request_id=row["provider_request_id"],
        provider_cost_nano_usd=row["provider_cost_nano_usd"],
        cache_saved_nano_usd=row["cache_saved_nano_usd"],
    )


@functools.cache
def _adapter(form: Any) -> TypeAdapter[Any]:
    return TypeAdapter(form)
