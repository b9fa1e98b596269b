"""A new configuration takes hold at once, whatever the calls of older ones do."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
import yaml
from frontdesk import Client, FrontdeskError, Query, user
from frontdesk.v1.router_service_pb2 import StreamCompleteRequest
from frontdesk.v1.router_service_pb2_grpc import RouterServiceStub
from frontdesk_server.assembly.app import App, open_server
from frontdesk_server.assembly.fronts import listening_at
from frontdesk_server.assembly.staying import changed_in_vain
from frontdesk_server.cli.serve import below_the_page
from frontdesk_server.config.loading import LoadedConfig, load_config
from frontdesk_server.routing.engine import Engine
from frontdesk_server.security import NewKey, new_key

from tests.conftest import DefectLog
from tests.integration.test_workers import serving as serving_process
from tests.service import pool_config
from tests.upstream.script import Fault, Script
from tests.upstream.server import FaultyUpstream

LONG = Script(fault=Fault.HANG, after_tokens=2)
"""An answer that has begun and does not go on."""


@pytest.fixture
async def upstream() -> AsyncIterator[FaultyUpstream]:
    async with FaultyUpstream() as running:
        yield running


class Configured:
    """A running service and its file."""

    def __init__(self, path: Path, upstream: FaultyUpstream, app: App, address: str) -> None:
        self.app = app
        self.address = address
        self._path = path
        self._upstream = upstream

    async def reload(self, *keys: dict[str, Any], seconds: float = 5.0, **parts: Any) -> None:
        """Serve these keys; fails when that takes longer."""
        write(self._path, self._upstream, *keys, **parts)
        async with asyncio.timeout(seconds):
            assert await self.app.reload(self._path)

    def client(self, key: NewKey) -> Client:
        return Client(self.address, token=key.key, timeout=20)


def write(path: Path, upstream: FaultyUpstream, *keys: dict[str, Any], **parts: Any) -> None:
    limits = {"path": str(path.with_name("limits.db")), **parts.pop("limits", {})}
    config = pool_config(upstream.openai_url, security={"keys": list(keys)}, limits=limits, **parts)
    path.write_text(yaml.safe_dump(config))


def key_of(caller: str, key: NewKey, **permissions: list[str]) -> dict[str, Any]:
    return {"caller": caller, "id": key.id, "sha256": key.sha256, **permissions}


@asynccontextmanager
async def configured(folder: Path, upstream: FaultyUpstream, *keys: dict[str, Any]) -> AsyncIterator[Configured]:
    path = folder / "frontdesk.yaml"
    write(path, upstream, *keys)
    async with open_server(load_config(path, {}), address="127.0.0.1:0") as (app, server):
        yield Configured(path, upstream, app, server.address)


@asynccontextmanager
async def unread_stream(address: str, key: NewKey) -> AsyncIterator[None]:
    """A stream whose client asks and never reads, on a connection of its own."""
    metadata = (("authorization", f"Bearer {key.key}"),)
    request = StreamCompleteRequest(query=Query(messages=[user("hi")]))
    async with grpc.aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        call = RouterServiceStub(channel).StreamComplete(request, metadata=metadata)
        await call.wait_for_connection()
        yield
        call.cancel()


async def refused(client: Client) -> str:
    with pytest.raises(FrontdeskError) as refusal:
        await client.list_models()
    return refusal.value.reason


async def answered(client: Client) -> bool:
    try:
        return bool(await client.list_models())
    except FrontdeskError:
        return False


@pytest.mark.parametrize("unread", [False, True])
async def test_a_revoked_key_is_refused_after_its_reload_whatever_older_calls_do(
    unread: bool, upstream: FaultyUpstream, tmp_path: Path
) -> None:
    ours, stays, added = new_key(), new_key(), new_key()
    held = [key_of("ours", ours), key_of("stays", stays)]
    upstream.script = Script(tokens=("x" * 50_000,) * 200, interval_seconds=0.01) if unread else LONG
    async with configured(tmp_path, upstream, *held) as service, service.client(ours) as client:
        stream = client.stream_complete("Hello")
        await stream.decision()
        async with unread_stream(service.address, stays):
            for _ in range(3):
                await service.reload(*held, key_of("added", added))
            async with service.client(added) as new, service.client(stays) as staying:
                assert await new.list_models()
                await service.reload(key_of("stays", stays, models=["mid"]))
                assert await refused(client) == await refused(new) == "UNAUTHENTICATED"
                assert [model.name for model in await staying.list_models()] == ["mid"]
        stream.cancel()


async def test_a_revoked_key_is_refused_while_the_new_configuration_is_still_prepared(
    upstream: FaultyUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, prepared = new_key(), asyncio.Event()

    async def prepare(engine: Engine) -> None:
        await prepared.wait()

    async with configured(tmp_path, upstream, key_of("ours", ours)) as service, service.client(ours) as client:
        monkeypatch.setattr(Engine, "prepare", prepare)
        reload = asyncio.create_task(service.reload(key_of("another", new_key())))
        async with asyncio.timeout(5):
            while await answered(client):
                pass
        assert not reload.done()
        prepared.set()
        await reload
        assert await refused(client) == "UNAUTHENTICATED"


async def test_a_reload_waits_for_no_earlier_one_which_then_changes_nothing(
    upstream: FaultyUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, prepared = new_key(), asyncio.Event()
    preparing: list[Engine] = []

    async def prepare(engine: Engine) -> None:
        preparing.append(engine)
        if len(preparing) == 1:
            await prepared.wait()

    async with configured(tmp_path, upstream, key_of("ours", ours)) as service, service.client(ours) as client:
        monkeypatch.setattr(Engine, "prepare", prepare)
        first = asyncio.create_task(service.reload(key_of("ours", ours), execution={"retry": {"max_retries": 3}}))
        while not preparing:
            await asyncio.sleep(0.01)
        await service.reload(key_of("another", new_key()))
        version = service.app.loaded.version
        assert not first.done()
        prepared.set()
        await first
        assert service.app.loaded.version == version
        assert await refused(client) == "UNAUTHENTICATED"


async def test_limits_follow_at_once_while_a_stream_runs(upstream: FaultyUpstream, tmp_path: Path) -> None:
    ours = new_key()
    upstream.enqueue(LONG)
    async with configured(tmp_path, upstream, key_of("ours", ours)) as service, service.client(ours) as client:
        stream = client.stream_complete("Hello")
        await stream.decision()
        await service.reload(key_of("ours", ours), execution={"retry": {"max_retries": 1}})
        rules = [{"name": "one", "window": "month", "requests": 1}]
        await service.reload(key_of("ours", ours), limits={"rules": rules})
        await client.complete("Hello")
        with pytest.raises(FrontdeskError) as refusal:
            await client.complete("Hello")
        assert refusal.value.reason == "RATE_LIMITED"
        stream.cancel()


async def test_what_holds_only_after_a_restart_is_named(
    upstream: FaultyUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = structlog.testing.CapturingLogger()
    monkeypatch.setattr(App, "log", log)
    async with configured(tmp_path, upstream) as service:
        await service.reload(limits={"rules": [{"name": "a", "window": "day", "requests": 9}]})
        await service.reload(ledger={"url": f"sqlite:///{tmp_path}/other.db"}, server={"address": "127.0.0.1:1"})
    told = [call.kwargs["changed"] for call in log.calls if call.args == ("config.needs_restart",)]
    assert told == [["ledger"]]


async def test_an_address_of_the_file_holds_from_the_next_start_on(
    upstream: FaultyUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = structlog.testing.CapturingLogger()
    monkeypatch.setattr(App, "log", log)
    path = tmp_path / "frontdesk.yaml"
    write(path, upstream, server={"address": "127.0.0.1:0"})
    async with open_server(load_config(path, {})) as (app, _):
        for address in ("127.0.0.1:0", "127.0.0.1:1"):
            write(path, upstream, server={"address": address})
            assert await app.reload(path)
    told = [call.kwargs["changed"] for call in log.calls if call.args == ("config.needs_restart",)]
    assert told == [["server"]]


def test_what_the_start_makes_of_the_file_is_no_change_of_it(tmp_path: Path, upstream: FaultyUpstream) -> None:
    path = tmp_path / "frontdesk.yaml"
    write(path, upstream, telemetry={"prometheus_address": "127.0.0.1:9400"})
    file = load_config(path, {})
    worker = listening_at(file.overridden(below_the_page), "127.0.0.1:2", "127.0.0.1:3")

    assert worker.config.telemetry.prometheus_address == "127.0.0.1:9401"
    assert changed_in_vain(worker, file.config) == []
    write(path, upstream, telemetry={"prometheus_address": "127.0.0.1:9500"}, server={"address": "127.0.0.1:9"})
    assert changed_in_vain(worker, load_config(path, {}).config) == ["telemetry"]


async def test_a_fault_of_ours_while_reloading_ends_nothing(
    upstream: FaultyUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caught_defects: DefectLog
) -> None:
    ours = new_key()

    async def build_nothing(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    async with configured(tmp_path, upstream, key_of("ours", ours)) as service, service.client(ours) as client:
        monkeypatch.setattr("frontdesk_server.assembly.app.assemble_runtime", build_nothing)
        assert not await service.app.reload(tmp_path / "frontdesk.yaml")
        assert await client.list_models()
    assert [defect["part"] for defect in caught_defects] == ["reload"]
    caught_defects.clear()


async def test_a_reload_that_takes_long_does_not_keep_the_service_from_stopping(tmp_path: Path) -> None:
    """It waits for an embedder that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with serving_process(tmp_path) as process:
            await process.wait_for("server.listening")
            path = tmp_path / "frontdesk.yaml"
            config = yaml.safe_load(path.read_text())
            address = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
            config["backends"]["silent"] = {"kind": "openai", "base_url": address}
            config["embedder"] = {"kind": "openai", "backend": "silent", "model": "e", "dimension": 8}
            config["routers"]["default"]["strategy"] = {
                "kind": "embedding",
                "references": {model: ["Hello"] for model in list(config["models"])[:2]},
            }
            path.write_text(yaml.safe_dump(config))
            process.process.send_signal(signal.SIGHUP)
            asked, _ = await asyncio.to_thread(silent.accept)
            process.process.terminate()
            with asked:
                async with asyncio.timeout(10):
                    assert await process.finished() == 0


async def test_others_are_served_while_a_file_is_read(
    upstream: FaultyUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, served = new_key(), threading.Event()

    def slowly(path: Path, *, again: bool) -> LoadedConfig:
        assert served.wait(10), "nobody was served"
        return load_config(path, {})

    async with configured(tmp_path, upstream, key_of("ours", ours)) as service, service.client(ours) as client:
        monkeypatch.setattr("frontdesk_server.assembly.app.load_config", slowly)
        reload = asyncio.create_task(service.reload(key_of("ours", ours)))
        await asyncio.sleep(0)
        assert await client.list_models()
        assert not reload.done()
        served.set()
        await reload
