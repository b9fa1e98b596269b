"""The real server and the real client over a real connection; only the desk is a fake."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import frontdesk
import grpc
import pytest
from frontdesk import Client, FrontdeskError, Query, RoutingPolicy, TextDelta, sync, text_of, user
from frontdesk.v1.chat_pb2 import ROLE_USER, Message
from frontdesk.v1.router_service_pb2 import RouteError
from frontdesk_server.domain import errors
from frontdesk_server.domain.query import TextPart
from frontdesk_server.rpc import encode, encode_messages
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests import full_values as full
from tests.fake_desk import HANG, FakeDesk, default_events
from tests.recorder import Recorder
from tests.serving import serving


@asynccontextmanager
async def connected(desk: FakeDesk, **settings: Any) -> AsyncIterator[Client]:
    """A client of a server over this desk."""
    async with serving(desk, **settings) as server, Client(server.address, timeout=20) as client:
        yield client


async def failing(call: Any) -> FrontdeskError:
    with pytest.raises(FrontdeskError) as raised:
        await call
    return raised.value


async def test_route_brings_the_query_in_and_the_decision_out() -> None:
    desk = FakeDesk()
    async with connected(desk) as client:
        decision = await client.route("hi", router="support", quality_floor=0.8, labels={"team": "a"})
    assert decision == encode.encode_decision(full.DECISION)
    ((query, policy, call, labels),) = desk.asked
    assert query.messages[0].parts == (TextPart("hi"),)
    assert (policy.router, policy.quality_floor, labels) == ("support", 0.8, {"team": "a"})
    assert call.deadline is not None
    assert call.metadata["user-agent"].startswith("frontdesk-python")


async def test_a_full_query_and_policy_are_accepted() -> None:
    desk = FakeDesk()
    async with connected(desk) as client:
        await client.route(Query(messages=[user("hi")]), policy=RoutingPolicy(max_attempts=2))
    assert desk.asked[0][1].max_attempts == 2


async def test_a_batch_answers_each_query_in_its_place() -> None:
    desk = FakeDesk()
    async with connected(desk) as client:
        results = await client.route_batch(["a", Query(), "c"])
    good, refused, also_good = results
    assert good == also_good == encode.encode_decision(full.DECISION)
    assert isinstance(refused, RouteError)
    assert (refused.code, refused.reason, refused.field) == (3, "MESSAGES_EMPTY", "queries[1].messages")
    assert len(desk.asked) == 2


async def test_an_error_of_one_query_stays_in_the_batch() -> None:
    async with connected(FakeDesk(error=errors.UnknownRouter("x", ["default"]))) as client:
        (result,) = await client.route_batch(["a"], router="x")
    assert isinstance(result, RouteError)
    assert (result.code, result.reason, result.field) == (5, "UNKNOWN_ROUTER", "policy.router")


async def test_complete_returns_the_whole_answer() -> None:
    async with connected(FakeDesk()) as client:
        completion = await client.complete("hi")
    assert completion.completion_id == full.DECISION_ID
    assert completion.message == encode_messages.encode_message(full.MESSAGE)
    assert list(completion.logprobs) == encode.encode_logprobs(full.LOGPROBS)
    assert list(completion.attempts) == [encode.encode_attempt(full.ATTEMPT)]
    assert (completion.cost.total_nano_usd, completion.usage.output_tokens) == (111, 20)


async def test_a_stream_is_a_typed_life_cycle() -> None:
    async with connected(FakeDesk()) as client:
        events = [event async for event in client.stream_complete("hi")]
    names = [type(event).__name__ for event in events]
    assert names == ["Started", "AttemptStarted", "TextDelta", "TextDelta", "Completed"]


async def test_a_stream_gives_decision_text_and_completion() -> None:
    async with connected(FakeDesk()) as client:
        stream = client.stream_complete("hi", router="support")
        assert (await stream.decision()).model == "code"
        assert [text async for text in stream.text()] == ["Hello, ", "world"]
        completion = await stream.completion()
    assert text_of(completion.message) == "Hello, world"
    assert completion.cost.total_nano_usd == 111


async def test_asking_for_the_decision_loses_no_event() -> None:
    async with connected(FakeDesk()) as client:
        stream = client.stream_complete("hi")
        await stream.decision()
        assert len([event async for event in stream]) == 5


async def test_a_broken_stream_keeps_its_partial_answer_and_tells_its_cost() -> None:
    broken = errors.CompletionFailed(errors.UpstreamCut("cut"), full.SETTLEMENT, full.DECISION_ID)
    desk = FakeDesk(events=[*default_events()[:3], broken])
    async with connected(desk) as client:
        stream = client.stream_complete("hi")
        error = await failing(stream.completion())
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_CUT")
    assert error.failure is not None
    assert (error.failure.committed, error.failure.cost.total_nano_usd) == (True, 111)
    assert text_of(stream.partial.message) == "Hello, "
    assert len(desk.asked) == 1


async def test_after_exhausted_fallbacks_the_client_does_not_retry() -> None:
    """UNAVAILABLE alone would be retried."""
    desk = FakeDesk(error=errors.CompletionFailed(errors.UpstreamFailed("500"), full.SETTLEMENT))
    async with connected(desk) as client:
        assert (await failing(client.complete("hi"))).reason == "UPSTREAM_FAILED"
    assert len(desk.asked) == 1


async def test_unavailable_is_retried() -> None:
    class Recovering(FakeDesk):
        async def _answer(self) -> None:
            if len(self.asked) == 1:
                raise errors.LedgerUnavailable("starting")

    desk = Recovering()
    async with connected(desk) as client:
        assert (await client.route("hi")).model == "code"
    assert len(desk.asked) == 2


async def test_a_stream_cut_without_its_last_event_is_an_error() -> None:
    async with connected(FakeDesk(events=default_events()[:3])) as client:
        error = await failing(client.stream_complete("hi").completion())
    assert (error.code, error.reason) == (grpc.StatusCode.DATA_LOSS, "STREAM_CUT")


async def test_cancelling_a_stream_reaches_the_desk() -> None:
    desk = FakeDesk(events=[*default_events()[:3], HANG])
    async with connected(desk) as client:
        async with client.stream_complete("hi") as stream:
            async for event in stream:
                if isinstance(event, TextDelta):
                    break
        await asyncio.wait_for(desk.cancelled.wait(), 5)


@pytest.mark.parametrize("method", ["route", "complete"])
async def test_cancelling_a_call_reaches_the_desk(method: str) -> None:
    desk = FakeDesk(hang=True)
    async with connected(desk) as client:
        task = asyncio.ensure_future(getattr(client, method)("hi"))
        await desk.entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(desk.cancelled.wait(), 5)


async def test_a_deadline_that_passes_cancels_the_desk() -> None:
    desk = FakeDesk(hang=True)
    async with connected(desk) as client:
        error = await failing(client.complete("hi", timeout=0.1))
        assert (error.code, error.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
        await asyncio.wait_for(desk.cancelled.wait(), 5)


@pytest.mark.parametrize("seconds", [-1.0, 0.0])
async def test_a_deadline_already_past_is_said(seconds: float) -> None:
    async with connected(FakeDesk()) as client:
        assert (await failing(client.route("hi", timeout=seconds))).reason == "DEADLINE_EXCEEDED"


async def test_an_invalid_query_names_every_field_at_fault() -> None:
    async with connected(FakeDesk()) as client:
        error = await failing(client.complete(Query(messages=[Message(role=ROLE_USER)]), quality_floor=2.0))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MESSAGE_WITHOUT_PARTS")
    assert [(v.field, v.reason) for v in error.violations] == [
        ("query.messages[0].parts", "MESSAGE_WITHOUT_PARTS"),
        ("policy.quality_floor", "QUALITY_FLOOR_OUT_OF_RANGE"),
    ]


async def test_every_violation_limit_still_reaches_the_client() -> None:
    """The trailer of the largest report passes gRPC's own metadata limit."""
    async with connected(FakeDesk()) as client:
        error = await failing(client.route(Query(messages=[Message()] * 1000)))
    assert error.reason == "ROLE_UNSPECIFIED"
    assert len(error.violations) > 10


