"""A caller who goes away is heard upstream at once, what was used is settled, and nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from frontdesk import Client, Started
from frontdesk.v1.router_service_pb2 import GetDecisionResponse
from frontdesk.v1.routing_pb2 import AttemptOutcome

from tests.chaos.cancellation import PANELS, QUERY, SCENARIOS, Scenario, cancel_many, leave, prepared
from tests.service import pool_config, service
from tests.upstream import FaultyUpstream, Script


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_the_upstream_hears_of_it_and_the_attempt_is_settled(scenario: Scenario, tmp_path: Path) -> None:
    async with prepared(scenario, tmp_path) as (client, upstream):
        await leave(client, upstream, scenario)  # the first call makes connections
        seconds, completion_id = await leave(client, upstream, scenario)
        assert len(seconds) == scenario.open_calls
        assert max(seconds) < 0.1
        if not completion_id:
            return
        record = await settled(client, completion_id)
        (attempt,) = record.attempts
        assert attempt.outcome == AttemptOutcome.ATTEMPT_OUTCOME_CANCELLED
        answered = scenario.name.startswith("verifier")
        assert attempt.usage_estimated != answered
        assert attempt.usage.input_tokens == (11 if answered else 8)
        assert attempt.usage.output_tokens == (5 if answered else 3 if scenario.after_text else 0)
        assert attempt.cost_nano_usd == attempt.usage.input_tokens * 100 + attempt.usage.output_tokens * 500


@pytest.mark.parametrize("scenario", PANELS, ids=lambda scenario: scenario.name)
async def test_members_whose_answers_are_held_are_settled_with_the_one_that_is_aborted(
    scenario: Scenario, tmp_path: Path
) -> None:
    async with prepared(scenario, tmp_path) as (client, upstream):
        seconds, completion_id = await leave(client, upstream, scenario)
        assert len(seconds) == 1
        assert max(seconds) < 0.1
        if not completion_id:
            return
        record = await settled(client, completion_id)
    small, mid = record.attempts
    assert {small.outcome, mid.outcome} == {AttemptOutcome.ATTEMPT_OUTCOME_CANCELLED}
    assert (small.usage_estimated, small.cost_nano_usd) == (False, 11 * 100 + 5 * 500)
    assert (mid.usage_estimated, mid.cost_nano_usd) == (True, 8 * 600)


async def settled(client: Client, completion_id: str) -> GetDecisionResponse:
    while True:
        record = await client.get_decision(completion_id)
        if record.HasField("cost"):
            return record


async def test_a_caller_who_leaves_as_soon_as_the_decision_is_known_is_in_the_ledger(tmp_path: Path) -> None:
    async with FaultyUpstream(Script(first_token_seconds=0.05)) as upstream:
        config = pool_config(upstream.openai_url, ledger={"url": f"sqlite:///{tmp_path}/ledger.db"})
        async with service(config, tmp_path) as (client, _):
            for _ in range(20):
                async with client.stream_complete(QUERY) as stream:
                    started = await anext(stream)
                assert isinstance(started, Started)
                record = await settled(client, started.completion_id)
                assert all(a.outcome == AttemptOutcome.ATTEMPT_OUTCOME_CANCELLED for a in record.attempts)


async def test_cancelled_calls_leave_nothing_behind(tmp_path: Path) -> None:
    leftovers = await cancel_many(tmp_path, 300, warm_up_calls=100)
    assert leftovers.after.leaks(leftovers.before) == []
