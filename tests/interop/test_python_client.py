"""The Python client's column of the interop table: the cases of its siblings in Go, Java and TypeScript."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest
from frontdesk import (
    AttemptStarted,
    Client,
    Completed,
    FieldViolation,
    FrontdeskError,
    GenerationConfig,
    Query,
    Started,
    TextDelta,
    assistant,
    explain,
    reasons,
    sync,
    system,
    text_of,
    to_json,
    tool_result,
    user,
)
from frontdesk.testing import FakeFrontdesk
from frontdesk.v1.chat_pb2 import ToolCall
from frontdesk.v1.router_service_pb2 import RouteError
from frontdesk.v1.routing_pb2 import ATTEMPT_OUTCOME_CANCELLED, ATTEMPT_OUTCOME_FAILED, Decision
from google.protobuf import json_format
from opentelemetry import trace
from opentelemetry.instrumentation.grpc import aio_client_interceptors
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.interop.table import append_line, required

UTF8_TEXT = "Grüße, 漢字 и 😀\0 e\u0301"
LONG_TEXT = "0123456789abcdef" * (6 * 65_536)
EASY = "What is 2 + 2?"
HARD = (
    "Design a comprehensive multi-agent system for medical diagnosis that covers symptom analysis, differential "
    "diagnoses, treatment recommendations, edge cases like rare diseases, ethical considerations, and the trade-offs "
    "between accuracy and latency."
)
LIMIT_SECONDS = 20.0
Code = grpc.StatusCode

Test = TypeVar("Test", bound=Callable[..., object])


def cell(rpc: str, feature: str) -> Callable[[Test], Test]:
    """Name the cell of the interop table which a test fills; conftest.py records how it went."""

    def mark(test: Test) -> Test:
        test.cell = (rpc, feature)  # type: ignore[attr-defined]
        return test

    return mark


@pytest.fixture
def certificate(environment: dict[str, str]) -> bytes:
    """What the scripted server's TLS port shows."""
    return Path(environment["FRONTDESK_SCRIPTED_CERTIFICATE"]).read_bytes()


@pytest.fixture
async def client(environment: dict[str, str]) -> AsyncIterator[Client]:
    """A client of the scripted server."""
    async with Client(environment["FRONTDESK_SCRIPTED_ADDRESS"], timeout=LIMIT_SECONDS) as client:
        yield client


@pytest.fixture
async def real(environment: dict[str, str]) -> AsyncIterator[Client]:
    """A client of `frontdesk serve` on the embedded pool."""
    async with Client(environment["FRONTDESK_ADDRESS"], timeout=LIMIT_SECONDS) as client:
        yield client


async def failing(call: Awaitable[object], code: grpc.StatusCode, reason: str) -> FrontdeskError:
    with pytest.raises(FrontdeskError) as caught:
        await call
    assert (caught.value.code, caught.value.reason) == (code, reason)
    return caught.value


async def label(client: Client, key: str, name: str) -> str | None:
    """What the scripted server tells of the calls with an affinity key."""
    return (await client.get_decision(key)).labels.get(name)


def seen(decision: Decision) -> Any:
    """What the server saw of a call of the scenario "metadata"."""
    return json.loads(decision.reason)


@cell("Route", "call")
async def test_route(client: Client) -> None:
    decision = await client.route("Hi.")
    assert (decision.model, decision.candidates[0].predicted_quality) == ("small-llm", 0.8)


@cell("Route", "utf-8")
async def test_route_utf8(client: Client) -> None:
    assert (await client.route("Hi.", affinity_key="größe-漢-😀")).decision_id == "größe-漢-😀"


@cell("Route", "newer server")
async def test_route_newer(client: Client) -> None:
    assert int((await client.route("Hi.", router="newer")).path[0].verdict) == 99