async def test_how_long_to_wait_and_particulars_are_told() -> None:
    async with connected(FakeDesk(error=errors.RateLimited("slow down", 1.5))) as client:
        assert (await failing(client.route("hi"))).retry_after_seconds == 1.5
    async with connected(FakeDesk(error=errors.NoEligibleModel({"tiny": "too small"}))) as client:
        assert (await failing(client.route("hi"))).metadata == {"tiny": "too small"}


async def test_a_fifty_megabyte_prompt_is_refused_and_the_server_stays_up() -> None:
    async with connected(FakeDesk()) as client:
        error = await failing(client.route("x" * 50_000_000))
        assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE")
        assert (await client.route("hi")).model == "code"


async def test_a_message_far_over_the_limit_is_refused_by_grpc_itself() -> None:
    async with connected(FakeDesk(), max_message_bytes=1000) as client:
        assert (await failing(client.route("x" * 2_000))).reason == "REQUEST_TOO_LARGE"
        assert (await failing(client.route("x" * 20_000))).reason == "RESOURCE_EXHAUSTED"
        assert (await client.route("hi")).model == "code"


async def test_text_that_is_not_utf8_is_named() -> None:
    request = frontdesk.v1.router_service_pb2.RouteRequest(query=Query(messages=[user("MARK")]))
    raw = request.SerializeToString().replace(b"MARK", b"\xff\xfe\xfd\xfc")
    async with serving(FakeDesk()) as server, grpc.aio.insecure_channel(server.address) as channel:
        route: Any = channel.unary_unary("/frontdesk.v1.RouterService/Route")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await route(raw, timeout=20)
    error = frontdesk.errors.error_of(raised.value)  # type: ignore[arg-type]
    assert (error.reason, error.violations[0].field) == ("INVALID_UTF8", "query.messages[0].parts[0].text")


