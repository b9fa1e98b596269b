"""The external processor as a gateway speaks with it, message by message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import orjson
import pytest
from frontdesk_server.assembly.app import App
from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.errors import LedgerUnavailable
from frontdesk_server.rpc.ext_proc import gateway_pb2 as pb
from frontdesk_server.rpc.ext_proc.service import PROCESSOR_NAME
from frontdesk_server.security import new_key

from tests.gateway import gateway_config, processor, settled
from tests.upstream.server import FaultyUpstream

POST = {":method": "POST", ":path": "/v1/chat/completions?x=1"}
BODY = orjson.dumps({"model": "default", "messages": [{"role": "user", "content": "What is 2 + 2?"}]})
ANSWER = orjson.dumps(
    {"model": "m", "choices": [{"index": 0, "message": {"content": "four"}, "finish_reason": "stop"}]}
)
DECISION = "x-frontdesk-decision-id"


def headers(values: Mapping[str, str], *, ended: bool = False) -> pb.HttpHeaders:
    several = [pb.HeaderValue(key=name, raw_value=value.encode()) for name, value in values.items()]
    return pb.HttpHeaders(headers=pb.HeaderMap(headers=several), end_of_stream=ended)


def body(content: bytes, *, ended: bool = True) -> pb.HttpBody:
    return pb.HttpBody(body=content, end_of_stream=ended)


class FakeGateway:
    """One stream of messages."""

    def __init__(self, stream: Any, mode: pb.BodySendMode.ValueType) -> None:
        self.stream = stream
        self.mode = mode

    async def says(self, **message: Any) -> pb.ProcessingResponse | None:
        """Send a message and read the answer; None when Frontdesk has left."""
        await self.tells(**message)
        return await self.hears()

    async def tells(self, **message: Any) -> None:
        protocol = pb.ProtocolConfiguration(request_body_mode=self.mode)
        await self.stream.write(pb.ProcessingRequest(protocol_config=protocol, **message))

    async def hears(self) -> pb.ProcessingResponse | None:
        async with asyncio.timeout(5):
            response = await self.stream.read()
        return response if isinstance(response, pb.ProcessingResponse) else None

    async def asks(self, content: bytes = BODY, **more: str) -> pb.ProcessingResponse:
        """Pose a query, and hear what becomes of it."""
        first = await self.says(request_headers=headers(POST | {n.replace("_", "-"): v for n, v in more.items()}))
        assert first == pb.ProcessingResponse(request_headers=pb.HeadersResponse())
        answer = await self.says(request_body=body(content))
        assert answer is not None
        return answer


class Bench:
    def __init__(self, app: App, channel: grpc.aio.Channel) -> None:
        self.app = app
        self.process = channel.stream_stream(
            f"/{PROCESSOR_NAME}/Process",
            request_serializer=pb.ProcessingRequest.SerializeToString,
            response_deserializer=pb.ProcessingResponse.FromString,
        )

    def request(self, mode: pb.BodySendMode.ValueType = pb.BUFFERED, **metadata: str) -> FakeGateway:
        return FakeGateway(self.process(metadata=tuple(metadata.items())), mode)


@asynccontextmanager
async def bench(folder: Path, more: dict[str, Any] | None = None, **ext_proc: Any) -> AsyncIterator[Bench]:
    async with FaultyUpstream() as nobody:
        config = gateway_config(nobody, nobody, folder, **ext_proc) | (more or {})
        async with processor(config, folder) as (app, server), grpc.aio.insecure_channel(server.address) as channel:
            yield Bench(app, channel)


def set_by(change: pb.HeaderMutation) -> dict[str, str]:
    overwrite = pb.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    assert all(option.append_action == overwrite for option in change.set_headers)
    return {option.header.key: option.header.raw_value.decode() for option in change.set_headers}


def refusal(answer: pb.ProcessingResponse) -> tuple[int, str]:
    immediate = answer.immediate_response
    assert orjson.loads(immediate.body)["error"]["frontdesk"]["reason"] == immediate.details
    return immediate.status.code, immediate.details


async def test_a_query_is_decided_marked_and_sent_along_another_route(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        gateway = at.request()
        answer = await gateway.asks(x_frontdesk_model="frontier", x_frontdesk_quality_floor="0", accept="*/*")
        common = answer.request_body.response
        assert common.clear_route_cache
        assert common.body_mutation.body == BODY.replace(b'"default"', b'"tiny-2026"')
        said = set_by(common.header_mutation)
        assert said.keys() == {"x-frontdesk-model", DECISION, "x-frontdesk-cluster", "content-length"}
        assert (said["x-frontdesk-model"], said["x-frontdesk-cluster"]) == ("tiny", "a")
        assert int(said["content-length"]) == len(common.body_mutation.body)
        assert list(common.header_mutation.remove_headers) == ["x-frontdesk-quality-floor"]
        began = await gateway.says(response_headers=headers({":status": "200", "content-type": "application/json"}))
        assert began is not None
        told = set_by(began.response_headers.response.header_mutation)
        assert (told["x-frontdesk-model"], told[DECISION]) == ("tiny", said[DECISION])
        assert {"x-frontdesk-router", "x-frontdesk-router-version"} < told.keys()
        for piece in (ANSWER[:30], ANSWER[30:]):
            ended = piece is not ANSWER[:30] and ANSWER.endswith(piece)
            assert (await gateway.says(response_body=body(piece, ended=ended))) == pb.ProcessingResponse(
                response_body=pb.BodyResponse()
            )
        assert await gateway.hears() is None
        attempt = await settled(at.app, said[DECISION])
        assert (attempt.outcome, attempt.model, attempt.usage_estimated) == (AttemptOutcome.ACCEPTED, "tiny", True)
        assert attempt.usage.output_tokens == 1


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_query_of_the_responses_api_is_decided_and_its_answer_read(tmp_path: Path, streamed: bool) -> None:
    asked = {"model": "default", "input": "What is 2 + 2?", "store": False, "stream": streamed}
    text = {"type": "output_text", "text": "four", "annotations": []}
    said = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
    usage = {"input_tokens": 9, "output_tokens": 5, "total_tokens": 14}
    whole = {"object": "response", "model": "x", "status": "completed", "output": [said], "usage": usage}
    answer, kind = orjson.dumps(whole), "application/json"
    if streamed:
        delta: dict[str, Any] = {
            "type": "response.output_text.delta",
            "output_index": 0,
            "content_index": 0,
            "delta": "four",
        }
        ends: dict[str, Any] = {"type": "response.completed", "response": whole}
        events = [b"event: %s\ndata: %s\n\n" % (e["type"].encode(), orjson.dumps(e)) for e in (delta, ends)]
        answer, kind = b"".join(events), "text/event-stream"
    async with bench(tmp_path) as at:
        gateway = at.request()
        await gateway.says(request_headers=headers(POST | {":path": "/v1/responses"}))
        sent = await gateway.says(request_body=body(orjson.dumps(asked)))
        assert sent is not None
        common = sent.request_body.response
        assert orjson.loads(common.body_mutation.body) == asked | {"model": "tiny-2026"}
        await gateway.says(response_headers=headers({":status": "200", "content-type": kind}))
        await gateway.says(response_body=body(answer))
        attempt = await settled(at.app, set_by(common.header_mutation)[DECISION])
        assert (attempt.outcome, attempt.usage_estimated) == (AttemptOutcome.ACCEPTED, False)
        assert (attempt.usage.input_tokens, attempt.usage.output_tokens) == (9, 5)


async def test_clusters_and_names_are_as_configured(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"cluster_header": "x-route", "clusters": {"tiny": "west"}, "body_model": "public"}
    async with bench(tmp_path, **settings) as at:
        common = (await at.request().asks(x_route="evil")).request_body.response
        assert set_by(common.header_mutation)["x-route"] == "west"
        assert orjson.loads(common.body_mutation.body)["model"] == "tiny"


@pytest.mark.parametrize(
    ("method", "path", "ended"),
    [
        ("GET", "/v1/models", True),
        ("GET", "/v1/chat/completions", True),
        ("POST", "/v1/chat/completions", True),
        ("PUT", "/v1/Chat/Completion%73/", True),
        ("POST", "/v1/files", False),
        ("POST", "/v1/messages/count_tokens", False),
    ],
)
async def test_what_poses_no_query_passes_without_our_names(
    tmp_path: Path, method: str, path: str, ended: bool
) -> None:
    async with bench(tmp_path) as at:
        gateway = at.request()
        spoofed = {":method": method, ":path": path, "x-frontdesk-model": "x", "x-frontdesk-cluster": "x", "a": "b"}
        answer = await gateway.says(request_headers=headers(spoofed, ended=ended))
        assert answer is not None
        change = answer.request_headers.response.header_mutation
        assert (list(change.remove_headers), list(change.set_headers)) == (
            ["x-frontdesk-cluster", "x-frontdesk-model"],
            [],
        )
        assert await gateway.hears() is None  # and the gateway goes on without us


@pytest.mark.parametrize("on_failure", ["open", "closed"])
async def test_what_frontdesk_fails_at_passes_or_is_refused_as_configured(
    tmp_path: Path, on_failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, on_failure=on_failure) as at:

        async def broken(*_: Any) -> None:
            raise LedgerUnavailable("the ledger does not answer")

        monkeypatch.setattr(at.app.desk._books.ledger, "record_decision", broken)
        answer = await at.request().asks()
        if on_failure == "closed":
            assert refusal(answer) == (503, "LEDGER_UNAVAILABLE")
        else:
            common = answer.request_body.response
            assert common.body_mutation.body == BODY
            assert set_by(common.header_mutation)["x-frontdesk-failure"] == "LEDGER_UNAVAILABLE"


@pytest.mark.parametrize("on_failure", ["open", "closed"])
@pytest.mark.parametrize(
    ("content", "more", "reason"),
    [
        (BODY.replace(b"default", b"frontdesk/nowhere"), {}, "UNKNOWN_ROUTER"),
        (BODY.replace(b"default", b"nowhere"), {}, "UNKNOWN_MODEL"),
        (BODY.replace(b'"user"', b'"nobody"'), {}, "UNKNOWN_ENUM_VALUE"),
        (BODY, {"content_encoding": "gzip"}, "MALFORMED_REQUEST"),
        (b"x" * 5000, {}, "REQUEST_TOO_LARGE"),
    ],
)
async def test_what_may_not_pass_never_does(
    tmp_path: Path, on_failure: str, content: bytes, more: dict[str, str], reason: str
) -> None:
    server = {"server": {"ext_proc": {"on_failure": on_failure}, "max_message_bytes": 4096}}
    async with bench(tmp_path, server) as at:
        assert refusal(await at.request().asks(content, **more))[1] == reason


async def test_a_budget_holds_for_what_a_gateway_forwards(tmp_path: Path) -> None:
    limits = {"store": "memory", "rules": [{"name": "few", "window": "day", "requests": 1}]}
    async with bench(tmp_path, {"limits": limits}, on_failure="open") as at:
        assert (await at.request().asks()).WhichOneof("response") == "request_body"
        assert refusal(await at.request().asks())[1] == "RATE_LIMITED"


async def test_a_refusal_is_in_the_words_of_the_api_that_was_asked(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        gateway = at.request()
        await gateway.says(request_headers=headers(POST | {":path": "/v1/messages"}))
        unbounded = orjson.dumps({"model": "default", "messages": [{"role": "user", "content": "What is 2 + 2?"}]})
        answer = await gateway.says(request_body=body(unbounded))
        assert answer is not None
        told = orjson.loads(answer.immediate_response.body)
        assert (answer.immediate_response.status.code, told["type"]) == (400, "error")
        assert "max_tokens" in told["error"]["message"]


async def test_a_gateway_that_leaves_has_cancelled(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        gateway = at.request()
        said = set_by((await gateway.asks()).request_body.response.header_mutation)
        gateway.stream.cancel()
        attempt = await settled(at.app, said[DECISION])
        assert (attempt.outcome, attempt.usage_estimated) == (AttemptOutcome.CANCELLED, True)


async def test_a_part_of_a_body_is_no_query(tmp_path: Path) -> None:
    async with bench(tmp_path) as at:
        gateway = at.request(pb.BUFFERED_PARTIAL)
        await gateway.says(request_headers=headers(POST))
        answer = await gateway.says(request_body=body(BODY[:20], ended=False))
        assert answer is not None
        assert refusal(answer)[1] == "REQUEST_TOO_LARGE"


async def test_callers_show_their_own_credentials_where_that_is_configured(tmp_path: Path) -> None:
    gateways, callers = new_key(), new_key()
    named = {"gateway": gateways, "alice": callers}
    keys = [{"caller": caller, "id": key.id, "sha256": key.sha256} for caller, key in named.items()]
    async with bench(tmp_path, {"security": {"keys": keys}}, caller="request") as at:
        bearer = f"Bearer {gateways.key}"
        answer = await at.request(authorization=bearer).asks(x_api_key=callers.key)
        change = answer.request_body.response.header_mutation
        assert list(change.remove_headers) == ["x-api-key"]
        assert await at.app.desk._books.ledger.decision(set_by(change)[DECISION], "alice")
        assert refusal(await at.request(authorization=bearer).asks())[1] == "UNAUTHENTICATED"
        with pytest.raises(grpc.aio.AioRpcError, match="UNAUTHENTICATED"):
            await at.request().asks()
        for method, path in (("GET", "/v1/models"), ("POST", "/v1/embeddings"), ("POST", "/v1/messages/count_tokens")):
            other = {":method": method, ":path": path, "authorization": f"Bearer {callers.key}", "x-api-key": "k"}
            passes = await at.request(authorization=bearer).says(request_headers=headers(other, ended=method == "GET"))
            assert passes is not None
            kept = passes.request_headers.response.header_mutation
            assert list(kept.remove_headers) == ["authorization", "x-api-key"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET", "post", "PROPFIND"])
@pytest.mark.parametrize("path", ["/v1/chat/completion%73", "/V1//messages/", "/v1/responses;x"])
async def test_no_spelling_and_no_method_goes_round_a_decision(tmp_path: Path, method: str, path: str) -> None:
    async with bench(tmp_path) as at:
        gateway = at.request()
        began = await gateway.says(request_headers=headers({":method": method, ":path": path}))
        assert began == pb.ProcessingResponse(request_headers=pb.HeadersResponse())
        answer = await gateway.says(request_body=body(b"what cannot be read"))
        assert answer is not None
        assert answer.immediate_response.status.code == 400
