"""What every ledger promises, whichever database keeps it."""

from __future__ import annotations

import asyncio
import csv
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from frontdesk_server.assembly.ledger import open_ledger, open_reader
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.errors import ConfigError, DecisionNotFound
from frontdesk_server.domain.ids import new_decision_id
from frontdesk_server.domain.record import DecisionRecord, Outcome
from frontdesk_server.domain.usage import Cost, Usage, within_int64
from frontdesk_server.ledger.engine import open_engine
from frontdesk_server.ledger.export import DECISION_COLUMNS, LEARNING_COLUMNS, decision_rows, learning_rows, write_rows
from frontdesk_server.ledger.migrations import STEPS, migrate
from frontdesk_server.ledger.reader import Filters
from frontdesk_server.ledger.schema import METADATA
from frontdesk_server.ledger.statistics import statistics
from sqlalchemy import create_engine, inspect, text

from tests.conftest import DefectLog
from tests.records import (
    SECRET_TEXT,
    RecordingMonitor,
    a_cascade,
    a_routed_query,
    an_answer,
    days_ago,
    stored,
)

NOW = datetime(2026, 5, 1, 12, 0, 0, 654321, tzinfo=UTC)


def config(url: str, **settings: object) -> LedgerConfig:
    return LedgerConfig.model_validate({"url": url, "flush_ms": 5, **settings})


def raw_content(url: str) -> str:
    """Everything in the database as text."""
    engine = create_engine(url)
    with engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        content = "".join(str(connection.execute(text(f"SELECT * FROM {table}")).all()) for table in tables)
    engine.dispose()
    return content


def read(url: str, decision_id: str) -> DecisionRecord | None:
    with open_reader(url) as reader:
        return reader.record(decision_id)


async def test_a_completion_comes_back_as_it_was_recorded(ledger_url: str) -> None:
    routed, settlement = a_routed_query(), a_cascade()
    outcome = Outcome(routed.decision.decision_id, 0.75, "judge", NOW, {"version": "2"})
    async with open_ledger(config(ledger_url)) as ledger:
        await ledger.record_decision(routed)
        await ledger.record_settlement(routed, settlement, answer=an_answer("42"), error_reason="")
        await ledger.record_outcome(outcome)
    record = read(ledger_url, routed.decision.decision_id)
    assert record == DecisionRecord(stored(routed), "billing", {"team": "support"}, settlement, (outcome,))


async def test_an_uncommitted_record_is_found_as_if_it_were(ledger_url: str) -> None:
    routed, settlement = a_routed_query(), a_cascade()
    async with open_ledger(config(ledger_url, flush_ms=60_000)) as ledger:
        await ledger.record_decision(routed)
        await ledger.record_settlement(routed, settlement, answer=None, error_reason="")
        assert read(ledger_url, routed.decision.decision_id) is None
        record = await ledger.decision(routed.decision.decision_id, "billing")
    assert record == DecisionRecord(routed.decision, "billing", {"team": "support"}, settlement)


async def test_a_stop_drains_what_waits(ledger_url: str) -> None:
    monitor = RecordingMonitor()
    queries = [a_routed_query() for _ in range(1_234)]
    async with open_ledger(config(ledger_url, flush_ms=60_000), monitor=monitor) as ledger:
        for routed in queries:
            await ledger.record_decision(routed)
    with open_reader(ledger_url) as reader:
        found = {summary.decision_id for summary in reader.newest(Filters(), 10_000)}
    assert found == {routed.decision.decision_id for routed in queries}
    assert (monitor.records, monitor.losses) == (1_234, {})


async def test_sync_durability_returns_after_the_commit(ledger_url: str) -> None:
    async with open_ledger(config(ledger_url, durability="sync", flush_ms=60_000)) as ledger:
        for _ in range(3):
            routed = a_routed_query()
            await ledger.record_decision(routed)
            assert read(ledger_url, routed.decision.decision_id) is not None


