"""OpenAI's chat completions over HTTP, byte by byte; the official clients have their own test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faces import faces, url_of
from tests.service import pool_config
from tests.upstream import Fault, FaultyUpstream, Script

PATH = "/v1/chat/completions"


def asking(**members: Any) -> dict[str, Any]:
    return {"model": "default", "messages": [{"role": "user", "content": "What is two and two?"}], **members}


@asynccontextmanager
async def reached(
    folder: Path, script: Script | None = None, **parts: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, FaultyUpstream]]:
    async with (
        FaultyUpstream() as upstream,
        faces(pool_config(upstream.openai_url, **parts), folder) as fronts,
        httpx.AsyncClient(base_url=url_of(fronts)) as client,
    ):
        upstream.script = script or Script()
        yield client, upstream


def events_of(text: str) -> list[Any]:
    data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [one if one == "[DONE]" else json.loads(one) for one in data]


async def test_an_answer_comes_with_its_decision_in_headers(tmp_path: Path) -> None:
    async with reached(tmp_path) as (client, _):
        response = await client.post(PATH, json=asking())
    assert response.status_code == 200
    body = response.json()
    assert body["choices"][0]["message"]["content"] == "The answer is four."
    assert body["usage"]["prompt_tokens"] == 11
    assert "frontdesk" not in body
    headers = response.headers
    assert body["id"] == f"chatcmpl-{headers['x-frontdesk-decision-id']}"
    assert headers["x-frontdesk-model"] == body["model"] == "small"
    assert headers["x-frontdesk-cost-usd"] == "0.000003600"
    assert len(headers["x-frontdesk-router-version"]) == 12


async def test_members_that_only_the_dialect_knows_pass_on_and_are_named(tmp_path: Path) -> None:
    async with reached(tmp_path) as (client, upstream):
        response = await client.post(PATH, json=asking(store=True, verbosity="low", stop=None))
        sent = upstream.requests[0].body
    assert response.headers["x-frontdesk-passed"] == "store, verbosity"
    assert (sent["store"], sent["verbosity"]) == (True, "low")


async def test_a_stream_ends_with_usage_a_report_and_done(tmp_path: Path) -> None:
    asked = asking(stream=True, stream_options={"include_usage": True})
    async with reached(tmp_path) as (client, _):
        response = await client.post(PATH, json=asked, headers={"x-frontdesk-report": "true"})
    *chunks, usage, report, done = events_of(response.text)
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert "".join(one["choices"][0]["delta"].get("content") or "" for one in chunks) == "The answer is four."
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert usage["usage"]["completion_tokens"] == 5
    assert report["frontdesk"]["cost_nano_usd"] == 3600
    assert response.headers["x-frontdesk-decision-id"] == report["frontdesk"]["decision_id"]
    assert done == "[DONE]"


async def test_a_stream_that_falls_back_tells_the_model_that_answered(tmp_path: Path) -> None:
    async with reached(tmp_path) as (client, upstream):
        upstream.enqueue(Script(Fault.STATUS))
        response = await client.post(PATH, json=asking(stream=True))
    assert response.headers["x-frontdesk-model"] == "mid"
    assert {one["model"] for one in events_of(response.text)[:-1]} == {"mid"}


async def test_a_cut_stream_ends_with_an_error_and_without_done(tmp_path: Path) -> None:
    async with reached(tmp_path, Script(Fault.CUT)) as (client, _):
        response = await client.post(PATH, json=asking(stream=True))
    assert response.status_code == 200
    *_, last = events_of(response.text)
    assert last["error"]["code"] == "UPSTREAM_CUT"
    assert last["error"]["frontdesk"]["attempts"][0]["model"] == "small"


async def test_a_failure_before_any_content_is_a_status(tmp_path: Path) -> None:
    async with reached(tmp_path, Script(Fault.STATUS)) as (client, _):
        response = await client.post(PATH, json=asking(stream=True))
    assert response.status_code == 503
    assert response.headers["x-should-retry"] == "false"
    assert response.json()["error"]["frontdesk"]["reason"] == "UPSTREAM_FAILED"


async def test_a_caller_who_leaves_aborts_the_upstream_at_once(tmp_path: Path) -> None:
    slow = Script(tokens=("a ",) * 200, interval_seconds=0.05)
    async with reached(tmp_path, slow) as (client, upstream):
        async with client.stream("POST", PATH, json=asking(stream=True)) as response:
            async for _ in response.aiter_lines():
                break
        left = asyncio.get_running_loop().time()
        await asyncio.wait_for(upstream.requests[0].aborted.wait(), 5)
        assert asyncio.get_running_loop().time() - left < 0.1


async def test_a_caller_who_leaves_before_anything_came_aborts_the_upstream(tmp_path: Path) -> None:
    async with reached(tmp_path, Script(Fault.HANG_BEFORE_HEADERS)) as (client, upstream):
        waiting = asyncio.create_task(client.post(PATH, json=asking()))
        while not upstream.requests:
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait_for(upstream.requests[0].aborted.wait(), 1)


@pytest.mark.parametrize(
    ("members", "field", "reason"),
    [
        ({"n": 2}, "n", "MALFORMED_REQUEST"),
        ({"messages": []}, "messages", "MESSAGES_EMPTY"),
        ({"messages": "hi"}, "messages", "MALFORMED_REQUEST"),
        ({"messages": [{"role": "bear", "content": "hi"}]}, "messages[0].role", "UNKNOWN_ENUM_VALUE"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content", "MALFORMED_REQUEST"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "MESSAGE_WITHOUT_PARTS"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "ftp://x"}}]}]},
            "messages[0].content[0].image_url.url",
            "MEDIA_URI_NOT_HTTPS",
        ),
        (
            {"messages": [{"role": "user", "content": "a"}, {"role": "tool", "tool_call_id": "x", "content": "b"}]},
            "messages[1].tool_call_id",
            "TOOL_RESULT_WITHOUT_CALL",
        ),
        ({"temperature": 3}, "temperature", "TEMPERATURE_OUT_OF_RANGE"),
        ({"temperature": "hot"}, "temperature", "MALFORMED_REQUEST"),
        ({"max_tokens": 0}, "max_completion_tokens", "MAX_OUTPUT_TOKENS_OUT_OF_RANGE"),
        ({"max_tokens": 2**40}, "max_tokens", "MALFORMED_REQUEST"),
        ({"stop": [""]}, "stop", "STOP_SEQUENCES_INVALID"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name", "NAME_INVALID"),
        ({"model": "frontdesk/none"}, "model", "UNKNOWN_ROUTER"),
        ({"model": "none"}, "model", "UNKNOWN_MODEL"),
        ({"model": ""}, "model", "FIELD_REQUIRED"),
        (
            {"metadata": {"frontdesk_quality_floor": "2"}},
            "metadata.frontdesk_quality_floor",
            "QUALITY_FLOOR_OUT_OF_RANGE",
        ),
        ({"metadata": {"frontdesk_colour": "red"}}, "metadata.frontdesk_colour", "MALFORMED_REQUEST"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            "response_format",
            "FIELD_REQUIRED",
        ),
    ],
)
async def test_what_grpc_refuses_is_refused_with_the_same_reason_and_the_dialects_path(
    members: dict[str, Any], field: str, reason: str, tmp_path: Path
) -> None:
    async with reached(tmp_path) as (client, upstream):
        response = await client.post(PATH, json=asking(**members))
        assert not upstream.requests
    error = response.json()["error"]
    assert response.status_code == (404 if reason.startswith("UNKNOWN_") and "role" not in field else 400)
    assert (error["param"], error["frontdesk"]["reason"]) == (field, reason)
    assert response.headers["x-frontdesk-error"] == reason


async def test_policy_comes_by_headers(tmp_path: Path) -> None:
    headers = {"x-frontdesk-excluded-models": "small, mid", "x-frontdesk-label-team": "a"}
    async with reached(tmp_path) as (client, _):
        response = await client.post(PATH, json=asking(), headers=headers)
        refused = await client.post(PATH, json=asking(), headers={"x-frontdesk-max-attempts": "many"})
        unknown = await client.post(PATH, json=asking(), headers={"x-frontdesk-colour": "red"})
    assert response.headers["x-frontdesk-model"] == "frontier"
    assert refused.json()["error"]["param"] == "x-frontdesk-max-attempts"
    assert unknown.json()["error"]["param"] == "x-frontdesk-colour"


async def test_a_model_by_its_own_name_answers(tmp_path: Path) -> None:
    async with reached(tmp_path) as (client, _):
        response = await client.post(PATH, json=asking(model="frontier"))
        listed = await client.get("/v1/models")
        one = await client.get("/v1/models/mid")
        none = await client.get("/v1/models/none")
    assert response.json()["model"] == "frontier"
    assert [item["id"] for item in listed.json()["data"]] == ["default", "frontier", "mid", "small"]
    assert one.json()["id"] == "mid"
    assert (none.status_code, none.json()["error"]["code"]) == (404, "model_not_found")


async def test_a_body_over_the_limit_is_413_whether_announced_or_not(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 1024

    async with reached(tmp_path, server={"max_message_bytes": 20_000}) as (client, _):
        announced = await client.post(PATH, content=b" " * 40_000)
        unannounced = await client.post(PATH, content=chunks())
        fine = await client.post(PATH, json=asking())
    assert (announced.status_code, unannounced.status_code, fine.status_code) == (413, 413, 200)
    assert announced.json()["error"]["frontdesk"]["reason"] == "REQUEST_TOO_LARGE"


async def test_heads_and_bodies_are_bounded_and_what_is_no_json_is_said(tmp_path: Path) -> None:
    async with reached(tmp_path) as (client, _):
        long_head = await client.post(PATH, json=asking(), headers={"x-long": "a" * 20_000})
        no_json = await client.post(PATH, content=b"{")
        no_object = await client.post(PATH, content=b"[]")
        nowhere = await client.get("/v2/models")
    assert long_head.status_code == 431
    assert (no_json.status_code, no_object.status_code) == (400, 400)
    assert no_json.json()["error"]["code"] == "MALFORMED_REQUEST"
    assert nowhere.json()["error"]["code"] == "NO_SUCH_PATH"


async def test_a_deadline_of_the_caller_holds(tmp_path: Path) -> None:
    async with reached(tmp_path, Script(Fault.HANG)) as (client, _):
        response = await client.post(PATH, json=asking(), headers={"x-frontdesk-timeout-ms": "200"})
    assert response.status_code == 504
    assert response.headers["x-frontdesk-error"] in ("DEADLINE_EXCEEDED", "UPSTREAM_TIMED_OUT")


async def test_browsers_may_call_only_from_origins_that_are_configured(tmp_path: Path) -> None:
    origin = {"origin": "https://app.example.org"}
    async with reached(tmp_path) as (client, _):
        closed = await client.post(PATH, json=asking(), headers=origin)
    http = {"address": "127.0.0.1:0", "allowed_origins": [origin["origin"]]}
    async with reached(tmp_path, server={"http": http}) as (client, _):
        opened = await client.post(PATH, json=asking(), headers=origin)
        preflight = await client.options(PATH, headers={**origin, "access-control-request-method": "POST"})
        foreign = await client.post(PATH, json=asking(), headers={"origin": "https://evil.example.org"})
    assert "access-control-allow-origin" not in closed.headers
    assert opened.headers["access-control-allow-origin"] == origin["origin"]
    assert preflight.status_code == 200
    assert "access-control-allow-origin" not in foreign.headers