@cell("Route", "typed error")
async def test_route_error(client: Client) -> None:
    invalid = await failing(client.route("Hi.", router="error:MESSAGES_EMPTY"), Code.INVALID_ARGUMENT, "MESSAGES_EMPTY")
    assert invalid.violations[0] == FieldViolation(
        "query.messages[0].name", "größe: The query holds no message.", "MESSAGES_EMPTY"
    )
    limited = await failing(client.route("Hi.", router="error:RATE_LIMITED"), Code.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert limited.retry_after_seconds == 1.5


@cell("Route", "retry")
async def test_route_retry(client: Client) -> None:
    await client.route("Hi.", router="flaky:2", affinity_key="py-flaky")
    assert await label(client, "py-flaky", "calls") == "3"


@cell("Route", "retry forbidden")
async def test_route_retry_forbidden(client: Client) -> None:
    call = client.route("Hi.", router="refusing", affinity_key="py-refusing")
    await failing(call, Code.UNAVAILABLE, "UPSTREAM_FAILED")
    assert await label(client, "py-refusing", "calls") == "1"


@cell("Route", "metadata")
async def test_route_metadata(environment: dict[str, str]) -> None:
    target = environment["FRONTDESK_SCRIPTED_ADDRESS"]
    async with Client(target, token="secret", timeout=LIMIT_SECONDS) as client:
        found = seen(await client.route("Hi.", router="metadata"))
    assert found["metadata"]["authorization"] == "Bearer secret"
    assert found["metadata"]["user-agent"].startswith("frontdesk-python")
    assert 1 < found["seconds_left"] <= LIMIT_SECONDS + 1  # gRPC rounds deadlines up on the wire


@cell("Route", "TLS")
async def test_route_tls(environment: dict[str, str], certificate: bytes) -> None:
    target = environment["FRONTDESK_SCRIPTED_TLS_ADDRESS"]
    credentials = grpc.ssl_channel_credentials(certificate)
    async with Client(target, tls=credentials, token="secret", timeout=LIMIT_SECONDS) as trusting:
        found = seen(await trusting.route("Hi.", router="metadata"))
    assert found["metadata"]["authorization"] == "Bearer secret"
    async with Client(target, tls=True, timeout=LIMIT_SECONDS) as distrusting:
        await failing(distrusting.route("Hi."), Code.UNAVAILABLE, "UNAVAILABLE")


@cell("Route", "round robin")
async def test_route_round_robin(environment: dict[str, str]) -> None:
    addresses = [environment["FRONTDESK_SCRIPTED_ADDRESS"], environment["FRONTDESK_SCRIPTED_ADDRESS_2"]]
    async with Client(f"ipv4:{','.join(addresses)}", timeout=LIMIT_SECONDS) as client:
        ports: set[int] = set()
        async with asyncio.timeout(LIMIT_SECONDS):
            while len(ports) < 2:
                ports.add(seen(await client.route("Hi.", router="metadata"))["port"])
    assert {f"127.0.0.1:{port}" for port in ports} == set(addresses)


@cell("Route", "environment")
async def test_route_environment(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTDESK_ADDRESS", environment["FRONTDESK_ADDRESS"])
    monkeypatch.setenv("FRONTDESK_TOKEN", environment["FRONTDESK_TOKEN"])
    async with Client(timeout=LIMIT_SECONDS) as anywhere:
        assert (await anywhere.route(EASY)).model == "small-llm"
    async with Client(environment["FRONTDESK_SCRIPTED_ADDRESS"], timeout=LIMIT_SECONDS) as there:
        found = seen(await there.route("Hi.", router="metadata"))
    assert found["metadata"]["authorization"] == "Bearer of-the-environment"


@cell("Route", "token source")
async def test_route_token_source(environment: dict[str, str]) -> None:
    target = environment["FRONTDESK_SCRIPTED_ADDRESS"]
    tokens = iter(["first", "second\n"])

    async def renewed() -> str:
        return next(tokens)

    async with Client(target, token=renewed, timeout=LIMIT_SECONDS) as client:
        decisions = [
            await client.route("Hi.", router="metadata"),
            (await client.stream_complete("Hi.", router="metadata").completion()).decision,
        ]
        assert [seen(one)["metadata"]["authorization"] for one in decisions] == ["Bearer first", "Bearer second"]
        error = await failing(client.route("Hi."), Code.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert "StopIteration" in error.message or "RuntimeError" in error.message


@cell("Route", "token refused")
async def test_route_token_refused(environment: dict[str, str]) -> None:
    target = environment["FRONTDESK_SCRIPTED_ADDRESS"]
    async with Client(target, token="secret\n", timeout=LIMIT_SECONDS) as client:
        found = seen(await client.route("Hi.", router="metadata"))
    assert found["metadata"]["authorization"] == "Bearer secret"
    with pytest.raises(ValueError, match="the token cannot be sent: character 3 is") as caught:
        Client(target, token="se\ncret")
    assert "cret" not in str(caught.value)


@cell("Route", "untrusted certificate")
async def test_route_untrusted_certificate(environment: dict[str, str]) -> None:
    async with Client(environment["FRONTDESK_SCRIPTED_TLS_ADDRESS"], tls=True, timeout=LIMIT_SECONDS) as client:
        error = await failing(client.route("Hi."), Code.UNAVAILABLE, "UNAVAILABLE")
    assert error.message.startswith("the server's certificate is not trusted (")


@cell("Route", "plaintext against TLS")
async def test_route_plaintext_against_tls(environment: dict[str, str]) -> None:
    async with Client(environment["FRONTDESK_SCRIPTED_TLS_ADDRESS"], timeout=LIMIT_SECONDS) as client:
        error = await failing(client.route("Hi."), Code.UNAVAILABLE, "UNAVAILABLE")
    assert error.message.startswith("the server closes connections in plain text: it may want TLS (")


@cell("Route", "nobody listens")
async def test_route_nobody_listens() -> None:
    async with Client("127.0.0.1:9", timeout=LIMIT_SECONDS) as client:
        error = await failing(client.route("Hi."), Code.UNAVAILABLE, "UNAVAILABLE")
    assert error.message.startswith("nobody listens there (")
    assert "127.0.0.1:9" in error.message


@cell("Route", "closed client")
async def test_route_closed(environment: dict[str, str]) -> None:
    client = Client(environment["FRONTDESK_SCRIPTED_ADDRESS"])
    await client.close()
    await failing(client.route("Hi."), Code.FAILED_PRECONDITION, reasons.CLIENT_CLOSED)
    with pytest.raises(FrontdeskError, match="CLIENT_CLOSED"):
        client.stream_complete("Hi.")


@cell("Route", "JSON")
async def test_route_json(client: Client) -> None:
    written = json.loads(to_json(await client.route("Hi.")))
    assert (written["model"], written["candidates"][0]["predictedQuality"]) == ("small-llm", 0.8)


@cell("RouteBatch", "call")
async def test_route_batch(client: Client) -> None:
    first, second, third = await client.route_batch(["one", Query(), UTF8_TEXT])
    assert isinstance(first, Decision)
    assert isinstance(second, RouteError)
    assert isinstance(third, Decision)
    assert (first.reason, second.field, third.reason) == ("one", "queries[1].messages", UTF8_TEXT)


@cell("RouteBatch", "typed error")
async def test_route_batch_error(client: Client) -> None:
    call = client.route_batch(["one"], router="error:BUDGET_EXHAUSTED")
    error = await failing(call, Code.RESOURCE_EXHAUSTED, "BUDGET_EXHAUSTED")
    assert error.retry_after_seconds == 3600


async def _completes(client: Client, text: str) -> None:
    response = await client.complete(text)
    assert text_of(response.message) == text
    assert response.cost.total_nano_usd == 12_000


@cell("Complete", "call")
async def test_complete(client: Client) -> None:
    await _completes(client, "Hi.")


@cell("Complete", "utf-8")
async def test_complete_utf8(client: Client) -> None:
    await _completes(client, UTF8_TEXT)


@cell("Complete", "large message")
async def test_complete_large(client: Client) -> None:
    await _completes(client, LONG_TEXT)


@cell("Complete", "newer server")
async def test_complete_newer(client: Client) -> None:
    response = await client.complete("Hi.", router="newer")
    assert (int(response.finish_reason), text_of(response.message)) == (99, "Hi.")


@cell("Complete", "typed error")
async def test_complete_error(client: Client) -> None:
    call = client.complete("Hi.", router="error:NO_ELIGIBLE_MODEL")
    error = await failing(call, Code.FAILED_PRECONDITION, "NO_ELIGIBLE_MODEL")
    assert error.metadata == {"small-llm": "capability: tools"}


@cell("Complete", "account of a failure")
async def test_complete_failure(client: Client) -> None:
    call = client.complete("Hi.", router="broken", affinity_key="py-broken")
    account = (await failing(call, Code.UNAVAILABLE, "UPSTREAM_CUT")).failure
    assert account is not None
    assert account.cost.total_nano_usd == 12_000
    assert account.attempts[0].outcome == ATTEMPT_OUTCOME_FAILED
    assert await label(client, "py-broken", "calls") == "1"


@cell("Complete", "deadline exceeded")
async def test_complete_deadline(client: Client) -> None:
    call = client.complete("Hi.", router="silent", affinity_key="py-silent", timeout=0.5)
    error = await failing(call, Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
    assert error.completion_id == "py-silent"
    assert await label(client, "py-silent", "gone") == "true"


@cell("Complete", "cancel")
async def test_complete_cancel(client: Client) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await client.complete("Hi.", router="silent", affinity_key="py-cancelled")
    assert await label(client, "py-cancelled", "gone") == "true"


@cell("Complete", "conversation and settings")
async def test_complete_settings(client: Client) -> None:
    conversation = [system("Be brief."), user("2 + 2?"), assistant("4"), tool_result("c1", "none")]
    answer = await client.complete(conversation, router="settings", max_output_tokens=9, temperature=0)
    query = json_format.Parse(text_of(answer.message), Query())
    assert list(query.messages) == conversation
    assert query.generation == GenerationConfig(max_output_tokens=9, temperature=0)


@cell("StreamComplete", "superseded text")
async def test_stream_superseded(client: Client) -> None:
    stream = client.stream_complete("It is so.", router="superseded")
    text = stream.text()
    assert await anext(text) == "Perhaps it "
    await failing(anext(text), Code.ABORTED, reasons.ANSWER_SUPERSEDED)
    assert [text async for text in stream.text()] == ["It is so."]
    assert text_of((await stream.completion()).message) == "It is so."


@cell("Complete", "fake")
async def test_complete_fake() -> None:
    with FakeFrontdesk() as desk:
        desk.answer("4", model="frontier-llm", tool_calls=[ToolCall(id="c1", name="add", arguments_json="{}")])
        desk.fail(reasons.RATE_LIMITED, Code.RESOURCE_EXHAUSTED, retry_after_seconds=1.5)
        desk.fail(reasons.SHUTTING_DOWN)
        async with Client(desk.address, timeout=LIMIT_SECONDS) as client:
            completion = await client.complete("What is 2 + 2?", temperature=0)
            limited = await failing(client.complete("Hi."), Code.RESOURCE_EXHAUSTED, reasons.RATE_LIMITED)
            await failing(client.route("Hi."), Code.UNAVAILABLE, reasons.SHUTTING_DOWN)
            await client.report_outcome(completion.completion_id, 1.0, source="test")
            recorded = await client.get_decision(completion.completion_id)
            await failing(client.get_decision("nowhere"), Code.NOT_FOUND, reasons.DECISION_NOT_FOUND)
            assert text_of((await client.complete("Hi.")).message) == "An answer."
            assert [model.name for model in await client.list_models()] == ["small-llm", "frontier-llm"]
    assert (completion.model, text_of(completion.message)) == ("frontier-llm", "4")
    assert completion.message.parts[1].tool_call.name == "add"
    assert limited.retry_after_seconds == 1.5
    assert (recorded.cost, recorded.outcomes[0].quality) == (completion.cost, 1.0)
    assert desk.queries[0] == Query(messages=[user("What is 2 + 2?")], generation=GenerationConfig(temperature=0))
    assert len(desk.queries) == 4, "nothing was repeated"


@cell("StreamComplete", "fake")
def test_stream_fake() -> None:
    with FakeFrontdesk() as desk, sync.Client(desk.address, timeout=LIMIT_SECONDS) as client:
        desk.answer("Four it is.")
        desk.break_off("Half an ans")
        assert "".join(client.stream_complete("2 + 2?").text()) == "Four it is."
        broken = client.stream_complete("2 + 2?")
        with pytest.raises(FrontdeskError) as caught:
            broken.completion()
    assert (caught.value.reason, text_of(broken.partial.message)) == (reasons.UPSTREAM_CUT, "Half an ans")
    assert caught.value.completion_id == broken.partial.completion_id
    assert caught.value.failure is not None
    assert caught.value.failure.committed


@cell("StreamComplete", "call")
async def test_stream(client: Client) -> None:
    kinds = [type(event) async for event in client.stream_complete("Hi.")]
    assert kinds == [Started, AttemptStarted, TextDelta, Completed]


@cell("StreamComplete", "fold")
async def test_stream_fold(client: Client) -> None:
    assert await client.stream_complete("Hi.").completion() == await client.complete("Hi.")


@cell("StreamComplete", "utf-8")
async def test_stream_utf8(client: Client) -> None:
    assert text_of((await client.stream_complete(UTF8_TEXT).completion()).message) == UTF8_TEXT


@cell("StreamComplete", "large message")
async def test_stream_large(client: Client) -> None:
    assert text_of((await client.stream_complete(LONG_TEXT).completion()).message) == LONG_TEXT


@cell("StreamComplete", "newer server")
async def test_stream_newer(client: Client) -> None:
    assert text_of((await client.stream_complete("Hi.", router="newer").completion()).message) == "Hi."


@cell("StreamComplete", "typed error")
async def test_stream_error(client: Client) -> None:
    call = client.stream_complete("Hi.", router="error:UNKNOWN_ROUTER").completion()
    assert (await failing(call, Code.NOT_FOUND, "UNKNOWN_ROUTER")).violations[0].field == "policy.router"


@cell("StreamComplete", "partial answer")
async def test_stream_partial(client: Client) -> None:
    stream = client.stream_complete("Half an ans", router="broken", affinity_key="py-partial")
    error = await failing(stream.completion(), Code.UNAVAILABLE, "UPSTREAM_CUT")
    assert text_of(stream.partial.message) == "Half an ans"
    assert error.failure is not None
    assert (error.failure.committed, error.failure.cost.total_nano_usd) == (True, 12_000)
    assert await label(client, "py-partial", "calls") == "1", "it is not repeated"


@cell("StreamComplete", "end without completed")
async def test_stream_incomplete(client: Client) -> None:
    stream = client.stream_complete("Hi.", router="incomplete")
    await failing(stream.completion(), Code.DATA_LOSS, "STREAM_CUT")
    assert text_of(stream.partial.message) == "Hi."


@cell("StreamComplete", "events out of order")
async def test_stream_disordered(client: Client) -> None:
    call = client.stream_complete("Hi.", router="disordered").completion()
    await failing(call, Code.INTERNAL, "STREAM_OUT_OF_ORDER")


@cell("StreamComplete", "deadline exceeded")
async def test_stream_deadline(client: Client) -> None:
    call = client.stream_complete([user("")], router="endless", affinity_key="py-late", timeout=0.5).completion()
    await failing(call, Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
    assert await label(client, "py-late", "gone") == "true"


@cell("StreamComplete", "cancel")
async def test_stream_cancel(client: Client) -> None:
    async with client.stream_complete("", router="endless", affinity_key="py-endless") as stream:
        async for event in stream:
            if isinstance(event, TextDelta):
                break
    assert text_of(stream.partial.message) == "and so on "
    assert await label(client, "py-endless", "gone") == "true"


def _telemetry() -> tuple[TracerProvider, InMemorySpanExporter, list[grpc.aio.ClientInterceptor]]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    interceptors = aio_client_interceptors(tracer_provider=provider)  # type: ignore[no-untyped-call]
    return provider, exporter, interceptors


async def test_the_real_server_is_called_within_a_trace(environment: dict[str, str]) -> None:
    """test_trace_parentage.py finds the server's side."""
    _, exporter, interceptors = _telemetry()
    async with Client(environment["FRONTDESK_ADDRESS"], interceptors=interceptors, timeout=LIMIT_SECONDS) as client:
        await client.route(EASY)
    (span,) = exporter.get_finished_spans()
    context = span.get_span_context()
    assert context is not None
    ids = {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}
    append_line(Path(environment["FRONTDESK_INTEROP_SPANS"]), {"language": "Python"} | ids)


@pytest.mark.parametrize("rpc", ["Route", "StreamComplete"])
async def test_the_servers_span_is_a_child_of_the_callers(
    rpc: str, environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    request.node.cell = (rpc, "trace")
    provider, exporter, interceptors = _telemetry()
    target = environment["FRONTDESK_SCRIPTED_ADDRESS"]
    async with Client(target, interceptors=interceptors, timeout=LIMIT_SECONDS) as client:
        with provider.get_tracer("test").start_as_current_span("caller") as caller:
            if rpc == "Route":
                decision = await client.route("Hi.", router="metadata")
            else:
                decision = (await client.stream_complete("Hi.", router="metadata").completion()).decision
    spans = {span.name: span for span in exporter.get_finished_spans()}
    span = spans[f"/frontdesk.v1.RouterService/{rpc}"]
    assert span.parent == caller.get_span_context()
    context = span.get_span_context()
    assert context is not None
    ids = [trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)]
    assert seen(decision)["metadata"]["traceparent"].split("-")[1:3] == ids


@cell("ReportOutcome", "call")
async def test_report_outcome(client: Client) -> None:
    await client.report_outcome("py-judged", 0.0, source="größe")
    outcome = await client.report_outcome("py-judged", 0.75, source="größe", labels={"k": "v"})
    assert (outcome.quality, dict(outcome.labels)) == (0.75, {"k": "v"})
    (kept,) = (await client.get_decision("py-judged")).outcomes
    assert (kept.source, kept.quality) == ("größe", 0.75)


@cell("ReportOutcome", "typed error")
async def test_report_outcome_error(client: Client) -> None:
    call = client.report_outcome("error:DECISION_NOT_FOUND", 1.0)
    assert (await failing(call, Code.NOT_FOUND, "DECISION_NOT_FOUND")).violations[0].field == "decision_id"


@cell("GetDecision", "call")
async def test_get_decision(client: Client) -> None:
    response = await client.get_decision("01JC3Q9W7T8V5E2N4K6M0P1R3V")
    assert response.decision.decision_id == "01JC3Q9W7T8V5E2N4K6M0P1R3V"
    assert (response.cost.total_nano_usd, len(response.attempts)) == (12_000, 1)


@cell("GetDecision", "typed error")
async def test_get_decision_error(client: Client) -> None:
    call = client.get_decision("error:PERMISSION_DENIED")
    await failing(call, Code.PERMISSION_DENIED, "PERMISSION_DENIED")


@cell("ListModels", "call")
async def test_list_models(client: Client) -> None:
    model = (await client.list_models())[1]
    assert (model.name, model.context_window) == ("größtes-模型", 2**53 + 1)


@cell("ListModels", "newer server")
async def test_list_models_newer(client: Client) -> None:
    assert len(await client.list_models("newer")) == 3


@cell("ListModels", "typed error")
async def test_list_models_error(client: Client) -> None:
    await failing(client.list_models("error:UNAUTHENTICATED"), Code.UNAUTHENTICATED, "UNAUTHENTICATED")


@cell("Route", "real server")
async def test_real_route(real: Client) -> None:
    decision = await real.route(EASY, labels={"team": "größe"})
    assert decision.model == "small-llm"
    assert explain(decision).startswith("small-llm: ")


@cell("Route", "real server: typed error")
async def test_real_route_error(real: Client) -> None:
    error = await failing(real.route(EASY, router="nowhere"), Code.NOT_FOUND, "UNKNOWN_ROUTER")
    assert error.violations[0].field == "policy.router"


@cell("RouteBatch", "real server")
async def test_real_route_batch(real: Client) -> None:
    first, second, third = await real.route_batch([EASY, Query(), HARD])
    assert isinstance(first, Decision)
    assert isinstance(second, RouteError)
    assert isinstance(third, Decision)
    assert (first.model, second.reason, third.model) == ("small-llm", "MESSAGES_EMPTY", "frontier-llm")


@cell("Complete", "real server")
async def test_real_complete(real: Client) -> None:
    completion = await real.complete(EASY)
    assert completion.completion_id == completion.decision.decision_id
    assert text_of(completion.message)
    assert completion.cost.total_nano_usd > 0


@cell("StreamComplete", "real server")
async def test_real_stream(real: Client) -> None:
    stream = real.stream_complete(EASY)
    kinds = [type(event) async for event in stream]
    assert (kinds[0], kinds[-1]) == (Started, Completed)
    assert TextDelta in kinds
    assert text_of(stream.partial.message) == text_of((await real.complete(EASY)).message)


@cell("StreamComplete", "real server: cancel")
async def test_real_cancel(real: Client) -> None:
    async with real.stream_complete(HARD) as stream:
        async for event in stream:
            if isinstance(event, TextDelta):
                break
    async with asyncio.timeout(LIMIT_SECONDS):
        while not (attempts := (await real.get_decision(stream.partial.completion_id)).attempts):
            pass
    assert attempts[0].outcome == ATTEMPT_OUTCOME_CANCELLED


@cell("ReportOutcome", "real server")
async def test_real_report_outcome(real: Client) -> None:
    decision = await real.route(EASY)
    await real.report_outcome(decision.decision_id, 0.25, source="python")
    assert (await real.report_outcome(decision.decision_id, 0.5, source="python")).quality == 0.5


@cell("GetDecision", "real server")
async def test_real_get_decision(real: Client) -> None:
    completion = await real.complete(EASY)
    await real.report_outcome(completion.completion_id, 0.5, source="python")
    recorded = await real.get_decision(completion.completion_id)
    assert recorded.cost.total_nano_usd == completion.cost.total_nano_usd
    assert recorded.outcomes[0].quality == 0.5


@cell("ListModels", "real server")
async def test_real_list_models(real: Client) -> None:
    names = [model.name for model in await real.list_models()]
    assert names == ["code-llm", "frontier-llm", "mid-llm", "small-llm"]


def test_no_row_of_the_table_is_left_out() -> None:
    filled = {test.cell for test in globals().values() if hasattr(test, "cell")}
    assert set(required()) - filled == {("Route", "trace"), ("StreamComplete", "trace")}, "one test fills both"