async def test_the_last_outcome_of_a_source_counts(ledger_url: str) -> None:
    routed = a_routed_query()
    decision_id = routed.decision.decision_id
    first = Outcome(decision_id, 0.2, "user", NOW)
    async with open_ledger(config(ledger_url)) as ledger:
        await ledger.record_decision(routed)
        replaced = [
            await ledger.record_outcome(first),
            await ledger.record_outcome(Outcome(decision_id, 0.9, "judge", NOW)),
            await ledger.record_outcome(Outcome(decision_id, 0.4, "user", NOW, {"why": "typo"})),
            await ledger.record_outcome(Outcome(decision_id, 0.4, "user", NOW, {"why": "typo"})),
        ]
        outcomes = (await ledger.decision(decision_id, "billing")).outcomes
    assert replaced == [False, False, True, True]
    assert {(o.source, o.quality, *o.labels.values()) for o in outcomes} == {("judge", 0.9), ("user", 0.4, "typo")}


async def test_unknown_decisions_are_refused(ledger_url: str) -> None:
    async with open_ledger(config(ledger_url)) as ledger:
        with pytest.raises(DecisionNotFound):
            await ledger.decision(new_decision_id(), "billing")
        with pytest.raises(DecisionNotFound):
            await ledger.record_outcome(Outcome(new_decision_id(), 0.5, "user", NOW))


async def test_workers_share_a_ledger(ledger_url: str) -> None:
    """A caller's next call may reach another worker, before the first has committed."""
    routed = a_routed_query()
    async with (
        open_ledger(config(ledger_url, flush_ms=40)) as here,
        open_ledger(config(ledger_url, flush_ms=40)) as there,
    ):
        await here.record_decision(routed)
        reported, record = await asyncio.gather(
            there.record_outcome(Outcome(routed.decision.decision_id, 1.0, "user", NOW)),
            there.decision(routed.decision.decision_id, "billing"),
        )
    assert (reported, record.decision) == (False, stored(routed))


async def test_workers_write_at_once_without_losing_anything(ledger_url: str) -> None:
    monitors = [RecordingMonitor() for _ in range(4)]

    async def work(monitor: RecordingMonitor) -> None:
        async with open_ledger(config(ledger_url, max_batch=10), monitor=monitor) as ledger:
            for _ in range(100):
                routed = a_routed_query()
                await ledger.record_decision(routed)
                await ledger.record_settlement(routed, a_cascade(), answer=None, error_reason="")
                await asyncio.sleep(0)

    await asyncio.gather(*map(work, monitors))
    assert [(m.records, m.failures, m.losses) for m in monitors] == [(200, [], {})] * 4
    with open_reader(ledger_url) as reader:
        assert sum(each.attempts for each in statistics(reader, Filters()).models) == 800


async def test_content_is_not_stored_unless_asked_for(ledger_url: str) -> None:
    routed = a_routed_query()
    async with open_ledger(config(ledger_url)) as ledger:
        await ledger.record_decision(routed)
        await ledger.record_settlement(routed, a_cascade(), answer=an_answer("call 555-0100"), error_reason="")
    content = raw_content(ledger_url)
    assert routed.decision.decision_id in content
    assert "555-0100" not in content


async def test_stored_content_is_redacted(ledger_url: str) -> None:
    routed = a_routed_query()
    settings = {"store_prompts": True, "redact": [r"\d{3}-\d{4}", "(?i)SISTER"]}
    async with open_ledger(config(ledger_url, **settings)) as ledger:
        await ledger.record_decision(routed)
        await ledger.record_settlement(routed, a_cascade(), answer=an_answer("call 555-0100"), error_reason="")
    content = raw_content(ledger_url)
    assert "my [redacted] has the number [redacted]" in content
    assert "call [redacted]" in content
    assert "555-0100" not in content


async def test_a_record_whose_redactor_fails_is_kept_without_content(
    ledger_url: str, caught_defects: DefectLog
) -> None:
    class Broken:
        def redact(self, text: str) -> str:
            raise RuntimeError(text)

    routed, monitor = a_routed_query(), RecordingMonitor()
    settings = config(ledger_url, store_prompts=True)
    async with open_ledger(settings, monitor=monitor, redactor=Broken()) as ledger:
        await ledger.record_decision(routed)
    assert SECRET_TEXT not in raw_content(ledger_url)
    assert read(ledger_url, routed.decision.decision_id) is not None
    assert monitor.losses == {"content": 1}
    assert [(line["part"], line["error_type"]) for line in caught_defects] == [("ledger", "RuntimeError")]
    assert SECRET_TEXT not in str(caught_defects)
    caught_defects.clear()


