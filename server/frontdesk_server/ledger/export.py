"""The ledger's content as files: rows to learn from, and rows of decisions to replay policies on."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import orjson
from sqlalchemy import select

from frontdesk_server.config.files import STANDARD
from frontdesk_server.domain.attempt import AttemptOutcome, CheckResult
from frontdesk_server.domain.usage import sum_known
from frontdesk_server.ledger.json_form import json_parts
from frontdesk_server.ledger.reader import STATUS, Filters, LedgerReader
from frontdesk_server.ledger.schema import RECORDS

Format = Literal["parquet", "jsonl", "csv"]
ExportRow = Mapping[str, Any]

_BATCH = 1_000

LEARNING_COLUMNS: Mapping[str, str] = {
    "query_id": "text",
    "prompt": "text",
    "model": "text",
    "quality": "real",
    "cost_nano_usd": "integer",
    "latency_ms": "real",
    "response": "text",
    "domain": "text",
    "check_kind": "text",
    "check_score": "real",
    "check_cost_nano_usd": "integer",
}
"""The learning tools' format: one row per query and model."""

DECISION_COLUMNS: Mapping[str, str] = {
    "decision_id": "text",
    "decided_at": "text",
    "caller": "text",
    "labels": "json",
    "router": "text",
    "router_version": "text",
    "strategy": "text",
    "model": "text",
    "propensity": "real",
    "explored": "boolean",
    "policy": "json",
    "signals": "json",
    "candidates": "json",
    "path": "json",
    "plan": "json",
    "status": "text",
    "answered_by": "text",
    "error_reason": "text",
    "attempts": "integer",
    "escalations": "integer",
    "fallbacks": "integer",
    "cost_nano_usd": "integer",
    "saved_nano_usd": "integer",
    "duration_seconds": "real",
    "quality": "real",
    "prompt": "json",
}
"""One row per decision. JSON columns are nested in JSON Lines and JSON text elsewhere."""


def learning_rows(reader: LedgerReader, filters: Filters) -> Iterator[ExportRow]:
    """Answers whose outcome was reported and whose prompt was kept, as rows to learn from.

    The prompt is what routing looked at, the text of the last user message. Quality is the mean over all sources.
    """
    columns = RECORDS.c
    query = (
        select(columns.decision_id, columns.text, columns.decision, columns.account, columns.answer, columns.quality)
        .where(*filters.clauses(), columns.quality.is_not(None), columns.text != "", columns.account.is_not(None))
        .order_by(columns.decision_id)
    )
    with reader.engine.connect() as connection:
        for row in connection.execution_options(yield_per=_BATCH).execute(query):
            signals = reader.codec.decode_decision(row.decision, row.text).signals
            for attempt in reader.codec.decode_account(row.account, committed=True).attempts:
                if attempt.outcome is AttemptOutcome.ACCEPTED:
                    yield {
                        "query_id": row.decision_id,
                        "prompt": row.text,
                        "model": attempt.model,
                        "quality": row.quality,
                        "cost_nano_usd": attempt.cost_nano_usd,
                        "latency_ms": attempt.duration_seconds * 1000,
                        "response": row.answer,
                        "domain": signals.task.value,
                        **_checked(attempt.checks),
                    }


def _checked(results: Sequence[CheckResult]) -> ExportRow:
    """What the deciding check said, the last one, and what all of them cost."""
    if not results:
        return dict.fromkeys(("check_kind", "check_score", "check_cost_nano_usd"))
    return {
        "check_kind": results[-1].check,
        "check_score": None if results[-1].unrated else results[-1].score,
        "check_cost_nano_usd": sum_known(result.cost_nano_usd for result in results),
    }


def decision_rows(reader: LedgerReader, filters: Filters) -> Iterator[ExportRow]:
    """Every decision with its candidates and propensity, and what became of it."""
    columns = RECORDS.c
    query = (
        select(
            columns.caller,
            columns.labels,
            columns.policy,
            STATUS.label("status"),
            columns.answered_by,
            columns.error_reason,
            columns.attempts,
            columns.escalations,
            columns.fallbacks,
            columns.total_nano_usd.label("cost_nano_usd"),
            columns.saved_nano_usd,
            columns.duration_seconds,
            columns.quality,
            columns.prompt,
            columns.text,
            columns.decision,
        )
        .where(*filters.clauses())
        .order_by(columns.decision_id)
    )
    with reader.engine.connect() as connection:
        for row in connection.execution_options(yield_per=_BATCH).execute(query).mappings():
            decision = reader.codec.decode_decision(row["decision"], row["text"] or "")
            yield {
                **{name: row[name] for name in DECISION_COLUMNS if name in row},
                "decision_id": decision.decision_id,
                "decided_at": decision.decided_at.isoformat(),
                "router": decision.router,
                "router_version": decision.router_version,
                "strategy": decision.strategy,
                "model": decision.model,
                "propensity": decision.propensity,
                "explored": decision.explored,
                **json_parts(decision),
            }


_Write = Callable[[Sequence[ExportRow]], object]


def write_rows(rows: Iterable[ExportRow], columns: Mapping[str, str], path: Path, form: Format) -> int:
    """Write rows to a file, a thousand at a time, or JSON Lines to standard output; return how many there were."""
    count = 0
    with ExitStack() as stack:
        write = _WRITERS[form](path, columns, stack)
        batch: list[ExportRow] = []
        for row in rows:
            batch.append(row)
            count += 1
            if len(batch) == _BATCH:
                write(batch)
                batch = []
        write(batch)
    return count


def _jsonl_writer(path: Path, columns: Mapping[str, str], stack: ExitStack) -> _Write:
    file = sys.stdout.buffer if path == STANDARD else stack.enter_context(path.open("wb"))

    def write(rows: Sequence[ExportRow]) -> None:
        for row in rows:
            line = {name: _nested(row[name]) if kind == "json" else row[name] for name, kind in columns.items()}
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    return write


def _csv_writer(path: Path, columns: Mapping[str, str], stack: ExitStack) -> _Write:
    writer = csv.DictWriter(stack.enter_context(path.open("w", encoding="utf-8", newline="")), list(columns))
    writer.writeheader()
    return writer.writerows


def _parquet_writer(path: Path, columns: Mapping[str, str], stack: ExitStack) -> _Write:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"text": pa.string(), "json": pa.string(), "real": pa.float64(), "integer": pa.int64()}
    types["boolean"] = pa.bool_()
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    writer = stack.enter_context(pq.ParquetWriter(path, schema, compression="zstd"))

    def write(rows: Sequence[ExportRow]) -> None:
        writer.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema))

    return write


_WRITERS: Mapping[Format, Callable[[Path, Mapping[str, str], ExitStack], _Write]] = {
    "jsonl": _jsonl_writer,
    "csv": _csv_writer,
    "parquet": _parquet_writer,
}


def _nested(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)
