"""However a completion ends, the ledger says why, and what was shown and counted is settled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from frontdesk import Client, FrontdeskError
from frontdesk_server.assembly.app import App, open_server
from frontdesk_server.config.loading import parse_config
from frontdesk_server.domain.events import TextDelta
from frontdesk_server.execution.answer_fold import AnswerFold
from frontdesk_server.rpc import service as rpc_service
from frontdesk_server.rpc.encode_events import encode_event
from frontdesk_server.telemetry.observed_attempt import ObservedAttempt
from frontdesk_server.telemetry.observer import ObservedCall

from tests.conftest import DefectLog
from tests.records import attempts, endings
from tests.service import pool_config, service
from tests.upstream import Fault, FaultyUpstream, Script

HEALTHY = Script()
HANGS = {True: Script(Fault.HANG, after_tokens=2), False: Script(Fault.HANG_BEFORE_HEADERS)}


def config_of(upstream: FaultyUpstream, folder: Path) -> dict[str, Any]:
    config = pool_config(upstream.openai_url, ledger={"url": f"sqlite:///{folder}/ledger.db", "flush_ms": 5})
    config["routers"]["default"]["fallbacks"] = []
    return config


@asynccontextmanager
async def serving(folder: Path, script: Script = HEALTHY) -> AsyncIterator[tuple[Client, App]]:
    async with FaultyUpstream(script) as upstream, service(config_of(upstream, folder), folder) as running:
        yield running


async def ask(client: Client, *, stream: bool, seconds: float = 20) -> None:
    if stream:
        async for _ in client.stream_complete("Hello", timeout=seconds):
            pass
    else:
        await client.complete("Hello", timeout=seconds)


def recorded(folder: Path) -> tuple[Any, ...]:
    """The one settlement with its one attempt."""
    (ending,) = endings(folder / "ledger.db")
    (attempt,) = attempts(folder / "ledger.db")
    counted = (attempt.usage.output_tokens or 0) > 0
    return (*ending, attempt.outcome.value, attempt.error_reason, counted, (attempt.cost_nano_usd or 0) > 0)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_caller_that_leaves_is_recorded_as_such(tmp_path: Path, stream: bool) -> None:
    async with serving(tmp_path, HANGS[stream]) as (client, _):
        asking = asyncio.create_task(ask(client, stream=stream))
        await asyncio.sleep(0.3)
        asking.cancel()
        await asyncio.wait([asking])
        await asyncio.sleep(0.2)
    assert recorded(tmp_path) == ("cancelled", "CANCELLED", "cancelled", "", 1, 1)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_passed_deadline_is_recorded_as_such(tmp_path: Path, stream: bool) -> None:
    async with serving(tmp_path, HANGS[stream]) as (client, _):
        with pytest.raises(FrontdeskError) as late:
            await ask(client, stream=stream, seconds=0.6)
        await asyncio.sleep(0.2)
        assert late.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert late.value.failure is not None, "the account came before the caller gave up"
        (attempt,) = late.value.failure.attempts
        assert attempt.cost_nano_usd > 0
        assert (await client.get_decision(late.value.completion_id)).cost == late.value.failure.cost
    assert recorded(tmp_path) == ("deadline", "DEADLINE_EXCEEDED", "failed", "UPSTREAM_TIMED_OUT", 1, 1)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_server_that_stops_is_recorded_as_such(tmp_path: Path, stream: bool) -> None:
    async with FaultyUpstream(HANGS[stream]) as upstream:
        config = config_of(upstream, tmp_path) | {"server": {"grace_seconds": 0.1}}
        loaded = parse_config(yaml.safe_dump(config), str(tmp_path / "frontdesk.yaml"), {})
        async with AsyncExitStack() as stack:
            _, server = await stack.enter_async_context(open_server(loaded, address="127.0.0.1:0"))
            client = Client(server.address)
            asking = asyncio.create_task(ask(client, stream=stream))
            await asyncio.sleep(0.3)
        with pytest.raises(FrontdeskError) as failure:
            await asking
        await client.close()
    assert failure.value.reason == ("SHUTTING_DOWN" if stream else "UNAVAILABLE")  # a unary call is tried again
    assert recorded(tmp_path) == ("failed", "SHUTTING_DOWN", "failed", "SHUTTING_DOWN", 1, 1)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_fault_of_ours_during_execution_is_recorded_as_such(
    tmp_path: Path, stream: bool, monkeypatch: pytest.MonkeyPatch, caught_defects: DefectLog
) -> None:
    collect = AnswerFold.add

    def broken(self: AnswerFold, delta: Any) -> None:
        collect(self, delta)
        raise ZeroDivisionError

    monkeypatch.setattr(AnswerFold, "add", broken)
    async with serving(tmp_path) as (client, _):
        with pytest.raises(FrontdeskError) as failure:
            await ask(client, stream=stream)
    assert failure.value.reason == "INTERNAL"
    assert recorded(tmp_path) == ("failed", "INTERNAL", "failed", "INTERNAL", 1, 1)
    assert [defect["part"] for defect in caught_defects] == ["call"]
    caught_defects.clear()


async def test_a_stream_that_our_front_cannot_send_is_recorded_as_our_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caught_defects: DefectLog
) -> None:
    encode = encode_event

    def broken(event: Any) -> Any:
        if isinstance(event, TextDelta):
            raise TypeError("a text that is none")
        return encode(event)

    monkeypatch.setattr(rpc_service, "encode_event", broken)
    async with serving(tmp_path, HANGS[True]) as (client, _):
        with pytest.raises(FrontdeskError) as failure:
            await ask(client, stream=True)
    assert failure.value.reason == "INTERNAL"
    assert recorded(tmp_path) == ("failed", "INTERNAL", "failed", "INTERNAL", 1, 1)
    caught_defects.clear()


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_is_given_and_recorded_whatever_becomes_of_telemetry(
    tmp_path: Path, stream: bool, monkeypatch: pytest.MonkeyPatch, caught_defects: DefectLog
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ObservedAttempt, "ended", broken)
    monkeypatch.setattr(ObservedCall, "settled", broken)
    async with serving(tmp_path) as (client, _):
        await ask(client, stream=stream)
    assert recorded(tmp_path) == ("completed", "", "accepted", "", 1, 1)
    assert [defect["part"] for defect in caught_defects] == ["telemetry", "telemetry"]
    caught_defects.clear()
