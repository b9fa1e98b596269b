"""A ledger of three tables, as Frontdesk kept it before, is read as if it had always been one of records."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from frontdesk_server.assembly.ledger import open_ledger, open_reader
from frontdesk_server.config.service import LedgerConfig
from frontdesk_server.domain.attempt import Settlement
from frontdesk_server.domain.ids import new_decision_id
from frontdesk_server.domain.record import DecisionRecord, Outcome
from frontdesk_server.domain.usage import Usage
from frontdesk_server.ledger.engine import begin_writing, open_engine
from frontdesk_server.ledger.export import decision_rows, learning_rows
from frontdesk_server.ledger.legacy import ATTEMPTS, DECISIONS, SETTLEMENTS
from frontdesk_server.ledger.migrations import STEPS, migrate
from frontdesk_server.ledger.reader import Filters
from frontdesk_server.ledger.schema import OUTCOMES
from frontdesk_server.ledger.statistics import statistics
from sqlalchemy import Table, func, insert, select

from tests.records import a_cascade, a_decision

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
AT_US = 1_777_636_800_000_000
SIGNALS = {"text": "prove it", "task": "code", "difficulty": 0.4, "input_tokens": 12, "code": True, "language": "en"}
SIGNALS |= {"text_characters": 33, "difficulty_cues": ["proof"]}
CHAIN = {"path": "default/chain", "strategy": "chain", "verdict": "chose", "reason": "first that is sure"}
LLM = {"path": "default/chain.0/llm", "strategy": "llm", "verdict": "timed_out", "reason": "200 ms"}
CASCADE = {"path": "default/chain.1/cascade", "strategy": "cascade", "verdict": "chose", "reason": "cheapest first"}
PATH = [
    CHAIN | {"duration_seconds": 0.003, "model": "small", "confidence": 0.7},
    LLM | {"duration_seconds": 0.002, "cost_nano_usd": None},
    CASCADE | {"duration_seconds": 0.001, "model": "small"},
]
ESTIMATES = {"predicted_quality": 0.6, "quality_uncertainty": 0.1, "predicted_cost_nano_usd": 1_000, "score": 0.55}
CANDIDATES = [
    {"model": "small", "predicted_time_to_first_token_seconds": 0.2, **ESTIMATES},
    {"model": "large", "exclusion": {"reason": "budget", "detail": "nothing is left", "retry_after_seconds": None}},
]
GATE = {"check": "default/chain.1/cascade.0", "stream_mode": "gate", "gate_tokens": 16}
PLAN = [{"model": "small", "kind": "primary", **GATE}, {"model": "large", "kind": "escalation"}]
PROMPT = [{"role": "user", "parts": [{"text": "prove it"}]}]


def old_decision(decision_id: str) -> dict[str, Any]:
    return {
        "decision_id": decision_id,
        "decided_at_us": AT_US,
        "caller": "billing",
        "labels": '{"team":"support"}',
        "router": "default",
        "router_version": "v1",
        "strategy": "cascade",
        "model": "small",
        "reason": "cheapest first",
        "strongest_model": "large",
        "propensity": 0.9,
        "explored": True,
        "router_duration_seconds": 0.004,
        "router_cost_nano_usd": 7,
        "task": "code",
        "policy": '{"quality_floor":0.5}',
        "signals": json.dumps(SIGNALS),
        "path": json.dumps(PATH),
        "candidates": json.dumps(CANDIDATES),
        "plan": json.dumps(PLAN),
        "prompt": json.dumps(PROMPT),
    }


def old_settlement(decision_id: str) -> dict[str, Any]:
    return {
        "decision_id": decision_id,
        "settled_at_us": AT_US + 1_000_000,
        "status": "completed",
        "error_reason": "",
        "committed": True,
        "model": "large",
        "attempts": 2,
        "escalations": 1,
        "fallbacks": 0,
        "attempts_nano_usd": 21_234,
        "checks_nano_usd": 0,
        "router_nano_usd": 7,
        "strongest_nano_usd": 30_000,
        "total_nano_usd": 21_241,
        "saved_nano_usd": 8_759,
        "duration_seconds": 1.004,
        "answer": "forty-two",
    }


def old_attempt(decision_id: str, index: int) -> dict[str, Any]:
    accepted = index == 1
    check = {"check": "logprob", "score": 0.8, "threshold": 0.7, "passed": accepted, "detail": "mean"}
    return {
        "decision_id": decision_id,
        "attempt_index": index,
        "model": "large" if accepted else "small",
        "kind": "escalation" if accepted else "primary",
        "outcome": "accepted" if accepted else "rejected",
        "backend": "sim",
        "upstream_model": "large-2026" if accepted else "small-2026",
        "finish_reason": "stop",
        "error_reason": "",
        "error_message": "",
        "retries": 1,
        "input_tokens": 10,
        "output_tokens": 20,
        "cache_read_tokens": 3,
        "cache_write_tokens": 2,
        "reasoning_tokens": 5,
        "usage_estimated": True,
        "cost_nano_usd": 20_000 if accepted else 1_234,
        "duration_seconds": 0.5,
        "time_to_first_token_seconds": 0.1,
        "checks": json.dumps([check]),
        "adjustments": "[]",
        "provider_request_id": "",
        "further_usage": '{"web_searches":2}',
    }


def keep(url: str, rows: Sequence[tuple[Table, dict[str, Any]]]) -> None:
    """What a replica of the older version writes."""
    engine = open_engine(url)
    with begin_writing(engine) as connection:
        for table, row in rows:
            connection.execute(insert(table), row)
    engine.dispose()


def an_older_ledger(url: str) -> None:
    """Empty, of the last version with three tables."""
    engine = open_engine(url)
    with begin_writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO schema_version VALUES (3)")
        for statement in (statement for step in STEPS[:3] for statement in step):
            connection.exec_driver_sql(statement)
    engine.dispose()


def whole(decision_id: str) -> list[tuple[Table, dict[str, Any]]]:
    attempts = [(ATTEMPTS, old_attempt(decision_id, index)) for index in (0, 1)]
    return [(DECISIONS, old_decision(decision_id)), *attempts, (SETTLEMENTS, old_settlement(decision_id))]


def expected(decision_id: str) -> DecisionRecord:
    decision = replace(a_decision(), decision_id=decision_id, decided_at=AT)
    decision = replace(decision, signals=replace(decision.signals, text="prove it", text_characters=33))
    cascade = a_cascade()
    usage = Usage(10, 20, 3, 2, 5, web_searches=2)
    settlement = Settlement(
        tuple(replace(each, usage=usage) for each in cascade.attempts), cascade.cost, committed=True
    )
    return DecisionRecord(decision, "billing", {"team": "support"}, settlement)


def left(url: str) -> list[int]:
    engine = open_engine(url)
    with engine.connect() as connection:
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (DECISIONS, SETTLEMENTS, ATTEMPTS)
        ]
    engine.dispose()
    return counts


async def opened(url: str) -> None:
    async with open_ledger(LedgerConfig.model_validate({"url": url})):
        pass


async def test_every_decision_moves_with_what_became_of_it(ledger_url: str) -> None:
    an_older_ledger(ledger_url)
    settled, routed = sorted((new_decision_id(), new_decision_id()))
    keep(ledger_url, [*whole(settled), (DECISIONS, old_decision(routed))])
    judged = {"decision_id": settled, "reported_at_us": AT_US, "labels": "{}"}
    reports = {"user": 0.75, "judge": 0.25}
    keep(ledger_url, [(OUTCOMES, judged | {"source": by, "quality": quality}) for by, quality in reports.items()])
    await opened(ledger_url)
    outcomes = tuple(Outcome(settled, reports[source], source, AT) for source in sorted(reports))
    with open_reader(ledger_url) as reader:
        assert reader.record(settled) == replace(expected(settled), outcomes=outcomes)
        assert reader.record(routed) == replace(expected(routed), settlement=None)
        first, second = reader.newest(Filters(), 10)
        large, small = statistics(reader, Filters()).models
        (answer,) = learning_rows(reader, Filters())
        exported = list(decision_rows(reader, Filters()))
    assert (first.status, first.quality, first.saved_nano_usd, second.status) == ("completed", 0.5, 8_759, "routed")
    assert (large.accepted, large.cost_nano_usd, small.rejected, small.duration_seconds.p50) == (1, 20_000, 1, 0.5)
    assert (answer["prompt"], answer["response"], answer["check_kind"]) == ("prove it", "forty-two", "logprob")
    assert json.loads(exported[0]["prompt"]) == PROMPT
    assert json.loads(exported[0]["policy"]) == {"quality_floor": 0.5}
    assert left(ledger_url) == [0, 0, 0]


async def test_many_move_once_whoever_starts_with_them(ledger_url: str) -> None:
    an_older_ledger(ledger_url)
    ids = [new_decision_id() for _ in range(1_100)]
    keep(ledger_url, [row for decision_id in ids for row in whole(decision_id)])
    await asyncio.gather(*(opened(ledger_url) for _ in range(3)))
    with open_reader(ledger_url) as reader:
        assert sorted(summary.decision_id for summary in reader.newest(Filters(), 10_000)) == sorted(ids)
        assert {summary.attempts for summary in reader.newest(Filters(), 10_000)} == {2}
    assert left(ledger_url) == [0, 0, 0]


async def test_what_an_older_replica_still_writes_moves_at_the_next_start(ledger_url: str) -> None:
    an_older_ledger(ledger_url)
    before, meanwhile, unknown = (new_decision_id() for _ in range(3))
    keep(ledger_url, [(DECISIONS, old_decision(before))])
    await opened(ledger_url)
    keep(ledger_url, [*whole(before)[1:], *whole(meanwhile), *whole(unknown)[1:]])
    await opened(ledger_url)
    with open_reader(ledger_url) as reader:
        assert [reader.record(each) for each in (before, meanwhile)] == [expected(before), expected(meanwhile)]
        assert reader.record(unknown) is None
    assert left(ledger_url) == [0, 0, 0]


def test_the_schema_is_upgraded_in_place(ledger_url: str) -> None:
    an_older_ledger(ledger_url)
    engine = open_engine(ledger_url)
    assert migrate(engine) == len(STEPS)
    engine.dispose()
