"""Security end to end: transport, identity, permissions, secrets that stay secret."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
import yaml
from frontdesk import Client, ContentPart, FrontdeskError, Message, Query
from frontdesk.v1.chat_pb2 import Media, Role
from frontdesk_server.assembly.app import open_server
from frontdesk_server.cli.connection import in_process
from frontdesk_server.config.loading import parse_config
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.security import NewKey, new_key, server_credentials

from tests.certificates import Authority, Pem
from tests.commands import frontdesk
from tests.service import pool_config
from tests.tokens import JWT, token, write_jwks
from tests.upstream import FaultyUpstream, Script
from tests.upstream.script import Fault


class Connect:
    """Makes clients of a server."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.clients: list[Client] = []

    def __call__(self, **options: Any) -> Client:
        self.clients.append(Client(self.address, **options))
        return self.clients[-1]


@asynccontextmanager
async def secured(folder: Path, upstream_url: str, security: dict[str, Any], **parts: Any) -> AsyncIterator[Connect]:
    """Serve with this security section."""
    config = pool_config(upstream_url, security=security, **parts)
    text = yaml.safe_dump(config)
    loaded = parse_config(text, str(folder / "frontdesk.yaml"), {})
    async with open_server(loaded, address="127.0.0.1:0") as (_, server):
        connect = Connect(server.address)
        yield connect
        for client in connect.clients:
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
    routers = pool_config(upstream.openai_url)["routers"]
    routers["other"] = {"default_model": "mid", "models": ["mid"], "strategy": {"kind": "model", "model": "mid"}}
    parts = {"ledger": ledger, "routers": routers}
    async with secured(tmp_path, upstream.openai_url, {"keys": keys}, **parts) as connect:
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
        with pytest.raises(FrontdeskError) as refusal:
            await theirs_client.list_models("default")
        assert refusal.value.reason == "PERMISSION_DENIED"
        assert {model.name for model in await theirs_client.list_models()} == {"mid"}
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
    logged = {"log_level": "warning"}
    async with secured(tmp_path, upstream.openai_url, {"tls": tls}, telemetry=logged) as connect:
        assert (await connect(tls=grpc.ssl_channel_credentials(first.pem)).route("Hello", timeout=10)).model
        write(tmp_path, "server", second.issue("second"))
        os.utime(tmp_path / "server.crt", ns=(1, 1))
        assert (await connect(tls=grpc.ssl_channel_credentials(second.pem)).route("Hello", timeout=10)).model
        with pytest.raises(FrontdeskError):
            await connect(tls=grpc.ssl_channel_credentials(first.pem)).route("Hello", timeout=1)
        with structlog.testing.capture_logs() as logs:
            (tmp_path / "server.key").write_bytes(first.issue("half a renewal").key)
            assert (await connect(tls=grpc.ssl_channel_credentials(second.pem)).route("Hello", timeout=10)).model
        assert "certificates.kept" in [line["event"] for line in logs]


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


async def test_a_client_certificate_names_its_caller(upstream: FaultyUpstream, tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "clients.pem").write_bytes(authority.pem)
    tls = write(tmp_path, "server", authority.issue("server")) | {"client_ca": "clients.pem"}
    known, unknown = authority.issue("billing", "spiffe://example.org/billing"), authority.issue("stranger")
    cut = authority.issue("billing", "spiffe://example.org/billing\0.elsewhere")
    certificates = [{"caller": "billing", "name": "spiffe://example.org/billing", "models": ["small"]}]
    async with secured(tmp_path, upstream.openai_url, {"tls": tls, "certificates": certificates}) as connect:
        client = connect(tls=grpc.ssl_channel_credentials(authority.pem, known.key, known.certificate))
        assert [model.name for model in await client.list_models()] == ["small"]
        for other in (unknown, cut):
            stranger = connect(tls=grpc.ssl_channel_credentials(authority.pem, other.key, other.certificate))
            with pytest.raises(FrontdeskError) as refusal:
                await stranger.list_models()
            assert refusal.value.reason == "UNAUTHENTICATED"


@pytest.mark.parametrize("broken", ["certificate", "key", "client_ca"])
def test_unusable_certificates_are_faults_before_anything_listens(broken: str, tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "clients.pem").write_bytes(authority.pem)
    tls = write(tmp_path, "server", authority.issue("server")) | {"client_ca": "clients.pem"}
    config = pool_config("http://upstream", security={"tls": tls})
    loaded = parse_config(yaml.safe_dump(config), str(tmp_path / "frontdesk.yaml"), {})
    assert server_credentials(loaded) is not None
    path = tmp_path / tls[broken]
    for content in (b"nothing in PEM", b"", authority.issue("another").key, None):
        path.unlink() if content is None else path.write_bytes(content)
        with pytest.raises(ConfigError) as error:
            server_credentials(loaded)
        assert "security.tls" in "".join(error.value.lines())