@pytest.mark.parametrize("text", ["nul \0 inside", "half a pair \ud800", "emoji 🦄 and ümläut"])
async def test_odd_text_costs_no_record(ledger_url: str, text: str, caught_defects: DefectLog) -> None:
    routed, other = a_routed_query(text=text), a_routed_query()
    async with open_ledger(config(ledger_url, store_prompts=True)) as ledger:
        await ledger.record_decision(other)
        await ledger.record_decision(routed)
        await ledger.record_settlement(routed, a_cascade(), answer=an_answer(text), error_reason="")
    record = read(ledger_url, routed.decision.decision_id)
    assert record is not None
    assert record.settlement is not None
    assert read(ledger_url, other.decision.decision_id) is not None
    caught_defects.clear()


@pytest.mark.parametrize("number", [2**53, 2**63 - 1, 2**63, 10**30, -(10**30)])
async def test_numbers_of_any_size_are_kept_as_far_as_they_fit(ledger_url: str, number: int) -> None:
    routed, settlement, monitor = a_routed_query(), a_cascade(cost=Cost(number, 0, 7, number)), RecordingMonitor()
    attempts = tuple(
        replace(attempt, usage=Usage(number, number, number, number, number), cost_nano_usd=number)
        for attempt in settlement.attempts
    )
    async with open_ledger(config(ledger_url), monitor=monitor) as ledger:
        await ledger.record_decision(routed)
        await ledger.record_settlement(routed, replace(settlement, attempts=attempts), answer=None, error_reason="")
    record = read(ledger_url, routed.decision.decision_id)
    assert record is not None
    assert record.settlement is not None
    assert record.settlement.attempts[0].usage.output_tokens == within_int64(number)
    assert (monitor.losses, monitor.failures) == ({}, [])


async def test_retention_deletes_old_decisions_with_all_that_is_theirs(ledger_url: str) -> None:
    old, young, monitor = a_routed_query(at=days_ago(31)), a_routed_query(at=days_ago(29)), RecordingMonitor()
    async with open_ledger(config(ledger_url)) as ledger:
        for routed in (old, young):
            await ledger.record_decision(routed)
            await ledger.record_settlement(routed, a_cascade(), answer=None, error_reason="")
            await ledger.record_outcome(Outcome(routed.decision.decision_id, 1.0, "user", NOW))
    await _sweep(config(ledger_url, retention_days=30), monitor)
    assert old.decision.decision_id not in raw_content(ledger_url)
    record = read(ledger_url, young.decision.decision_id)
    assert record is not None
    assert (record.settlement, len(record.outcomes), monitor.deletions) == (a_cascade(), 1, 1)


async def test_retention_keeps_no_more_decisions_than_allowed(ledger_url: str) -> None:
    queries = [a_routed_query(at=days_ago(10 - day)) for day in range(10)]
    async with open_ledger(config(ledger_url)) as ledger:
        for routed in queries:
            await ledger.record_decision(routed)
    await _sweep(config(ledger_url, max_decisions=3), RecordingMonitor())
    with open_reader(ledger_url) as reader:
        kept = [summary.decision_id for summary in reader.newest(Filters(), 100)]
    assert kept == [routed.decision.decision_id for routed in queries[-3:]]


async def _sweep(settings: LedgerConfig, monitor: RecordingMonitor) -> None:
    """What an idle ledger does every minute, and first when it opens."""
    async with open_ledger(settings, monitor=monitor):
        async with asyncio.timeout(10):
            while not monitor.deletions:
                await asyncio.sleep(0.005)


def test_the_migrated_schema_is_the_declared_one(ledger_url: str) -> None:
    engine = open_engine(ledger_url)
    assert migrate(engine) == migrate(engine) == len(STEPS)
    found = inspect(engine)
    parts = {name for name in found.get_table_names() if name.endswith("_other")}
    assert set(found.get_table_names()) - parts == set(METADATA.tables)
    for name, table in METADATA.tables.items():
        columns = {c["name"]: (str(c["type"]), c["nullable"]) for c in found.get_columns(name)}
        expected = {c.name: (c.type.compile(engine.dialect), c.nullable) for c in table.columns}
        if engine.dialect.name == "sqlite":
            expected = {n: (t.replace("DOUBLE", "REAL"), nullable) for n, (t, nullable) in expected.items()}
        assert columns == expected
        assert found.get_pk_constraint(name)["constrained_columns"] == [c.name for c in table.primary_key.columns]
    engine.dispose()


