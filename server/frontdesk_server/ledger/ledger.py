"""The ledger as the desk sees it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.attempt import Answer, Settlement
from frontdesk_server.domain.clock import Clock, SystemClock
from frontdesk_server.domain.decision import RoutedQuery
from frontdesk_server.domain.errors import DecisionNotFound, LedgerUnavailable
from frontdesk_server.domain.record import DecisionRecord, Ledger, Outcome, RecordCodec
from frontdesk_server.ledger.batch import DecisionEntry, OutcomeEntry, SettlementEntry, Waiter
from frontdesk_server.ledger.content import ContentPolicy
from frontdesk_server.ledger.engine import open_engine
from frontdesk_server.ledger.legacy import move_old_rows
from frontdesk_server.ledger.migrations import migrate
from frontdesk_server.ledger.monitor import LedgerMonitor, NullMonitor
from frontdesk_server.ledger.null import NullLedger
from frontdesk_server.ledger.partitions import Partitions
from frontdesk_server.ledger.redaction import PatternRedactor, Redactor
from frontdesk_server.ledger.retention import Retention
from frontdesk_server.ledger.store import SqlStore
from frontdesk_server.ledger.usable import cause_of_closed, shown
from frontdesk_server.ledger.writer import GroupWriter, WriterLimits

log = structlog.get_logger()


class SqlLedger:
    """A ledger in a database; `sync` makes callers wait for their records' commit."""

    def __init__(
        self, store: SqlStore, writer: GroupWriter, clock: Clock, *, sync: bool, window_seconds: float
    ) -> None:
        self._store = store
        self._writer = writer
        self._clock = clock
        self._sync = sync
        self._window_seconds = window_seconds

    async def record_decision(self, routed: RoutedQuery) -> None:
        """Keep a decision; returns when it is as durable as configured."""
        waiter = self._waiter()
        await self._writer.submit(DecisionEntry(routed, time.monotonic(), waiter))
        if waiter is not None:
            await waiter

    async def record_settlement(
        self, routed: RoutedQuery, settlement: Settlement, *, answer: Answer | None, error_reason: str
    ) -> None:
        """Keep how a completion ended; returns when it is as durable as configured."""
        waiter = self._waiter()
        now = self._clock.now()
        await self._writer.submit(
            SettlementEntry(routed, settlement, answer, error_reason, now, time.monotonic(), waiter)
        )
        if waiter is not None:
            await waiter

    async def record_outcome(self, outcome: Outcome) -> bool:
        """Keep an outcome, durable on return; True when it replaced one of the same source.

        The last report of a source counts, whenever it comes, as long as retention keeps the decision.

        Raises:
            DecisionNotFound: no such decision is recorded.
            LedgerUnavailable: the store does not answer; the outcome may still be recorded when it does again.

        """
        try:
            return await self._report(outcome)
        except DecisionNotFound:
            await self._let_others_commit()
            return await self._report(outcome)

    async def decision(self, decision_id: str, caller: str) -> DecisionRecord:
        """Look up a decision of this caller's, records that are not committed yet included.

        Raises:
            DecisionNotFound: no such decision of this caller is recorded.
            LedgerUnavailable: the store does not answer.

        """
        record = await self._find(decision_id, caller)
        if record is None:
            await self._let_others_commit()
            record = await self._find(decision_id, caller)
        if record is None:
            raise DecisionNotFound(decision_id)
        return record

    async def _report(self, outcome: Outcome) -> bool:
        waiter: Waiter = asyncio.get_running_loop().create_future()
        await self._writer.submit(OutcomeEntry(outcome, time.monotonic(), waiter))
        return await waiter

    async def _find(self, decision_id: str, caller: str) -> DecisionRecord | None:
        routed, settled = self._writer.uncommitted(decision_id)  # first: a commit meanwhile is then seen in the store
        if routed is not None and routed.caller != caller:
            routed = settled = None
        try:
            record = await asyncio.to_thread(self._store.record, decision_id, caller)
        except SQLAlchemyError as error:
            if routed is None:
                raise LedgerUnavailable("the ledger cannot be read", 1.0) from error
            record = None
        if record is None and routed is not None:
            record = DecisionRecord(routed.decision, routed.caller, routed.labels, trace_id=routed.trace_id)
        if record is not None and settled is not None:
            record = replace(record, settlement=settled.settlement)
        return record

    async def _let_others_commit(self) -> None:
        """Another worker may hold the decision still."""
        await asyncio.sleep(2 * self._window_seconds)

    def _waiter(self) -> Waiter | None:
        return asyncio.get_running_loop().create_future() if self._sync else None


async def _move(engine: Engine, codec: RecordCodec) -> None:
    started = time.monotonic()
    if moved := await asyncio.to_thread(move_old_rows, engine, codec):
        log.info("ledger.moved", decisions=moved, seconds=round(time.monotonic() - started, 3))


def _partitioned(engine: Engine, config: LedgerConfig, clock: Clock) -> Partitions | None:
    if engine.dialect.name != "postgresql":
        return None
    partitions = Partitions(engine, config.partition_hours, clock)
    partitions.start()
    return partitions


@contextlib.asynccontextmanager
async def open_ledger(
    config: LedgerConfig,
    codec: RecordCodec,
    clock: Clock | None = None,
    *,
    monitor: LedgerMonitor | None = None,
    redactor: Redactor | None = None,
) -> AsyncIterator[Ledger]:
    """Open the configured ledger, migrate it with the rows of older versions, and drain it at the end.

    `redactor` replaces the configured patterns.

    Raises:
        ConfigError: the URL, a pattern or the schema found cannot be used.
        LedgerUnavailable: the database cannot be reached at the start.

    """
    if not (url := config.url.get_secret_value()):
        yield NullLedger()
        return
    clock = clock or SystemClock()
    monitor = monitor or NullMonitor()
    engine = open_engine(url, config.durability)
    try:
        try:
            await asyncio.to_thread(migrate, engine)
            await _move(engine, codec)
            partitions = await asyncio.to_thread(_partitioned, engine, config, clock)
        except SQLAlchemyError as error:
            raise LedgerUnavailable(
                f"{shown(engine.url)} cannot be opened: {cause_of_closed(engine, error)}"
            ) from error
        store = SqlStore(engine, codec)
        limits = WriterLimits(config.flush_ms / 1000, config.max_batch, config.max_queue, config.max_lag_ms / 1000)
        retention = Retention(engine, config.retention_days, config.max_decisions, clock, monitor, partitions)
        writer = GroupWriter(
            store,
            ContentPolicy(redactor or PatternRedactor(config.redact), config.store_prompts),
            codec,
            limits,
            monitor,
            sweep=retention.sweep,
        )
        writer.start()
        monitor.opened(lambda: writer.waiting, lambda: writer.lag_seconds)
        try:
            yield SqlLedger(
                store,
                writer,
                clock,
                sync=config.durability == "sync",
                window_seconds=limits.flush_seconds,
            )
        finally:
            await writer.stop()
    finally:
        engine.dispose()
