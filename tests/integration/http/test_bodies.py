"""Bodies that are JSON, but not as they should be, at every path that reads one; and answers to HTTP/1.0."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.faces import faces, url_of
from tests.integration.http.test_chat_completions import PATH, asking, events_of, reached
from tests.service import pool_config
from tests.upstream import FaultyUpstream, Script

HOLE = b'"hole"'
TOOL = {"type": "function", "function": {"name": "f", "parameters": "hole"}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": "hole"}}
USER = {"role": "user", "content": "What is two and two?"}
MESSAGES: dict[str, Any] = {"model": "default", "max_tokens": 9, "messages": [USER]}
RESPONSES: dict[str, Any] = {"model": "default", "input": "What is two and two?"}

BODIES: list[tuple[str, dict[str, Any]]] = [
    *(
        (PATH, asking(**{name: "hole"}))
        for name in ("zz", "metadata", "stop", "temperature", "tool_choice", "messages")
    ),
    (PATH, asking(tools=[TOOL])),
    (PATH, asking(response_format=SCHEMA)),
    (PATH, asking(messages=[USER | {"zz": "hole"}])),
    (PATH, asking(messages=[USER | {"content": "hole"}])),
    (PATH, asking(messages=[USER, {"role": "assistant", "content": "4", "frontdesk": {"blocks": ["hole"]}}, USER])),
    (PATH, asking(messages=[USER, {"role": "assistant", "tool_calls": [CALL | {"zz": "hole"}]}, USER])),
    ("/v1/responses", RESPONSES | {"zz": "hole"}),
    ("/v1/responses", RESPONSES | {"input": ["hole"]}),
    ("/v1/responses", RESPONSES | {"tools": [{"type": "web_search", "zz": "hole"}]}),
    ("/v1/messages", MESSAGES | {"zz": "hole"}),
    ("/v1/messages", MESSAGES | {"system": ["hole"]}),
    ("/v1/messages", MESSAGES | {"tools": [{"name": "f", "input_schema": "hole"}]}),
    (
        "/v1/messages",
        MESSAGES | {"messages": [USER, {"role": "assistant", "content": [{"type": "tool_use", "input": "hole"}]}]},
    ),
    ("/v1/messages/count_tokens", MESSAGES | {"zz": "hole"}),
    ("/v1/embeddings", {"model": "m", "input": "hole"}),
]


def lists(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def objects(depth: int) -> bytes:
    return b'{"properties":' * depth + b"{}" + b"}" * depth


@pytest.mark.parametrize("nested", [lists, objects])
async def test_what_is_nested_too_deep_is_malformed_wherever_it_stands(
    tmp_path: Path, nested: Callable[[int], bytes]
) -> None:
    async with FaultyUpstream() as upstream:
        config = pool_config(upstream.openai_url, server={"http": {"embeddings_backend": "upstream"}})
        async with faces(config, tmp_path) as fronts, httpx.AsyncClient(base_url=url_of(fronts)) as client:
            for path, body in BODIES:
                for depth in (128, 250, 1000, 10_000):
                    content = orjson.dumps(body).replace(HOLE, nested(depth))
                    refused = await client.post(path, content=content)
                    told = (path, body, depth, refused.text[:300])
                    assert (refused.status_code, "MALFORMED_REQUEST" in refused.text) == (400, True), told
                for depth in (1, 60, 100, 120):
                    content = orjson.dumps(body).replace(HOLE, nested(depth))
                    served = await client.post(path, content=content)
                    assert served.status_code != 500, (path, body, depth, served.text[:300])


async def test_json_within_strings_is_no_fault_of_ours_however_deep(tmp_path: Path) -> None:
    async with reached(tmp_path) as (client, _):
        for depth in (200, 500, 1000, 100_000):
            arguments = objects(depth).decode()
            call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
            turns = [
                USER,
                {"role": "assistant", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c", "content": "x"},
            ]
            told = await client.post(PATH, json=asking(messages=turns))
            assert told.status_code < 500, told.text[:300]


async def test_a_compressed_body_is_said_to_be_one(tmp_path: Path) -> None:
    async with reached(tmp_path) as (client, _):
        told = await client.post(PATH, content=b"\x1f\x8b\x08", headers={"content-encoding": "gzip"})
    assert (told.status_code, told.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "gzip" in told.json()["error"]["message"]


@pytest.mark.parametrize("stream", [True, False])
async def test_http_1_0_is_answered_without_chunks_until_the_connection_ends(tmp_path: Path, stream: bool) -> None:
    async with reached(tmp_path) as (client, _):
        body = orjson.dumps(asking(stream=stream))
        head = f"POST {PATH} HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(head.encode() + body)
        told, _, answer = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
        writer.close()
    assert told.startswith(b"HTTP/1.1 200")
    assert b"transfer-encoding" not in told.lower()
    assert (b"content-length" in told.lower()) is not stream
    if stream:
        assert events_of(answer.decode())[-1] == "[DONE]"
        assert answer.startswith(b"data: ")
    else:
        assert orjson.loads(answer)["choices"]


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,%%%"}}
SOURCE = {"type": "base64", "media_type": "image/png", "data": "%%%"}


@pytest.mark.parametrize(
    ("path", "body", "at"),
    [
        (PATH, asking(messages=[{"role": "user", "content": [IMAGE]}]), "messages[0].content[0].image_url.url"),
        (PATH, asking(messages=[{"role": "user", "content": [{"type": "text"}]}]), "messages[0].content[0].text"),
        (
            "/v1/responses",
            RESPONSES | {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:,a"}]}]},
            "input[0].content[0].image_url",
        ),
        (
            "/v1/responses",
            RESPONSES | {"input": [{"role": "user", "content": [{"type": "input_text"}]}]},
            "input[0].content[0].text",
        ),
        (
            "/v1/messages",
            MESSAGES | {"messages": [{"role": "user", "content": [{"type": "image", "source": SOURCE}]}]},
            "messages[0].content[0].source.data",
        ),
        (
            "/v1/messages",
            MESSAGES | {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text",
        ),
    ],
)
async def test_parts_that_say_nothing_are_named(tmp_path: Path, path: str, body: dict[str, Any], at: str) -> None:
    async with reached(tmp_path) as (client, _):
        refused = await client.post(path, json=body)
    told = refused.json()["error"]["frontdesk"]
    assert (refused.status_code, [one["field"] for one in told["violations"]]) == (400, [at])
    assert told["reason"] in ("MALFORMED_REQUEST", "FIELD_REQUIRED")


@pytest.mark.parametrize(("said", "status"), [("true", 200), ("1", 200), ("false", 200), ("0", 200), ("maybe", 400)])
async def test_the_wish_for_a_report_is_true_or_false(tmp_path: Path, said: str, status: int) -> None:
    async with reached(tmp_path) as (client, _):
        answer = await client.post(PATH, json=asking(), headers={"x-frontdesk-report": said})
    assert (answer.status_code, "frontdesk" in answer.json()) == (status, said in ("true", "1"))


async def test_paths_tell_what_they_are_served_to_in_their_own_dialect(tmp_path: Path) -> None:
    async with reached(tmp_path) as (client, _):
        other_method = await client.get(PATH)
        anthropics = await client.get("/v1/messages")
        nowhere = await client.get("/v1/messages/batches")
        router = await client.get("/v1/models/frontdesk/default")
        unknown = await client.get("/v1/models/frontdesk/none")
    assert (other_method.status_code, other_method.headers["allow"]) == (405, "POST")
    assert other_method.json()["error"]["code"] == "METHOD_NOT_ALLOWED"
    assert (anthropics.status_code, anthropics.json()["type"]) == (405, "error")
    assert (nowhere.status_code, nowhere.json()["error"]["type"]) == (404, "not_found_error")
    assert (router.status_code, router.json()["id"]) == (200, "frontdesk/default")
    assert (unknown.status_code, unknown.headers["x-frontdesk-error"]) == (404, "UNKNOWN_ROUTER")


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"NONSENSE\r\n\r\n", "Invalid HTTP request received."),
        (b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", "Unsupported upgrade"),
    ],
    ids=["nonsense", "upgrade"],
)
async def test_what_is_no_request_is_a_line_of_the_log_that_names_the_peer(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], sent: bytes, message: str
) -> None:
    async with FaultyUpstream() as upstream:
        config = pool_config(upstream.openai_url) | {"telemetry": {"log_format": "json"}}
        async with faces(config, tmp_path) as fronts:
            reader, writer = await asyncio.open_connection(*url_of(fronts).removeprefix("http://").split(":"))
            writer.write(sent)
            await reader.readline()
            peer = "{}:{}".format(*writer.get_extra_info("sockname"))
            writer.close()
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    told = [line for line in lines if line["event"] == "library.warned"]
    assert told
    assert {(line["library"], line["peer"]) for line in told} == {("uvicorn.error", peer)}
    assert str(told[0]["message"]).startswith(message)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_sends_no_more_gets_the_answer(tmp_path: Path, stream: bool) -> None:
    body = orjson.dumps(asking(stream=stream))
    head = f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    async with (
        FaultyUpstream(Script(first_token_seconds=0.2)) as upstream,
        faces(pool_config(upstream.openai_url), tmp_path) as fronts,
    ):
        reader, writer = await asyncio.open_connection(*url_of(fronts).removeprefix("http://").split(":"))
        writer.write(head + body)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert b"HTTP/1.1 200 OK" in answer
    assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n" if stream else b"}")
    assert b"four" in answer