async def test_calls_past_the_limit_are_refused_at_once() -> None:
    desk = FakeDesk(hang=True)
    async with connected(desk, max_concurrent_calls=1) as client:
        first = asyncio.ensure_future(client.route("hi"))
        await desk.entered.wait()
        error = await failing(client.route("hi"))
        assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        desk.released.set()
        assert (await first).model == "code"


async def test_outcomes_decisions_and_models() -> None:
    async with connected(FakeDesk()) as client:
        outcome = await client.report_outcome(full.DECISION_ID, 0.75, source="user", labels={"run": "7"})
        record = await client.get_decision(full.DECISION_ID)
        (model,) = await client.list_models()
        assert (await client.report_outcome(full.DECISION_ID, 0.0)).source == "caller"
    assert outcome == encode.encode_outcome(full.OUTCOME)
    assert record.decision == encode.encode_decision(full.DECISION)
    assert (list(record.outcomes), dict(record.labels)) == ([outcome], {"team": "a"})
    assert (record.cost.total_nano_usd, len(record.attempts)) == (111, 1)
    assert model == encode.encode_model(full.MODEL, True)


async def test_an_unknown_router_is_named_by_the_field_of_the_request() -> None:
    async with connected(FakeDesk(error=errors.UnknownRouter("x", ["default"]))) as client:
        assert (await failing(client.list_models("x"))).violations[0].field == "router"


async def test_a_token_is_sent_with_every_call() -> None:
    desk = FakeDesk()
    async with serving(desk) as server, Client(server.address, token="secret") as client:
        await client.route("hi")
    assert desk.asked[0][2].metadata["authorization"] == "Bearer secret"


async def test_the_blocking_client_does_the_same() -> None:
    desk = FakeDesk()

    def blocking(target: str) -> None:
        with sync.Client(target, timeout=20) as client:
            assert client.route("hi", router="support").model == "code"
            assert len(client.route_batch(["a", "b"])) == 2
            assert client.complete("hi").message == encode_messages.encode_message(full.MESSAGE)
            stream = client.stream_complete("hi")
            assert stream.decision().model == "code"
            assert list(stream.text()) == ["Hello, ", "world"]
            assert text_of(stream.completion().message) == "Hello, world"
            assert client.report_outcome(full.DECISION_ID, 1.0).quality == 1.0
            assert client.get_decision(full.DECISION_ID).decision.model == "code"
            assert [model.name for model in client.list_models()] == ["code"]
            with pytest.raises(FrontdeskError, match="MESSAGES_EMPTY"):
                client.route(Query())
            with pytest.raises(FrontdeskError, match="MESSAGES_EMPTY"):
                list(client.stream_complete(Query()))

    async with serving(desk) as server:
        await asyncio.to_thread(blocking, server.address)