@pytest.mark.parametrize("command", ["route", "complete"])
async def test_commands_reach_a_server_that_wants_a_certificate_and_a_token(
    command: str, upstream: FaultyUpstream, tmp_path: Path
) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    tls = write(tmp_path, "server", authority.issue("server")) | {"client_ca": "ca.pem"}
    write(tmp_path, "ours", authority.issue("ours"))
    write_jwks(tmp_path)
    security = {"tls": tls, "jwt": {**JWT, "models_claim": "models"}}
    async with secured(tmp_path, upstream.openai_url, security) as connect:
        arguments = (command, "--json", "--address", connect.address, "--ca", "ca.pem", "--certificate", "ours.crt")

        async def run(key: str, token: str) -> subprocess.CompletedProcess[str]:
            settings = {"FRONTDESK_TOKEN": token}
            asked = (*arguments, "--key", key, "Hello")
            return await asyncio.to_thread(frontdesk, *asked, folder=tmp_path, settings=settings)

        ran = await run("ours.key", token(models=["mid"]))
        assert ran.returncode == 0, ran.stderr
        document = json.loads(ran.stdout)
        assert document.get("model", document.get("decision", {}).get("model")) == "mid"
        ran = await run("server.key", token(models=["mid"]))
        assert (ran.returncode, "unusable" in ran.stderr) == (2, True)
        ran = await run("ours.key", token(aud="others"))
        assert (ran.returncode, ran.stderr) == (1, "UNAUTHENTICATED: the token is not valid here\n")


async def test_commands_in_process_need_no_key_where_callers_do(upstream: FaultyUpstream, tmp_path: Path) -> None:
    config = pool_config(upstream.openai_url, security={"keys": [key_of("ours", new_key())]})
    loaded = parse_config(yaml.safe_dump(config), str(tmp_path / "frontdesk.yaml"), {})
    async with in_process(loaded) as client:
        assert (await client.route("Hello")).model == "small"


async def test_media_go_upstream_by_their_address_and_are_not_fetched(upstream: FaultyUpstream, tmp_path: Path) -> None:
    async with FaultyUpstream() as elsewhere:
        address = f"https://127.0.0.1:{elsewhere.port}/picture.png"
        models = pool_config(upstream.openai_url)["models"]
        models["small"]["capabilities"].append("image_input")
        picture = ContentPart(media=Media(mime_type="image/png", uri=address))
        query = Query(messages=[Message(role=Role.ROLE_USER, parts=[picture, ContentPart(text="What is it?")])])
        async with secured(tmp_path, upstream.openai_url, {}, models=models) as connect:
            await connect().complete(query)
        assert address in str(upstream.requests[0].body)
        assert not elsewhere.connections_opened


async def test_a_response_beyond_its_limit_is_not_read(upstream: FaultyUpstream, tmp_path: Path) -> None:
    upstream.script = Script(tokens=("x" * 100_000,) * 20)
    backends = {"upstream": {"kind": "openai", "base_url": upstream.openai_url, "max_response_bytes": 1_000_000}}
    async with secured(tmp_path, upstream.openai_url, {}, backends=backends) as connect:
        with pytest.raises(FrontdeskError) as failure:
            await connect().complete("Hello")
    assert "longer than 1,000,000 bytes" in str(failure.value)


async def test_a_redirect_of_the_upstream_is_not_followed(upstream: FaultyUpstream, tmp_path: Path) -> None:
    async with FaultyUpstream() as elsewhere:
        location = {"Location": f"{elsewhere.openai_url}/chat/completions"}
        upstream.script = Script(fault=Fault.STATUS, status=307, headers=location)
        async with secured(tmp_path, upstream.openai_url, {}) as connect:
            with pytest.raises(FrontdeskError):
                await connect().complete("Hello")
        assert not elsewhere.requests


async def test_metadata_beyond_its_limit_is_refused(upstream: FaultyUpstream, tmp_path: Path) -> None:
    async with secured(tmp_path, upstream.openai_url, {}) as connect:
        with pytest.raises(FrontdeskError) as refusal:
            await connect(token="x" * 100_000).route("Hello", timeout=5)
        assert refusal.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        async with asyncio.timeout(10):
            assert (await connect().route("Hello")).model
