"""The contract over HTTP/1.1: Connect and gRPC-Web, as browsers and curl speak them."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from pathlib import Path
from typing import Any

import httpx
import pytest
from frontdesk.v1 import router_service_pb2 as pb
from frontdesk.v1.chat_pb2 import ROLE_USER
from google.rpc.error_details_pb2 import ErrorInfo

from tests.integration.http.test_chat_completions import reached
from tests.upstream import Fault, Script

SERVICE = "/frontdesk.v1.RouterService"
QUERY = {"query": {"messages": [{"role": "ROLE_USER", "parts": [{"text": "What is two and two?"}]}]}}


def framed(raw: bytes) -> bytes:
    return struct.pack(">BI", 0, len(raw)) + raw


def frames(raw: bytes) -> list[tuple[int, bytes]]:
    found = []
    while raw:
        flags, length = struct.unpack(">BI", raw[:5])
        found.append((flags, raw[5 : 5 + length]))
        raw = raw[5 + length :]
    return found


def reason_of(error: Any) -> str:
    """The reason among the details of a Connect error."""
    info = next(one for one in error["details"] if one["type"] == "google.rpc.ErrorInfo")
    told = ErrorInfo.FromString(base64.b64decode(info["value"] + "=" * (-len(info["value"]) % 4)))
    assert told.domain == "frontdesk"
    reason: str = told.reason
    return reason


async def streamed(client: httpx.AsyncClient, body: Any) -> list[tuple[int, Any]]:
    headers = {"content-type": "application/connect+json"}
    response = await client.post(
        f"{SERVICE}/StreamComplete", content=framed(json.dumps(body).encode()), headers=headers
    )
    assert response.status_code == 200
    return [(flags, json.loads(raw)) for flags, raw in frames(response.content)]


async def test_every_unary_method_answers_json(tmp_path: Path) -> None:
    async with reached(tmp_path) as (client, _):
        routed = await client.post(f"{SERVICE}/Route", json=QUERY)
        completed = await client.post(f"{SERVICE}/Complete", json=QUERY)
        listed = await client.post(f"{SERVICE}/ListModels", json={})
    assert routed.json()["decision"]["model"] == "small"
    assert completed.json()["message"]["parts"] == [{"text": "The answer is four."}]
    assert [model["name"] for model in listed.json()["models"]] == ["frontier", "mid", "small"]


async def test_a_stream_is_the_life_cycle_of_the_contract(tmp_path: Path) -> None:
    async with reached(tmp_path) as (client, _):
        *events, (last, end) = await streamed(client, QUERY)
    kinds = [next(iter(event)) for _, event in events]
    assert (kinds[0], kinds[1], kinds[-1]) == ("started", "attemptStarted", "completed")
    assert "".join(event["textDelta"]["text"] for _, event in events if "textDelta" in event) == "The answer is four."
    assert last == 2
    assert "error" not in end


async def test_a_cut_stream_ends_with_the_error_and_its_details(tmp_path: Path) -> None:
    async with reached(tmp_path, Script(Fault.CUT)) as (client, _):
        *_, (_, end) = await streamed(client, QUERY)
    assert end["error"]["code"] == "unavailable"
    assert "frontdesk.v1.CompletionFailure" in [detail["type"] for detail in end["error"]["details"]]


async def test_what_grpc_refuses_is_refused_with_the_same_details(tmp_path: Path) -> None:
    async with reached(tmp_path) as (client, _):
        empty = await client.post(f"{SERVICE}/Complete", json={})
        unknown = await client.post(f"{SERVICE}/Complete", json={**QUERY, "colour": "red"})
        grpc = await client.post(f"{SERVICE}/Complete", content=b"", headers={"content-type": "application/grpc"})
    assert (empty.status_code, empty.json()["code"]) == (400, "invalid_argument")
    assert reason_of(empty.json()) == "MESSAGES_EMPTY"
    assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid_argument")
    assert reason_of(unknown.json()) == "MALFORMED_REQUEST"
    assert grpc.status_code == 404


@pytest.mark.parametrize(
    ("content", "headers", "code", "reason"),
    [
        (b"{", {}, "invalid_argument", "MALFORMED_REQUEST"),
        (b'{"query": 7}', {}, "invalid_argument", "MALFORMED_REQUEST"),
        (b"\xff\xff", {"content-type": "application/proto"}, "invalid_argument", "MALFORMED_REQUEST"),
        (b"{}", {"content-encoding": "br"}, "unimplemented", "UNSUPPORTED_MEDIA_TYPE"),
        (b" " * (8 * 1024 * 1024 + 1), {}, "resource_exhausted", "REQUEST_TOO_LARGE"),
    ],
    ids=["cut", "another-type", "no-protobuf", "compressed", "too-long"],
)
async def test_what_is_refused_before_it_is_a_call_has_a_reason_as_well(
    tmp_path: Path, content: bytes, headers: dict[str, str], code: str, reason: str
) -> None:
    async with reached(tmp_path) as (client, _):
        told = {"content-type": "application/json"} | headers
        refused = await client.post(f"{SERVICE}/Complete", content=content, headers=told)
    assert (refused.json()["code"], reason_of(refused.json())) == (code, reason)


async def test_a_stream_that_is_no_message_ends_with_a_reason(tmp_path: Path) -> None:
    async with reached(tmp_path) as (client, _):
        ((_, end),) = await streamed(client, {"query": 7})
        headers = {"content-type": "application/connect+json"}
        cut = await client.post(f"{SERVICE}/StreamComplete", content=framed(b"{}")[:-1], headers=headers)
    assert reason_of(end["error"]) == "MALFORMED_REQUEST"
    assert reason_of(json.loads(frames(cut.content)[-1][1])["error"]) == "MALFORMED_REQUEST"


async def test_grpc_web_speaks_protobuf(tmp_path: Path) -> None:
    request = pb.CompleteRequest()
    request.query.messages.add(role=ROLE_USER).parts.add(text="What is two and two?")
    headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    async with reached(tmp_path) as (client, _):
        response = await client.post(
            f"{SERVICE}/Complete", content=framed(request.SerializeToString()), headers=headers
        )
        refused = await client.post(f"{SERVICE}/Complete", content=framed(b""), headers=headers)
    (_, raw), (flags, trailers) = frames(response.content)
    assert pb.CompleteResponse.FromString(raw).message.parts[0].text == "The answer is four."
    assert flags == 0x80
    assert b"grpc-status: 0" in trailers.lower().replace(b":0", b": 0")
    assert b"grpc-status-details-bin" in frames(refused.content)[-1][1].lower() or refused.headers["grpc-status"] == "3"


async def test_a_caller_who_leaves_a_stream_aborts_the_upstream(tmp_path: Path) -> None:
    slow = Script(tokens=("a ",) * 200, interval_seconds=0.05)
    headers = {"content-type": "application/connect+json"}
    async with reached(tmp_path, slow) as (client, upstream):
        content = framed(json.dumps(QUERY).encode())
        async with client.stream("POST", f"{SERVICE}/StreamComplete", content=content, headers=headers) as response:
            async for _ in response.aiter_raw():
                if upstream.requests and upstream.requests[0].tokens_sent:
                    break
        await asyncio.wait_for(upstream.requests[0].aborted.wait(), 1)
