"""Who may call over HTTP, how the wire is protected, and how the server stops."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from frontdesk_server.security import new_key

from tests.certificates import Authority, Pem
from tests.faces import faces, url_of
from tests.integration.http.test_chat_completions import PATH, asking, reached
from tests.service import pool_config
from tests.upstream import Fault, FaultyUpstream, Script

JSON = {"content-type": "application/json"}


def write(folder: Path, name: str, pem: Pem) -> tuple[str, str]:
    (folder / f"{name}.crt").write_bytes(pem.certificate)
    (folder / f"{name}.key").write_bytes(pem.key)
    return f"{name}.crt", f"{name}.key"


async def test_keys_are_those_of_grpc_by_bearer_or_x_api_key(tmp_path: Path) -> None:
    key = new_key()
    security = {"keys": [{"caller": "ours", "id": key.id, "sha256": key.sha256, "models": ["small"]}]}
    async with reached(tmp_path, security=security) as (client, _):
        bearer = await client.post(PATH, json=asking(), headers={"authorization": f"Bearer {key.key}"})
        api_key = await client.post(PATH, json=asking(), headers={"x-api-key": key.key})
        listed = await client.get("/v1/models", headers={"x-api-key": key.key})
        none = await client.post(PATH, json=asking())
        wrong = await client.post("/v1/messages", json={}, headers={"x-api-key": "sk-other"})
        contract = await client.post("/frontdesk.v1.RouterService/ListModels", json={})
        known = await client.post("/frontdesk.v1.RouterService/ListModels", json={}, headers={"x-api-key": key.key})
    assert (bearer.status_code, api_key.status_code) == (200, 200)
    assert [item["id"] for item in listed.json()["data"]] == ["default", "small"]
    assert (none.status_code, none.json()["error"]["code"]) == (401, "invalid_api_key")
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (401, "authentication_error")
    assert (contract.status_code, known.status_code) == (401, 200)
    assert none.headers["www-authenticate"].startswith("Bearer")


async def test_any_key_will_do_where_nobody_is_known(tmp_path: Path) -> None:
    async with reached(tmp_path) as (client, _):
        response = await client.post(PATH, json=asking(), headers={"authorization": "Bearer sk-anything"})
    assert response.status_code == 200


async def test_tls_tells_callers_by_their_certificates(tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = write(tmp_path, "server", authority.issue("localhost"))
    own = write(tmp_path, "billing", authority.issue("billing", "spiffe://example.org/billing"))
    (tmp_path / "ca.crt").write_bytes(authority.pem)
    security: dict[str, Any] = {
        "tls": {"certificate": certificate, "key": key, "client_ca": "ca.crt"},
        "certificates": [{"name": "spiffe://example.org/billing", "caller": "billing", "models": ["small"]}],
    }
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    proving = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    proving.load_cert_chain(tmp_path / own[0], tmp_path / own[1])
    async with (
        FaultyUpstream() as upstream,
        faces(pool_config(upstream.openai_url, security=security), tmp_path) as fronts,
    ):
        assert url_of(fronts).startswith("https://")
        async with httpx.AsyncClient(base_url=url_of(fronts), verify=proving) as client:
            listed = await client.get("/v1/models")
        async with httpx.AsyncClient(base_url=url_of(fronts), verify=trusting) as client:
            with pytest.raises(httpx.TransportError):
                await client.get("/v1/models")
    assert [item["id"] for item in listed.json()["data"]] == ["default", "small"]


async def test_a_stop_lets_calls_finish_and_ends_the_rest_saying_why(tmp_path: Path) -> None:
    server = {"grace_seconds": 0.5}
    slow = Script(tokens=("a ",) * 5, interval_seconds=0.05)
    async with FaultyUpstream() as upstream, httpx.AsyncClient(timeout=10) as client:
        async with faces(pool_config(upstream.openai_url, server=server), tmp_path) as fronts:
            url = url_of(fronts)
            upstream.enqueue(slow, Script(Fault.HANG))
            finishing = asyncio.create_task(client.post(url + PATH, json=asking()))
            hanging = asyncio.create_task(client.post(url + PATH, json=asking()))
            while len(upstream.requests) < 2:
                await asyncio.sleep(0.01)
        finished, ended = await finishing, await hanging
    assert {finished.status_code, ended.status_code} == {200, 503}
    (refused,) = [one for one in (finished, ended) if one.status_code == 503]
    assert refused.headers["x-frontdesk-error"] == "SHUTTING_DOWN"


async def test_health_says_when_the_server_drains(tmp_path: Path) -> None:
    async with FaultyUpstream() as upstream, httpx.AsyncClient() as client:
        config = pool_config(upstream.openai_url, server={"drain_seconds": 0.5})
        running = faces(config, tmp_path)
        fronts = await running.__aenter__()
        healthy = await client.get(url_of(fronts) + "/healthz")
        stopping = asyncio.create_task(running.__aexit__(None, None, None))
        await asyncio.sleep(0.1)
        draining = await client.get(url_of(fronts) + "/healthz")
        still = await client.post(url_of(fronts) + PATH, json=asking())
        await stopping
    assert (healthy.status_code, draining.status_code, still.status_code) == (200, 503, 200)


async def test_more_calls_at_once_than_allowed_are_told_when_to_come_back(tmp_path: Path) -> None:
    async with reached(tmp_path, Script(Fault.HANG), server={"max_concurrent_calls": 1}) as (client, upstream):
        first = asyncio.create_task(client.post(PATH, json=asking()))
        while not upstream.requests:
            await asyncio.sleep(0.01)
        second = await client.post(PATH, json=asking())
        first.cancel()
    assert (second.status_code, second.json()["error"]["code"]) == (429, "OVERLOADED")


PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens", "/v1/embeddings")


async def test_a_page_of_another_origin_can_spend_nothing(tmp_path: Path) -> None:
    page = {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "content-type": "text/plain"}
    rebound = {"host": "evil.example", "origin": "http://evil.example"}
    contract = "/frontdesk.v1.RouterService/Complete"
    async with reached(tmp_path) as (client, upstream):
        told = [await client.post(path, json=asking(), headers=page) for path in PATHS]
        told += [await client.post(path, json=asking(), headers=rebound) for path in PATHS]
        told += [await client.get("/v1/models", headers=each) for each in (page, rebound, {"host": "evil.example"})]
        refused = [await client.post(contract, json={}, headers=each) for each in (page | JSON, rebound)]
        assert not upstream.requests
    assert {one.status_code for one in told} == {403}
    assert {one.headers["x-frontdesk-error"] for one in told} == {"PERMISSION_DENIED"}
    assert all("permission_error" in one.text for one in told)
    assert [(one.status_code, one.json()["code"]) for one in refused] == [(403, "permission_denied")] * 2


async def test_a_page_of_an_allowed_origin_may_call_after_asking(tmp_path: Path) -> None:
    page = {"origin": "https://app.example.org", "sec-fetch-site": "cross-site"}
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    http = {"allowed_origins": ["https://app.example.org"]}
    async with reached(tmp_path, server={"http": http}) as (client, _):
        before = await client.options(PATH, headers=page | asks)
        answered = await client.post(PATH, json=asking(), headers=page)
        unasked = await client.post(PATH, json=asking(), headers=page | {"content-type": "text/plain"})
        curl = await client.post(PATH, json=asking(), headers={"content-type": "application/x-www-form-urlencoded"})
    assert (before.status_code, answered.status_code, curl.status_code) == (200, 200, 200)
    assert answered.headers["access-control-allow-origin"] == "https://app.example.org"
    assert (unasked.status_code, unasked.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
