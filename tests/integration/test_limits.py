"""Budgets and rate limits, and affinity, as callers meet them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from frontdesk import Client, FrontdeskError
from frontdesk.v1.routing_pb2 import ExclusionReason
from frontdesk_server.assembly.app import App
from frontdesk_server.domain.call import LocalCall
from frontdesk_server.domain.errors import BudgetExhausted, ConfigError
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import text_query

from tests.service import pool_config, service
from tests.upstream.script import Fault, Script
from tests.upstream.server import FaultyUpstream

MAX_OUTPUT_TOKENS = 64
WORST_NANO_USD = 64 * 500 + 10 * 100
"""Of a greeting to `small`."""
ROOT = Path(__file__).parents[2]


@pytest.fixture
async def upstream() -> AsyncIterator[FaultyUpstream]:
    async with FaultyUpstream() as running:
        yield running


def limited(upstream: FaultyUpstream, folder: Path, *rules: dict[str, Any], **limits: Any) -> dict[str, Any]:
    """The usual pool under these rules, whose windows are too long to end during a test."""
    given = [{"name": f"rule-{index}", "window": "month"} | rule for index, rule in enumerate(rules)]
    config = pool_config(upstream.openai_url, limits={"path": str(folder / "limits.db"), "rules": given} | limits)
    for model in config["models"].values():
        model["max_output_tokens"] = MAX_OUTPUT_TOKENS
    return config


async def outcome(client: Client) -> str:
    """The model that answered, or the reason of the failure."""
    try:
        return (await client.complete("Hello")).model
    except FrontdeskError as error:
        return error.reason


async def spend(client: Client) -> int:
    """The nano-USD of one call; 0 when the budget has no room for it."""
    try:
        return (await client.complete("Hello")).cost.total_nano_usd
    except FrontdeskError as error:
        if error.reason != "BUDGET_EXHAUSTED":
            raise
        return 0


async def test_a_caller_over_its_limit_is_refused_at_once_and_told_when_to_come_back(
    upstream: FaultyUpstream, tmp_path: Path
) -> None:
    async with service(limited(upstream, tmp_path, {"per": ["caller"], "requests": 2}), tmp_path) as (client, _):
        assert [await outcome(client) for _ in range(3)] == ["small", "small", "RATE_LIMITED"]
        with pytest.raises(FrontdeskError) as refusal:
            await client.complete("Hello")
    assert refusal.value.code.name == "RESOURCE_EXHAUSTED"
    assert (refusal.value.retry_after_seconds or 0) > 0
    assert len(upstream.requests) == 2


async def test_a_model_over_its_limit_is_excluded_and_another_answers(upstream: FaultyUpstream, tmp_path: Path) -> None:
    async with service(limited(upstream, tmp_path, {"models": ["small"], "requests": 1}), tmp_path) as (client, _):
        assert await outcome(client) == "small"
        completion = await client.complete("Hello")
    assert completion.model != "small"
    excluded = {c.model: c.exclusion_reason for c in completion.decision.candidates if c.exclusion_reason}
    assert excluded == {"small": ExclusionReason.EXCLUSION_REASON_BUDGET}
    assert [attempt.model for attempt in completion.attempts] == [completion.model]


async def test_when_every_model_is_over_its_limit_the_caller_is_told_to_wait(
    upstream: FaultyUpstream, tmp_path: Path
) -> None:
    async with service(limited(upstream, tmp_path, {"per": ["model"], "requests": 1}), tmp_path) as (client, _):
        outcomes = [await outcome(client) for _ in range(5)]
    assert sorted(outcomes[:3]) == ["frontier", "mid", "small"]
    assert outcomes[3:] == ["RATE_LIMITED"] * 2


async def test_a_fallback_without_room_is_skipped(upstream: FaultyUpstream, tmp_path: Path) -> None:
    config = limited(upstream, tmp_path, {"models": ["mid"], "requests": 1})
    config["routers"]["default"]["fallbacks"] = ["mid", "frontier"]
    async with service(config, tmp_path) as (client, _):
        for fallback in ("mid", "frontier"):
            upstream.enqueue(Script(fault=Fault.STATUS, status=500))
            completion = await client.complete("Hello")
            assert [attempt.model for attempt in completion.attempts] == ["small", fallback]


async def test_money_is_counted_as_it_was_spent_and_not_as_it_was_reserved(
    upstream: FaultyUpstream, tmp_path: Path
) -> None:
    config = limited(upstream, tmp_path, {"usd": 0.0001})
    spent = 0
    async with service(config, tmp_path) as (client, _):
        while cost := await spend(client):
            spent += cost
    assert 100_000 - WORST_NANO_USD < spent <= 100_000


@pytest.mark.parametrize("tokens", [0, 2])
async def test_streams_that_are_left_cannot_pass_a_budget(
    upstream: FaultyUpstream, tmp_path: Path, tokens: int
) -> None:
    """Their provider may write the answers all the same, so that what was reserved stays."""
    config = limited(upstream, tmp_path, {"usd": 2.5 * WORST_NANO_USD / 1e9})
    upstream.script = Script(fault=Fault.HANG, after_tokens=tokens)
    async with service(config, tmp_path) as (client, _):
        for call in range(5):
            with suppress(FrontdeskError):
                async with client.stream_complete("Hello", timeout=60) as stream:
                    await stream.decision()
                    while len(upstream.requests) < min(call + 1, 2):
                        await asyncio.sleep(0.001)
    assert len(upstream.requests) == 2


async def test_200_concurrent_callers_never_overspend_and_are_refused_at_once(
    upstream: FaultyUpstream, tmp_path: Path
) -> None:
    budget = 30 * WORST_NANO_USD
    config = limited(upstream, tmp_path, {"usd": budget / 1e9})
    async with service(config, tmp_path) as (client, app):
        spent = sum(await asyncio.gather(*(spend(client) for _ in range(200))))
        while cost := await spend(client):
            spent += cost
        refusals = [await refusal_seconds(app) for _ in range(50)]
    assert budget - WORST_NANO_USD < spent <= budget
    assert sorted(refusals)[len(refusals) // 2] < 0.005


async def refusal_seconds(app: App) -> float:
    """How long it takes the desk to refuse."""
    started = time.perf_counter()
    with pytest.raises(BudgetExhausted):
        await app.desk.complete(text_query("Hello"), RoutingPolicy(), LocalCall(), {})
    return time.perf_counter() - started


def test_200_callers_in_three_processes_share_one_budget(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.limits", "--json", "--store", "sqlite", "--processes", "3"]
    command += ["--place", str(tmp_path / "limits.db")]
    ran = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (figures,) = json.loads(ran.stdout)
    assert figures["callers"] >= 200
    assert figures["refusals"] >= 3 * figures["callers"]
    assert figures["overspent_nano_usd"] == 0
    assert figures["spent_nano_usd"] > figures["budget_nano_usd"] - figures["worst_call_nano_usd"]


async def test_a_file_that_cannot_be_used_is_a_fault_of_the_configuration(
    upstream: FaultyUpstream, tmp_path: Path
) -> None:
    config = limited(upstream, tmp_path, {"requests": 1}, path=str(tmp_path / "nowhere" / "limits.db"))
    with pytest.raises(ConfigError, match=r"limits\.path"):
        async with service(config, tmp_path):
            pass


@pytest.mark.parametrize("field", ["models", "routers"])
async def test_a_rule_that_names_what_does_not_exist_is_a_fault_of_the_configuration(
    field: str, upstream: FaultyUpstream, tmp_path: Path
) -> None:
    config = limited(upstream, tmp_path, {"requests": 1, field: ["nobody"]})
    with pytest.raises(ConfigError, match=rf"frontdesk.yaml:\d+:\d+: limits.rules\[0\].{field}: no .* named 'nobody'"):
        async with service(config, tmp_path):
            pass


async def test_a_conversation_stays_with_the_model_that_answered_it(upstream: FaultyUpstream, tmp_path: Path) -> None:
    async with service(pool_config(upstream.openai_url), tmp_path) as (client, _):
        upstream.enqueue(Script(fault=Fault.STATUS, status=500))
        first = await client.complete("Hello", affinity_key="chat-1")
        second = await client.complete("Hello again", affinity_key="chat-1")
        other = await client.complete("Hello", affinity_key="chat-2")
    assert [first.model, second.model, other.model] == ["mid", "mid", "small"]
    assert second.decision.strategy == "affinity"
    assert "stays with mid" in second.decision.reason
    assert second.decision.path[-1].strategy == "affinity"