async def test_the_blocking_client_cancels() -> None:
    desk = FakeDesk(events=[*default_events()[:3], HANG])

    def blocking(target: str) -> None:
        with sync.Client(target) as client, client.stream_complete("hi") as stream:
            assert next(stream.text()) == "Hello, "

    async with serving(desk) as server:
        await asyncio.to_thread(blocking, server.address)
        await asyncio.wait_for(desk.cancelled.wait(), 5)


async def test_a_unix_socket(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/frontdesk.sock"
    async with connected(FakeDesk(), address=address) as client:
        assert (await client.route("hi")).model == "code"


async def test_an_address_in_use_is_said() -> None:
    async with serving(FakeDesk()) as server:
        with pytest.raises(errors.ConfigError, match="cannot listen"):
            async with serving(FakeDesk(), address=server.address):
                pass


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
async def test_tls(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, [*command.split(), *names, *files], check=True, capture_output=True)
    pair = (key.read_bytes(), certificate.read_bytes())
    trusted = grpc.ssl_channel_credentials(certificate.read_bytes())
    async with serving(FakeDesk(), credentials=grpc.ssl_server_credentials([pair])) as server:
        async with Client(server.address, tls=trusted, token="t") as client:
            assert (await client.route("hi", timeout=10)).model == "code"
        async with Client(server.address, options={"grpc.service_config": None}) as plain:
            assert (await failing(plain.route("hi", timeout=10))).code is grpc.StatusCode.UNAVAILABLE


async def test_reflection_lists_the_services() -> None:
    async with serving(FakeDesk()) as server:

        def services(target: str) -> list[str]:
            with grpc.insecure_channel(target) as channel:
                return list(ProtoReflectionDescriptorDatabase(channel).get_services())

        assert "frontdesk.v1.RouterService" in await asyncio.to_thread(services, server.address)


async def test_health_says_serving_then_not() -> None:
    desk = FakeDesk(hang=True)
    statuses: list[int] = []
    async with serving(desk, grace_seconds=20.0) as server:
        channel = grpc.aio.insecure_channel(server.address)
        client = Client(server.address)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        statuses.append((await watch.read()).status)
        running = asyncio.ensure_future(client.route("hi"))
        await desk.entered.wait()

        async def finish_once_draining() -> None:
            statuses.append((await watch.read()).status)
            desk.released.set()

        finishing = asyncio.ensure_future(finish_once_draining())
    # The watcher is still there: it must not hold the stop up for the whole grace.
    assert (await running).model == "code"
    await finishing
    await client.close()
    await channel.close()
    serving_, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
    assert statuses == [serving_, not_serving]


async def test_what_outlasts_the_grace_is_cancelled_before_the_server_is_gone() -> None:
    desk = FakeDesk(hang=True)
    async with serving(desk, grace_seconds=0.1) as server:
        client = Client(server.address, options={"grpc.service_config": None})
        running = asyncio.ensure_future(client.route("hi"))
        await desk.entered.wait()
    assert desk.cancelled.is_set()
    assert (await failing(running)).code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    await client.close()


async def test_observations_end_with_the_status() -> None:
    observer = Recorder()
    async with serving(FakeDesk(), observer=observer) as server, Client(server.address) as client:
        await client.route("hi")
        await failing(client.route(Query()))
        await client.stream_complete("hi").completion()
    assert [method.rpartition("/")[2] for method, _ in observer.started] == ["Route", "Route", "StreamComplete"]
    assert [code for code, _ in observer.over] == ["OK", "INVALID_ARGUMENT", "OK"]
