"""Three replicas in a short form of what `make replicas` plays: none loses, repeats, mis-bills or overspends a call."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.postgres import find_postgres, postgres_server
from tests.redis_server import find_redis, running_redis
from tests.replicas.scenarios import play
from tests.replicas.world import build_caller


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "scenario", ["kill a replica, and restart it", "cut one off from Redis while the budget runs out"]
)
async def test_replicas_lose_repeat_and_misbill_nothing(tmp_path: Path, scenario: str) -> None:
    binaries, program, caller = find_postgres(), find_redis(), build_caller(tmp_path)
    if binaries is None or program is None or caller is None:
        reason = "needs PostgreSQL, redis-server and Go"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path / "replicas"
    folder.mkdir()
    with running_redis(program) as redis_url, postgres_server(binaries) as postgres:
        found, calls = await play(scenario, postgres, redis_url, caller, folder, rate=10, brisk=True)
    failed = [call for call in calls if call.reason and call.reason != "BUDGET_EXHAUSTED"]
    assert not found.faults, failed
    assert found.answered > 10
    assert (found.refused > 0) == ("budget" in scenario)
