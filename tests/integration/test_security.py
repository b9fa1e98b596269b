"""Security end to end: transport, identity, permissions, secrets that stay secret."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from frontdesk import Client, FrontdeskError
from frontdesk_server.app import open_server
from frontdesk_server.config.loading import parse_config
from frontdesk_server.security import NewKey, new_key

from tests.certificates import Authority, Pem
from tests.service import pool_config
from tests.upstream import FaultyUpstream, Script
from tests.upstream.script import Fault

Connect = Callable[..., Client]


@asynccontextmanager
async def secured(folder: Path, upstream_url: str, security: dict[str, Any], **parts: Any) -> AsyncIterator[Connect]:
    """Serve with this security section; yields a function that makes clients."""
    config = pool_config(upstream_url, security=security, **parts)
    text = yaml.safe_dump(config)
    loaded = parse_config(text, str(folder / "frontdesk.yaml"), {})
    clients: list[Client] = []
    async with open_server(loaded, address="127.0.0.1:0") as (_, server):

        def connect(**options: Any) -> Client:
            clients.append(Client(server.address, **options))
            return clients[-1]

        yield connect
        for client in clients:
            await client.close()


@pytest.fixture
async def upstream() -> AsyncIterator[FaultyUpstream]:
    async with FaultyUpstream() as running:
        yield running


def key_of(caller: str, key: NewKey, **permissions: list[str]) -> dict[str, Any]:
    return {"caller": caller, "id": key.id, "sha256": key.sha256, **permissions}


async def test_callers_are_told_by_their_keys_and_kept_to_what_they_may_use(
    upstream: FaultyUpstream, tmp_path: Path
) -> None:
    ours, theirs = new_key(), new_key()
    keys = [key_of("ours", ours, models=["small", "mid"]), key_of("theirs", theirs, routers=["other"])]
    ledger = {"url": f"sqlite:///{tmp_path}/ledger.db"}
    async with secured(tmp_path, upstream.openai_url, {"keys": keys}, ledger=ledger) as connect:
        with pytest.raises(FrontdeskError) as refusal:
            await connect().route("Hello")
        assert refusal.value.reason == "UNAUTHENTICATED"
        ours_client, theirs_client = connect(token=ours.key), connect(token=theirs.key)
        assert {model.name for model in await ours_client.list_models()} == {"small", "mid"}
        decision = await ours_client.route("Hello")
        excluded = {c.model for c in decision.candidates if c.exclusion_reason}
        assert excluded == {"frontier"}
        with pytest.raises(FrontdeskError) as refusal:
            await theirs_client.route("Hello")
        assert refusal.value.reason == "PERMISSION_DENIED"
        assert await theirs_client.list_models() == []
        with pytest.raises(FrontdeskError, match="may not use router"):
            await theirs_client.list_models("default")
        for call in (
            theirs_client.get_decision(decision.decision_id),
            theirs_client.report_outcome(decision.decision_id, 0.0),
        ):
            with pytest.raises(FrontdeskError) as refusal:
                await call
            assert refusal.value.reason == "DECISION_NOT_FOUND"
        assert (await ours_client.get_decision(decision.decision_id)).decision == decision


def write(folder: Path, name: str, pem: Pem) -> dict[str, str]:
    (folder / f"{name}.crt").write_bytes(pem.certificate)
    (folder / f"{name}.key").write_bytes(pem.key)
    return {"certificate": f"{name}.crt", "key": f"{name}.key"}


async def test_tls_serves_renewed_certificates_without_a_restart(
    upstream: FaultyUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Authority(), Authority()
    tls = write(tmp_path, "server", first.issue("first"))
    monkeypatch.setattr("frontdesk_server.security.watched._LOOK_SECONDS", 0)
    async with secured(tmp_path, upstream.openai_url, {"tls": tls}) as connect:
        assert (await connect(tls=grpc.ssl_channel_credentials(first.pem)).route("Hello", timeout=10)).model
        write(tmp_path, "server", second.issue("second"))
        os.utime(tmp_path / "server.crt", ns=(1, 1))
        assert (await connect(tls=grpc.ssl_channel_credentials(second.pem)).route("Hello", timeout=10)).model
        with pytest.raises(FrontdeskError):
            await connect(tls=grpc.ssl_channel_credentials(first.pem)).route("Hello", timeout=1)


async def test_mtls_refuses_callers_without_a_certificate(upstream: FaultyUpstream, tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "clients.pem").write_bytes(authority.pem)
    tls = write(tmp_path, "server", authority.issue("server")) | {"client_ca": "clients.pem"}
    caller = authority.issue("caller")
    async with secured(tmp_path, upstream.openai_url, {"tls": tls}) as connect:
        known = grpc.ssl_channel_credentials(authority.pem, caller.key, caller.certificate)
        assert (await connect(tls=known).route("Hello", timeout=10)).model
        with pytest.raises(FrontdeskError):
            await connect(tls=grpc.ssl_channel_credentials(authority.pem)).route("Hello", timeout=1)


async def test_a_redirect_of_the_upstream_is_not_followed(upstream: FaultyUpstream, tmp_path: Path) -> None:
    async with FaultyUpstream() as elsewhere:
        location = {"Location": f"{elsewhere.openai_url}/chat/completions"}
        upstream.script = Script(fault=Fault.STATUS, status=307, headers=location)
        async with secured(tmp_path, upstream.openai_url, {}) as connect:
            with pytest.raises(FrontdeskError):
                await connect().complete("Hello")
        assert not elsewhere.requests


SECRETS = ("sk-upstream-93f1", "hunter2-ledger-77aa", "the-prompt-is-private-5c1d")


async def test_no_secret_and_no_prompt_leaves_a_trace(
    upstream: FaultyUpstream, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever a run prints, raises or keeps is searched: logs, errors, reprs, the ledger's files."""
    key = new_key()
    config = pool_config(
        upstream.openai_url,
        security={"keys": [key_of("ours", key)]},
        ledger={"url": f"sqlite:///{tmp_path}/ledger.db"},
        telemetry={"log_level": "debug", "log_format": "json"},
    )
    config["backends"]["upstream"] |= {"api_key": "${UPSTREAM}", "headers": {"x-team": "${LEDGER}"}}
    environment = {"UPSTREAM": SECRETS[0], "LEDGER": SECRETS[1]}
    loaded = parse_config(yaml.safe_dump(config), str(tmp_path / "frontdesk.yaml"), environment)
    seen = [repr(loaded), loaded.config.model_dump_json()]
    upstream.enqueue(Script(), Script(fault=Fault.STATUS, status=401), Script(fault=Fault.STATUS, status=500))
    async with open_server(loaded, address="127.0.0.1:0") as (_, server):
        async with Client(server.address, token=key.key) as client:
            await client.complete(SECRETS[2])
            with pytest.raises(FrontdeskError) as failure:
                await client.complete(SECRETS[2])
            seen.append(repr(failure.value) + str(failure.value.__dict__))
        async with Client(server.address, token=key.key + "x") as stranger:
            with pytest.raises(FrontdeskError) as failure:
                await stranger.route(SECRETS[2])
            seen.append(repr(failure.value))
    assert upstream.requests[0].headers["authorization"] == f"Bearer {SECRETS[0]}"
    captured = capfd.readouterr()
    seen += [captured.out, captured.err]
    seen += [path.read_bytes().decode("latin-1") for path in tmp_path.glob("ledger.db*")]
    assert "attempt.ended" in captured.out + captured.err
    for secret in (*SECRETS, key.key.rpartition("_")[2]):
        assert not [text for text in seen if secret in text], secret


async def test_metadata_beyond_its_limit_is_refused(upstream: FaultyUpstream, tmp_path: Path) -> None:
    async with secured(tmp_path, upstream.openai_url, {}) as connect:
        with pytest.raises(FrontdeskError) as refusal:
            await connect(token="x" * 100_000).route("Hello", timeout=5)
        assert refusal.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        async with asyncio.timeout(10):
            assert (await connect().route("Hello")).model