def test_a_ledger_of_a_newer_version_is_refused(ledger_url: str) -> None:
    engine = open_engine(ledger_url)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE schema_version SET version = version + 1"))
    with pytest.raises(ConfigError, match="use the newer Frontdesk"):
        migrate(engine)
    engine.dispose()
    with pytest.raises(ConfigError, match="schema version"), open_reader(ledger_url):
        pass


async def test_lists_filter_and_statistics_add_up(ledger_url: str) -> None:
    answered, failed, routed_only = a_routed_query(), a_routed_query(router="bot"), a_routed_query(model="large")
    async with open_ledger(config(ledger_url)) as ledger:
        for routed in (answered, failed, routed_only):
            await ledger.record_decision(routed)
        await ledger.record_settlement(answered, a_cascade(), answer=None, error_reason="")
        await ledger.record_settlement(failed, a_cascade(), answer=None, error_reason="UPSTREAM_CUT")
        await ledger.record_outcome(Outcome(answered.decision.decision_id, 0.5, "user", NOW))
        await ledger.record_outcome(Outcome(answered.decision.decision_id, 1.0, "judge", NOW))
    with open_reader(ledger_url) as reader:

        def ids(**wanted: object) -> list[str]:
            return [s.decision_id for s in reader.newest(Filters(**wanted), 10)]  # type: ignore[arg-type]

        assert set(ids()) == {q.decision.decision_id for q in (answered, failed, routed_only)}
        assert ids(router="bot") == ids(status="failed") == [failed.decision.decision_id]
        assert ids(status="routed") == [routed_only.decision.decision_id]
        assert set(ids(model="large")) == set(ids())
        assert (reader.count(Filters()), reader.count(Filters(status="failed"))) == (3, 1)
        assert ids(caller="nobody") == ids(since=datetime(2999, 1, 1, tzinfo=UTC)) == ids(until=days_ago(1)) == []
        found = statistics(reader, Filters())
        summary = next(s for s in reader.newest(Filters(), 10) if s.decision_id == answered.decision.decision_id)
    assert (summary.quality, summary.cost_nano_usd, summary.saved_nano_usd) == (0.75, 21_241, 8_759)
    assert (summary.answered_by, summary.escalations, summary.attempts) == ("large", 1, 2)
    bot, default = found.routers
    assert (default.decisions, default.completions, default.saved_nano_usd) == (2, 1, 8_759)
    assert (default.escalation_share, default.quality, bot.failed) == (1.0, 0.75, 1)
    large, small = found.models
    assert (large.accepted, large.cost_nano_usd, large.quality, small.rejected) == (2, 40_000, 0.75, 2)
    assert (small.duration_seconds.p99, small.time_to_first_token_seconds.p50) == (0.5, 0.1)


async def test_how_calls_ended_is_told_apart_and_only_whole_answers_count_as_answered(ledger_url: str) -> None:
    reasons = {"completed": "", "failed": "UPSTREAM_CUT", "deadline": "DEADLINE_EXCEEDED", "cancelled": "CANCELLED"}
    async with open_ledger(config(ledger_url)) as ledger:
        for reason in (*reasons.values(), "DEADLINE_EXCEEDED"):
            routed = a_routed_query()
            await ledger.record_decision(routed)
            await ledger.record_settlement(routed, a_cascade(), answer=None, error_reason=reason)
        await ledger.record_decision(a_routed_query())
    engine = open_engine(ledger_url)
    with engine.begin() as connection:  # as rows of before a passed deadline was a status of its own
        newest = text("SELECT max(decision_id) FROM records WHERE status = 'deadline'")
        old = {"old": connection.execute(newest).scalar_one()}
        connection.execute(text("UPDATE records SET status = 'failed' WHERE decision_id = :old"), old)
    engine.dispose()
    with open_reader(ledger_url) as reader:
        counts = {status: reader.count(Filters(status=status)) for status in (*reasons, "routed")}
        shown = Counter(summary.status for summary in reader.newest(Filters(), 10))
        (router,) = statistics(reader, Filters()).routers
    assert counts == shown == {"completed": 1, "failed": 1, "deadline": 2, "cancelled": 1, "routed": 1}
    assert (router.decisions, router.completions) == (6, 5)
    assert (router.answered, router.failed, router.deadline, router.cancelled) == (1, 1, 2, 1)


