"""The service end to end: real client, real server, real HTTP upstream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from frontdesk import (
    AttemptEnded,
    Client,
    Completed,
    CompletionStream,
    Event,
    FrontdeskError,
    Started,
    TextDelta,
    text_of,
)
from frontdesk.v1.routing_pb2 import AttemptOutcome, ExclusionReason
from frontdesk_server.assembly.app import App

from tests.service import pool_config, service
from tests.upstream.script import Fault, Script
from tests.upstream.server import FaultyUpstream

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def upstream() -> AsyncIterator[FaultyUpstream]:
    async with FaultyUpstream() as running:
        yield running


async def test_route_decides_and_explains(upstream: FaultyUpstream, tmp_path: Path) -> None:
    async with service(pool_config(upstream.openai_url), tmp_path) as (client, _):
        decision = await client.route("What is 2 + 2?", excluded_models=["mid"])
    assert decision.model == "small"
    excluded = {c.model: c.exclusion_reason for c in decision.candidates if c.exclusion_reason}
    assert excluded == {"mid": ExclusionReason.EXCLUSION_REASON_EXCLUDED}
    assert not upstream.requests


async def test_stream_and_unary_agree_in_answer_usage_and_cost(upstream: FaultyUpstream, tmp_path: Path) -> None:
    async with service(pool_config(upstream.openai_url), tmp_path) as (client, _):
        unary = await client.complete("What is 2 + 2?")
        streamed = await client.stream_complete("What is 2 + 2?").completion()
    assert text_of(unary.message) == text_of(streamed.message) != ""
    assert unary.usage == streamed.usage
    assert unary.cost == streamed.cost
    assert unary.cost.total_nano_usd > 0


async def test_a_failing_model_is_followed_by_the_fallback_and_the_stream_says_so(
    upstream: FaultyUpstream, tmp_path: Path
) -> None:
    upstream.enqueue(Script(fault=Fault.STATUS, status=500))
    async with service(pool_config(upstream.openai_url), tmp_path) as (client, _):
        events = [event async for event in client.stream_complete("Hello")]
    assert isinstance(events[0], Started)
    ended = next(event for event in events if isinstance(event, AttemptEnded))
    assert ended.attempt.outcome == AttemptOutcome.ATTEMPT_OUTCOME_FAILED
    assert ended.next_model == "mid"
    completed = events[-1]
    assert isinstance(completed, Completed)
    assert completed.model == "mid"
    assert [request.body["model"] for request in upstream.requests] == ["small", "mid"]


async def test_a_stream_that_breaks_after_commit_ends_with_an_error_that_carries_the_account(
    upstream: FaultyUpstream, tmp_path: Path
) -> None:
    upstream.enqueue(Script(fault=Fault.CUT, after_tokens=2))
    async with service(pool_config(upstream.openai_url), tmp_path) as (client, _):
        seen: list[Event] = []
        with pytest.raises(FrontdeskError) as failure:
            await read_into(seen, client.stream_complete("Hello"))
    assert any(isinstance(event, TextDelta) for event in seen)
    assert not any(isinstance(event, Completed) for event in seen)
    assert failure.value.reason == "UPSTREAM_CUT"
    assert failure.value.failure is not None
    assert failure.value.failure.committed
    assert failure.value.failure.cost.total_nano_usd > 0


async def test_a_caller_who_goes_away_is_heard_upstream_at_once(upstream: FaultyUpstream, tmp_path: Path) -> None:
    upstream.enqueue(Script(fault=Fault.HANG, after_tokens=2))
    async with service(pool_config(upstream.openai_url), tmp_path) as (client, _):
        async with client.stream_complete("Hello") as stream:
            async for event in stream:
                if isinstance(event, TextDelta):
                    break
        left = time.perf_counter()
        (request,) = upstream.requests
        async with asyncio.timeout(2):
            await request.aborted.wait()
    assert request.aborted_at is not None
    assert request.aborted_at - left < 0.1


async def test_the_callers_deadline_bounds_everything(upstream: FaultyUpstream, tmp_path: Path) -> None:
    upstream.script = Script(fault=Fault.HANG_BEFORE_HEADERS)
    async with service(pool_config(upstream.openai_url), tmp_path) as (client, _):
        started = time.perf_counter()
        with pytest.raises(FrontdeskError) as failure:
            await client.complete("Hello", timeout=0.3)
    assert failure.value.reason == "DEADLINE_EXCEEDED"
    assert time.perf_counter() - started < 1


async def read_into(seen: list[Event], stream: CompletionStream) -> None:
    async for event in stream:
        seen.append(event)  # noqa: PERF401 - what came before a failure matters


async def version_that_routes(client: Client) -> str:
    return (await client.route("Hello")).router_version


async def test_reload_swaps_the_configuration_and_keeps_the_last_good_one(
    upstream: FaultyUpstream, tmp_path: Path
) -> None:
    config = pool_config(upstream.openai_url)
    path = tmp_path / "frontdesk.yaml"
    async with service(config, tmp_path) as (client, app):
        before = await version_that_routes(client)
        path.write_text("routers: [")
        assert not await app.reload(path)
        assert await version_that_routes(client) == before
        config["routers"]["default"]["strategy"]["model"] = "frontier"
        path.write_text(yaml.safe_dump(config))
        assert await app.reload(path)
        decision = await client.route("Hello")
    assert decision.model == "frontier"
    assert decision.router_version != before


async def test_a_reload_lets_running_calls_finish_on_what_they_began_with(
    upstream: FaultyUpstream, tmp_path: Path
) -> None:
    config = pool_config(upstream.openai_url)
    path = tmp_path / "frontdesk.yaml"
    async with service(config, tmp_path) as (client, app):
        stream = client.stream_complete("Hello")
        decision = await stream.decision()
        config["models"]["small"]["description"] = "another"
        path.write_text(yaml.safe_dump(config))
        reload = asyncio.create_task(reloaded(app, path))
        completion = await stream.completion()
        assert await reload
    assert completion.model == decision.model == "small"


async def reloaded(app: App, path: Path) -> bool:
    return await app.reload(path)


async def test_outcomes_join_their_decision(upstream: FaultyUpstream, tmp_path: Path) -> None:
    config = pool_config(upstream.openai_url, ledger={"url": f"sqlite:///{tmp_path}/ledger.db"})
    async with service(config, tmp_path) as (client, _):
        completion = await client.complete("Hello", labels={"team": "blue"})
        await client.report_outcome(completion.completion_id, 0.25, source="user")
        await client.report_outcome(completion.completion_id, 0.75, source="user")
        record = await client.get_decision(completion.completion_id)
    assert record.decision == completion.decision
    assert list(record.attempts) == list(completion.attempts)
    assert record.cost == completion.cost
    assert dict(record.labels) == {"team": "blue"}
    assert [(outcome.source, outcome.quality) for outcome in record.outcomes] == [("user", 0.75)]


async def test_what_every_strategy_decides_reaches_the_ledger_whole(tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "docs" / "examples" / "composition.yaml").read_text())
    config |= {"ledger": {"url": f"sqlite:///{tmp_path}/ledger.db"}, "telemetry": {"log_level": "error"}}
    queries = ("My salary is a secret.", "Fix this Python function.", "Design a sharded queue.", "What is 2 + 2?", "hm")
    async with service(config, tmp_path) as (client, _):
        decisions = [await client.route(query) for query in queries]
        recorded = [(await client.get_decision(decision.decision_id)).decision for decision in decisions]
    assert recorded == decisions
    assert {decision.strategy for decision in decisions} >= {"rules", "cascade"}


async def test_models_are_listed_with_their_prices(upstream: FaultyUpstream, tmp_path: Path) -> None:
    async with service(pool_config(upstream.openai_url), tmp_path) as (client, _):
        models = {model.name: model for model in await client.list_models()}
    assert list(models) == ["frontier", "mid", "small"]
    assert models["small"].prices.output_nano_usd_per_million == 500_000_000
    assert models["small"].available
