"""A caller's own key for a provider: sent where the configuration allows it, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from frontdesk import Client
from frontdesk.sync import Client as BlockingClient
from frontdesk.v1 import chat_pb2, router_service_pb2, router_service_pb2_grpc
from frontdesk_server.assembly.app import App, open_server
from frontdesk_server.config.loading import load_config
from frontdesk_server.domain.call import Caller, LocalCall
from frontdesk_server.domain.errors import ConfigError, PermissionDenied
from frontdesk_server.domain.own_keys import own_keys
from frontdesk_server.security import new_key

from tests.service import pool_config
from tests.tokens import JWT, token, write_jwks
from tests.upstream import Fault, FaultyUpstream, Script

OWN = "sk-own-0123456789abcdef"
HOUSE = "sk-house-0123456789abcdef"
METADATA = {"x-frontdesk-provider-key-upstream": OWN}
QUERY = chat_pb2.Query(messages=[chat_pb2.Message(role=chat_pb2.ROLE_USER, parts=[chat_pb2.ContentPart(text="hi")])])
KEY = new_key()
ALLOWED = {"keys": [{"caller": "team", "id": KEY.id, "sha256": KEY.sha256, "own_keys": ["upstream"]}]}


@asynccontextmanager
async def served(
    folder: Path, upstream: FaultyUpstream, security: Mapping[str, Any], **parts: Any
) -> AsyncIterator[tuple[str, App]]:
    config = pool_config(upstream.openai_url, security=security, ledger={"url": f"sqlite:///{folder}/ledger.db"})
    config["backends"]["upstream"]["api_key"] = HOUSE
    config |= parts
    path = folder / "frontdesk.yaml"
    path.write_text(yaml.safe_dump(config))
    async with open_server(load_config(path, {}), address="127.0.0.1:0") as (app, server):
        yield server.address, app


@asynccontextmanager
async def serving(
    folder: Path, upstream: FaultyUpstream, security: Mapping[str, Any], **parts: Any
) -> AsyncIterator[tuple[Any, App]]:
    async with (
        served(folder, upstream, security, **parts) as (address, app),
        grpc.aio.insecure_channel(address) as channel,
    ):
        yield router_service_pb2_grpc.RouterServiceStub(channel), app


def metadata(own: Mapping[str, str] = METADATA, bearer: str = KEY.key) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {bearer}"), *own.items()]


async def complete(stub: Any, sent: list[tuple[str, str]]) -> router_service_pb2.CompleteResponse:
    response = await stub.Complete(router_service_pb2.CompleteRequest(query=QUERY), metadata=sent)
    assert isinstance(response, router_service_pb2.CompleteResponse)
    return response


async def test_a_callers_own_key_takes_the_place_of_ours_for_its_calls_alone(tmp_path: Path) -> None:
    async with FaultyUpstream() as upstream, serving(tmp_path, upstream, ALLOWED) as (stub, _):
        await complete(stub, metadata())
        await complete(stub, metadata({}))
        request = router_service_pb2.StreamCompleteRequest(query=QUERY)
        async for _event in stub.StreamComplete(request, metadata=metadata()):
            pass
    sent = [request.headers["authorization"] for request in upstream.requests]
    assert sent == [f"Bearer {OWN}", f"Bearer {HOUSE}", f"Bearer {OWN}"]
    assert not any(name.startswith("x-frontdesk") for request in upstream.requests for name in request.headers)


async def test_the_client_brings_keys_for_all_its_calls_or_for_one(tmp_path: Path) -> None:
    async with FaultyUpstream() as upstream, served(tmp_path, upstream, ALLOWED) as (address, _):
        async with Client(address, token=KEY.key, provider_keys={"upstream": OWN}) as client:
            await client.complete("hi")
            await client.complete("hi", provider_keys={})
            await client.stream_complete("hi", provider_keys={"upstream": f"{OWN}-2"}).completion()
        with BlockingClient(address, token=KEY.key) as blocking:
            await asyncio.to_thread(lambda: blocking.complete("hi", provider_keys={"upstream": OWN}))
    sent = [request.headers["authorization"].removeprefix("Bearer ") for request in upstream.requests]
    assert sent == [OWN, HOUSE, f"{OWN}-2", OWN]


async def test_no_header_of_ours_takes_its_place(tmp_path: Path) -> None:
    async with FaultyUpstream() as upstream:
        backend = {"kind": "openai", "base_url": upstream.openai_url, "headers": {"Authorization": f"Bearer {HOUSE}"}}
        async with serving(tmp_path, upstream, ALLOWED, backends={"upstream": backend}) as (stub, _):
            await complete(stub, metadata())
    assert upstream.requests[0].headers["authorization"] == f"Bearer {OWN}"


async def test_a_token_names_the_backends_that_its_caller_may_bring_keys_for(tmp_path: Path) -> None:
    write_jwks(tmp_path)
    security = {"jwt": {**JWT, "own_keys_claim": "own_keys"}}
    async with FaultyUpstream() as upstream, serving(tmp_path, upstream, security) as (stub, _):
        await complete(stub, metadata(bearer=token(own_keys=["upstream"])))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await complete(stub, metadata(bearer=token()))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert [request.headers["authorization"] for request in upstream.requests] == [f"Bearer {OWN}"]


@pytest.mark.parametrize(
    "security",
    [{"keys": [{"caller": "team", "id": KEY.id, "sha256": KEY.sha256}]}, {**ALLOWED, "anonymous": True}],
    ids=["another caller", "anonymous"],
)
async def test_who_may_not_bring_a_key_is_told_so_and_nothing_is_called(
    tmp_path: Path, security: dict[str, Any]
) -> None:
    anonymous = "anonymous" in security
    async with FaultyUpstream() as upstream, serving(tmp_path, upstream, security) as (stub, _):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await complete(stub, list(METADATA.items()) if anonymous else metadata())
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert OWN not in str(caught.value.details())
    assert upstream.requests == []


async def test_a_key_for_another_backend_than_is_allowed_goes_nowhere(tmp_path: Path) -> None:
    async with FaultyUpstream() as upstream, serving(tmp_path, upstream, ALLOWED) as (stub, _):
        for name in ("elsewhere", "evil.test", ""):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await complete(stub, metadata({f"x-frontdesk-provider-key-{name}": OWN}))
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert upstream.requests == []


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_a_refused_key_of_a_caller_is_masked_and_closes_the_model_to_nobody_else(
    tmp_path: Path, status: int
) -> None:
    def script(request: Any) -> Script:
        if request.headers["authorization"] == f"Bearer {OWN}":
            return Script(fault=Fault.STATUS, status=status, error_message=f"{OWN} is over its limit, not {HOUSE}")
        return Script()

    breaker = {"window": 4, "min_calls": 2, "failure_share": 0.5}
    execution = {"retry": {"max_retries": 0}, "breaker": breaker}
    async with (
        FaultyUpstream(script) as upstream,
        serving(tmp_path, upstream, ALLOWED, execution=execution) as (stub, _),
    ):
        for _ in range(6):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await complete(stub, metadata())
            told = [caught.value.details(), *(caught.value.trailing_metadata() or ())]
            assert "0123456789abcdef" not in str(told)
        answer = await complete(stub, metadata({}))
    assert answer.model == "small"


async def test_a_key_is_stored_nowhere(tmp_path: Path) -> None:
    refused = Script(fault=Fault.STATUS, status=401, error_message=f"wrong key {OWN}")
    async with FaultyUpstream() as upstream, serving(tmp_path, upstream, ALLOWED) as (stub, _):
        await complete(stub, metadata())
        upstream.script = refused
        with pytest.raises(grpc.aio.AioRpcError):
            await complete(stub, metadata())
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".yaml")
    assert b"small" in stored
    assert OWN.encode() not in stored


async def test_a_backend_that_does_not_exist_is_a_fault_with_its_place(tmp_path: Path) -> None:
    wrong = {"keys": [{**ALLOWED["keys"][0], "own_keys": ["upstraem"]}]}
    async with FaultyUpstream() as upstream:
        with pytest.raises(ConfigError, match="no backend is named 'upstraem'"):
            async with serving(tmp_path, upstream, wrong):
                pass


def test_names_that_differ_in_capitals_alone_are_not_confused() -> None:
    caller = Caller("team", own_keys=frozenset({"Upstream"}))
    keys = own_keys(LocalCall(caller, metadata=METADATA))
    assert (keys.of("Upstream"), keys.of("upstream"), keys.of("other")) == (OWN, "", "")
    assert OWN not in repr(keys)
    assert OWN not in repr(LocalCall(caller, metadata=METADATA))


def test_a_call_without_keys_brings_none() -> None:
    assert own_keys(LocalCall()).of("upstream") == ""
    with pytest.raises(PermissionDenied):
        own_keys(LocalCall(metadata=METADATA))
