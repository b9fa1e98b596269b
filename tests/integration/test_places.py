"""Places to run come back, whatever callers do to their calls."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from frontdesk import Client, FrontdeskError
from frontdesk_server.app import App

from tests.service import pool_config, service
from tests.upstream import Fault, FaultyUpstream, Script

SILENT = Script(Fault.HANG_BEFORE_HEADERS)
HEALTHY = Script()


def config_of(upstream: FaultyUpstream, **admission: int) -> dict[str, Any]:
    config = pool_config(upstream.openai_url)
    config["routers"]["default"]["fallbacks"] = []
    config["execution"]["admission"] = admission
    return config


def places(app: App) -> tuple[int, int]:
    admission = app.desk.admission
    return admission.running, admission.waiting


async def all_free(app: App) -> None:
    async with asyncio.timeout(10):
        while places(app) != (0, 0):
            await asyncio.sleep(0.01)


async def fail_within(client: Client, seconds: float, *, stream: bool = True) -> str:
    answer = client.stream_complete("Hello", timeout=seconds).completion if stream else None
    with pytest.raises(FrontdeskError) as failure:
        await (client.complete("Hello", timeout=seconds) if answer is None else answer())
    return failure.value.code.name


def recorded(folder: Path, columns: str, table: str) -> set[tuple[str, ...]]:
    with closing(sqlite3.connect(folder / "ledger.db")) as ledger:
        return set(ledger.execute(f"SELECT {columns} FROM {table}"))


async def test_streams_of_one_deadline_that_run_and_wait_give_every_place_back(tmp_path: Path) -> None:
    async with (
        FaultyUpstream(SILENT) as upstream,
        service(config_of(upstream, max_running=8, max_waiting=16), tmp_path) as (client, app),
    ):
        for _ in range(3):
            codes = await asyncio.gather(*(fail_within(client, 0.5) for _ in range(20)))
            assert set(codes) == {"DEADLINE_EXCEEDED"}
            await all_free(app)
        upstream.script = HEALTHY
        answers = await asyncio.gather(*(client.complete("Hello", timeout=20) for _ in range(20)))
        assert {answer.model for answer in answers} == {"small"}


async def test_streams_of_one_connection_that_are_aborted_at_once_give_every_place_back(tmp_path: Path) -> None:
    async with (
        FaultyUpstream(SILENT) as upstream,
        service(config_of(upstream, max_running=30, max_waiting=60), tmp_path) as (client, app),
    ):
        for _ in range(5):
            streams = [client.stream_complete("Hello", timeout=60) for _ in range(80)]
            asking = [asyncio.create_task(stream.completion()) for stream in streams]
            async with asyncio.timeout(20):
                while places(app) != (30, 50):
                    await asyncio.sleep(0.01)
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            await all_free(app)
        upstream.script = HEALTHY
        assert (await client.complete("Hello", timeout=20)).model == "small"


@pytest.mark.parametrize("stream", [True, False])
async def test_callers_in_a_hurry_take_no_model_from_the_others(stream: bool, tmp_path: Path) -> None:
    ledger = {"ledger": {"url": f"sqlite:///{tmp_path}/ledger.db"}}
    async with (
        FaultyUpstream(Script(first_token_seconds=0.6)) as upstream,
        service(config_of(upstream) | ledger, tmp_path) as (client, app),
    ):
        for _ in range(3):
            codes = await asyncio.gather(*(fail_within(client, 0.3, stream=stream) for _ in range(4)))
            assert set(codes) == {"DEADLINE_EXCEEDED"}
            await all_free(app)
        assert all(model.available for model in await client.list_models())
        answers = await asyncio.gather(*(client.complete("Hello", timeout=20) for _ in range(4)))
        assert {answer.model for answer in answers} == {"small"}
    attempts = recorded(tmp_path, "outcome, error_reason", "attempts")
    assert attempts == {("failed", "UPSTREAM_TIMED_OUT"), ("accepted", "")}
    settlements = recorded(tmp_path, "status, error_reason", "settlements")
    assert settlements == {("failed", "DEADLINE_EXCEEDED"), ("completed", "")}
