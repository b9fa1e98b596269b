"""Places to run come back, whatever callers do to their calls."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from frontdesk import Client, FrontdeskError
from frontdesk.v1.chat_pb2 import ContentPart, Message, Query, Role
from frontdesk.v1.router_service_pb2 import StreamCompleteRequest
from frontdesk.v1.router_service_pb2_grpc import RouterServiceStub
from frontdesk_server.assembly.app import App, open_server
from frontdesk_server.config.loading import load_config
from frontdesk_server.security.keys import new_key

from tests.records import attempts, endings
from tests.service import pool_config, service
from tests.upstream import Fault, FaultyUpstream, Script

SMALL_WINDOW = [("grpc.http2.bdp_probe", 0)]
"""So that a stream which is not read blocks its writer after 64 KiB, not after megabytes."""
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
    outcomes = {(attempt.outcome.value, attempt.error_reason) for attempt in attempts(tmp_path / "ledger.db")}
    assert outcomes == {("failed", "UPSTREAM_TIMED_OUT"), ("accepted", "")}
    assert set(endings(tmp_path / "ledger.db")) == {("deadline", "DEADLINE_EXCEEDED"), ("completed", "")}


async def unread(channel: grpc.aio.Channel, query: Query) -> grpc.aio.UnaryStreamCall[Any, Any]:
    """A stream whose caller has read the first message and reads no more."""
    call: grpc.aio.UnaryStreamCall[Any, Any] = RouterServiceStub(channel).StreamComplete(
        StreamCompleteRequest(query=query)
    )
    await call.read()
    return call


async def test_streams_that_nobody_reads_end_by_the_routers_timeout(tmp_path: Path) -> None:
    query = Query(messages=[Message(role=Role.ROLE_USER, parts=[ContentPart(text="Hello")])])
    ledger = {"ledger": {"url": f"sqlite:///{tmp_path}/ledger.db"}}
    async with FaultyUpstream(Script(tokens=("x" * 4000,) * 1000)) as upstream:
        config = config_of(upstream, max_running=8, max_waiting=0) | ledger
        config["routers"]["default"]["timeout_seconds"] = 1.0
        path = tmp_path / "frontdesk.yaml"
        path.write_text(yaml.safe_dump(config))
        async with (
            open_server(load_config(path, {}), address="127.0.0.1:0") as (app, server),
            grpc.aio.insecure_channel(server.address, options=SMALL_WINDOW) as channel,
        ):
            calls = [await unread(channel, query) for _ in range(8)]
            assert places(app) == (8, 0)
            began = time.monotonic()
            await all_free(app)
            assert time.monotonic() - began < 2
            assert upstream.running_requests == 0
            await asyncio.wait_for(server._calls.idle(), 5)
            upstream.script = HEALTHY
            async with Client(server.address) as client:
                assert (await client.complete("Hello", timeout=20)).model == "small"
            for call in calls:
                while not call.done():
                    with suppress(grpc.RpcError):
                        await call.read()
                assert await call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert set(endings(tmp_path / "ledger.db")) == {("deadline", "DEADLINE_EXCEEDED"), ("completed", "")}
    outcomes = {(attempt.outcome.value, attempt.error_reason) for attempt in attempts(tmp_path / "ledger.db")}
    assert outcomes - {("accepted", "")} == {("failed", "UPSTREAM_TIMED_OUT")}


async def test_one_caller_among_several_cannot_take_every_place(tmp_path: Path) -> None:
    key_of = {name: new_key() for name in ("ann", "eve")}
    async with FaultyUpstream(SILENT) as upstream:
        config = config_of(upstream, max_running=8, max_waiting=16)
        config["security"] = {"keys": [{"caller": name, "id": k.id, "sha256": k.sha256} for name, k in key_of.items()]}
        path = tmp_path / "frontdesk.yaml"
        path.write_text(yaml.safe_dump(config))
        async with (
            open_server(load_config(path, {}), address="127.0.0.1:0") as (app, server),
            Client(server.address, token=key_of["eve"].key) as greedy,
            Client(server.address, token=key_of["ann"].key) as other,
        ):
            asking = [asyncio.create_task(greedy.stream_complete("Hello", timeout=30).completion()) for _ in range(12)]
            async with asyncio.timeout(10):
                while places(app) != (4, 8):
                    await asyncio.sleep(0.01)
            upstream.script = HEALTHY
            assert (await other.complete("Hello", timeout=20)).model == "small"
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            await all_free(app)
