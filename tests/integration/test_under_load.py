"""What must not lose a call while calls are running: a reload, and an orderly end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
import yaml
from frontdesk import Client, FrontdeskError
from frontdesk_server.config.loading import default_config_path

from tests.integration.test_workers import serving
from tests.service import pool_config, service
from tests.upstream import FaultyUpstream, Script

CALLERS = 40
ROUNDS = 3
RELOADS = 6


async def test_reloads_under_load_lose_no_call(tmp_path: Path) -> None:
    async with FaultyUpstream(Script(interval_seconds=0.02)) as upstream:
        config = pool_config(upstream.openai_url)
        path = tmp_path / "frontdesk.yaml"
        async with service(config, tmp_path) as (client, app):

            async def caller() -> list[str]:
                return [(await client.stream_complete("Hello", timeout=60).completion()).model for _ in range(ROUNDS)]

            async def reloads() -> list[bool]:
                results = []
                for index in range(RELOADS):
                    config["models"]["small"]["description"] = f"version {index}"
                    path.write_text(yaml.safe_dump(config))
                    results.append(await app.reload(path))
                return results

            answers, reloaded = await asyncio.gather(asyncio.gather(*(caller() for _ in range(CALLERS))), reloads())
    assert reloaded == [True] * RELOADS
    assert answers == [["small"] * ROUNDS] * CALLERS


async def test_sigterm_lets_short_streams_finish_and_cuts_off_what_outlasts_the_grace_period(tmp_path: Path) -> None:
    """The embedded small model answers within the grace period, the frontier model takes seconds."""
    config = yaml.safe_load(default_config_path().read_text())
    config |= {"server": {"grace_seconds": 1.0}, "ledger": {"url": f"sqlite:///{tmp_path}/ledger.db"}}
    async with serving(tmp_path, text=yaml.safe_dump(config)) as running:
        await running.wait_for("server.listening")
        async with Client(running.address) as client:
            short = [client.stream_complete("What is 2 + 2?", timeout=30) for _ in range(CALLERS)]
            long = [client.stream_complete("Prove the Riemann hypothesis.", timeout=30) for _ in range(5)]
            await asyncio.gather(*(stream.decision() for stream in (*short, *long)))
            running.process.terminate()
            answers = await asyncio.gather(*(stream.completion() for stream in short))
            assert {answer.model for answer in answers} == {"small-llm"}
            async with Client(running.address) as late:
                with pytest.raises(FrontdeskError) as refusal:
                    await late.route("Hello", timeout=1)
            assert refusal.value.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
            for stream in long:
                with pytest.raises(FrontdeskError) as failure:
                    await stream.completion()
                assert failure.value.code is grpc.StatusCode.UNAVAILABLE
                assert failure.value.reason == "SHUTTING_DOWN"
        assert await running.finished() == 0