async def test_the_times_of_a_single_decision_are_told(ledger_url: str) -> None:
    """Nothing is lost of what a database sends row by row."""
    routed = a_routed_query()
    async with open_ledger(config(ledger_url)) as ledger:
        await ledger.record_decision(routed)
        await ledger.record_settlement(routed, a_cascade(), answer=None, error_reason="")
    with open_reader(ledger_url) as reader:
        found = statistics(reader, Filters())
    assert found.routers[0].router_duration_seconds.p50 == routed.decision.router_duration_seconds
    assert [model.duration_seconds.p50 for model in found.models] == [0.5, 0.5]


async def test_a_decision_is_found_with_the_trace_of_its_call(ledger_url: str) -> None:
    traced, untraced = replace(a_routed_query(), trace_id="4bf92f3577b34da6a3ce929d0e0e4736"), a_routed_query()
    async with open_ledger(config(ledger_url)) as ledger:
        for routed in (traced, untraced):
            await ledger.record_decision(routed)
    with open_reader(ledger_url) as reader:
        kept = {summary.decision_id: summary.trace_id for summary in reader.newest(Filters(), 10)}
        records = [reader.record(routed.decision.decision_id) for routed in (traced, untraced)]
    assert [record.trace_id for record in records if record is not None] == [traced.trace_id, ""]
    assert kept == {routed.decision.decision_id: routed.trace_id for routed in (traced, untraced)}


async def test_statistics_tell_what_prompt_caches_gave(ledger_url: str) -> None:
    routed, cascade = a_routed_query(), a_cascade()
    usage = Usage(1000, 10, cache_read_tokens=600, cache_write_tokens=300, web_searches=2, service_tier="flex")
    attempts = tuple(replace(attempt, usage=usage, cache_saved_nano_usd=-7) for attempt in cascade.attempts)
    async with open_ledger(config(ledger_url)) as ledger:
        await ledger.record_decision(routed)
        await ledger.record_settlement(routed, replace(cascade, attempts=attempts), answer=None, error_reason="")
        record = await ledger.decision(routed.decision.decision_id, routed.caller)
    with open_reader(ledger_url) as reader:
        large, _ = statistics(reader, Filters()).models
    assert record.settlement is not None
    assert [attempt.usage for attempt in record.settlement.attempts] == [usage, usage]
    assert (large.cache_read_tokens, large.cache_write_tokens, large.cache_saved_nano_usd) == (600, 300, -7)


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv"])
async def test_exports_hold_every_row(ledger_url: str, tmp_path: Path, form: str) -> None:
    answered, unjudged = a_routed_query(), a_routed_query()
    async with open_ledger(config(ledger_url, store_prompts=True)) as ledger:
        for routed in (answered, unjudged):
            await ledger.record_decision(routed)
            await ledger.record_settlement(routed, a_cascade(), answer=an_answer("forty-two"), error_reason="")
        await ledger.record_outcome(Outcome(answered.decision.decision_id, 0.5, "user", NOW))
    learning, decisions = tmp_path / f"learning.{form}", tmp_path / f"decisions.{form}"
    with open_reader(ledger_url) as reader:
        assert write_rows(learning_rows(reader, Filters()), LEARNING_COLUMNS, learning, form) == 1  # type: ignore[arg-type]
        assert write_rows(decision_rows(reader, Filters()), DECISION_COLUMNS, decisions, form) == 2  # type: ignore[arg-type]
    (row,) = _rows(learning)
    assert (row["query_id"], row["prompt"]) == (answered.decision.decision_id, SECRET_TEXT)
    assert (row["model"], float(row["quality"]), int(row["cost_nano_usd"])) == ("large", 0.5, 20_000)
    assert (float(row["latency_ms"]), row["response"], row["domain"]) == (500.0, "forty-two", "code")
    assert (row["check_kind"], float(row["check_score"]), int(row["check_cost_nano_usd"])) == ("logprob", 0.8, 0)
    replayable = {row["decision_id"]: row for row in _rows(decisions)}[answered.decision.decision_id]
    assert float(replayable["propensity"]) == 0.9
    candidates = replayable["candidates"]
    assert [c["model"] for c in (json.loads(candidates) if isinstance(candidates, str) else candidates)] == [
        "small",
        "large",
    ]


def _rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
