"""Azure OpenAI and Vertex AI against servers that refuse what the real ones refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import yaml
from frontdesk_server.assembly.pool import build_pool
from frontdesk_server.backends import build_backend
from frontdesk_server.backends.profiles import profile_of
from frontdesk_server.config.loading import parse_config
from frontdesk_server.config.pool import BackendConfig
from frontdesk_server.domain.backend import Backend, BackendCall
from frontdesk_server.domain.errors import (
    UpstreamCredentialsRefused,
    UpstreamError,
    UpstreamRequestRefused,
)
from frontdesk_server.domain.events import BackendEvent, Finished, ReasoningDelta, TextDelta, ToolCallDelta
from frontdesk_server.domain.model import Capability
from frontdesk_server.domain.objections import objection
from frontdesk_server.domain.query import GenerationConfig, MediaPart, Message, Query, Role, TextPart, Tool, text_query
from frontdesk_server.domain.usage import FinishReason
from pydantic import TypeAdapter

from tests.profiles import ANTHROPIC, profile_at
from tests.service import pool_config
from tests.sink import each
from tests.upstream import Script
from tests.upstream.clouds import FILTERED, AzureOpenAI, VertexAI
from tests.upstream.loopback import Loopback, RawAnswer, RawRequest

CONFIG: TypeAdapter[BackendConfig] = TypeAdapter(BackendConfig)
AZURE = {"kind": "azure_openai", "api_key": "azure-key-123"}
AZURE_FORMS = {
    "v1": AZURE,
    "deployments": {**AZURE, "api_version": "2024-10-21"},
}
VERTEX = {"project": "project", "location": "europe-west1", "api_key": "token"}
MODELS = {
    "azure_openai": "small-deployment",
    "vertex_gemini": "gemini-2.5-flash",
    "vertex_claude": "claude-sonnet-4-5@20250929",
}
BACKENDS: list[dict[str, Any]] = [
    *AZURE_FORMS.values(),
    {**AZURE, "root": "/openai"},
    {**AZURE, "root": "/openai/v1/"},
    {"kind": "vertex_gemini", **VERTEX},
    {"kind": "vertex_claude", **VERTEX},
]


@asynccontextmanager
async def backend_at(server: Loopback, settings: dict[str, Any]) -> AsyncIterator[Backend]:
    root = settings.get("root", "")
    config = {"base_url": f"{server.url}{root}", **{k: v for k, v in settings.items() if k != "root"}}
    backend = build_backend("b", CONFIG.validate_python(config), {})
    try:
        yield backend
    finally:
        await backend.aclose()


def server_of(kind: str, script: Script | None = None) -> Callable[[RawRequest], RawAnswer]:
    script = script or Script()
    return AzureOpenAI(script=script) if kind == "azure_openai" else VertexAI(script=script)


def call_of(settings: dict[str, Any], *, stream: bool = True, query: Query | None = None) -> BackendCall:
    model = MODELS[settings["kind"]]
    config = {"base_url": "https://a.test", **{k: v for k, v in settings.items() if k != "root"}}
    profile = profile_of(CONFIG.validate_python(config), model)
    return BackendCall(model, query or text_query("What is 2 + 2?"), stream, profile=profile)


async def events_of(backend: Backend, call: BackendCall) -> list[BackendEvent]:
    async with aclosing(each(backend.stream(call))) as events:
        return [event async for event in events]


@pytest.mark.parametrize("http2", [False, True], ids=["aiohttp", "httpcore"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
@pytest.mark.parametrize("settings", BACKENDS, ids=str)
async def test_an_answer_comes_whole_with_usage(settings: dict[str, Any], stream: bool, http2: bool) -> None:
    script = Script(reasoning="Hm.", cached_tokens=4)
    settings = {**settings, "http2": http2}
    async with Loopback(server_of(settings["kind"], script)) as server, backend_at(server, settings) as backend:
        events = await events_of(backend, call_of(settings, stream=stream))
    end = events[-1]
    assert isinstance(end, Finished)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == script.text
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "Hm."
    assert end.finish_reason is FinishReason.STOP
    assert (end.usage.input_tokens, end.usage.cache_read_tokens, end.usage.output_tokens) == (11, 4, 5)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
@pytest.mark.parametrize("settings", BACKENDS, ids=str)
async def test_a_tool_is_called(settings: dict[str, Any], stream: bool) -> None:
    script = Script(tool_name="add", tokens=('{"a"', ": 2, ", '"b": 2}'))
    query = replace(text_query("What is 2 + 2?"), tools=(Tool("add", "Adds.", '{"type":"object","properties":{}}'),))
    async with Loopback(server_of(settings["kind"], script)) as server, backend_at(server, settings) as backend:
        events = await events_of(backend, call_of(settings, stream=stream, query=query))
    deltas = [event for event in events if isinstance(event, ToolCallDelta)]
    assert "".join(delta.arguments_json for delta in deltas).replace(" ", "") == '{"a":2,"b":2}'
    end = events[-1]
    assert isinstance(end, Finished)
    assert end.finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("settings", BACKENDS, ids=str)
async def test_a_limit_of_the_answer_is_taken(settings: dict[str, Any]) -> None:
    query = text_query("hi", GenerationConfig(max_output_tokens=7))
    async with Loopback(server_of(settings["kind"])) as server, backend_at(server, settings) as backend:
        await events_of(backend, call_of(settings, query=query))
    body = server.requests[0].json
    assert body.get("max_tokens", body.get("max_completion_tokens")) == 7


@pytest.mark.parametrize(
    ("settings", "target"),
    [
        (AZURE, "/openai/v1/chat/completions"),
        (AZURE_FORMS["deployments"], "/openai/deployments/small-deployment/chat/completions?api-version=2024-10-21"),
        (
            {"kind": "vertex_gemini", **VERTEX},
            "/v1/projects/project/locations/europe-west1/endpoints/openapi/chat/completions",
        ),
        (
            {"kind": "vertex_claude", **VERTEX},
            "/v1/projects/project/locations/europe-west1/publishers/anthropic/models/"
            "claude-sonnet-4-5@20250929:streamRawPredict",
        ),
    ],
    ids=["azure v1", "azure deployments", "gemini", "claude"],
)
async def test_requests_go_to_the_documented_address(settings: dict[str, Any], target: str) -> None:
    async with Loopback(server_of(settings["kind"])) as server, backend_at(server, settings) as backend:
        await events_of(backend, call_of(settings))
    assert server.requests[0].target == target


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://aiplatform.googleapis.com"),
        ({"location": "europe-west1"}, "https://europe-west1-aiplatform.googleapis.com"),
        ({"location": "eu"}, "https://aiplatform.eu.rep.googleapis.com"),
        ({"location": "eu", "base_url": "https://private.test/"}, "https://private.test"),
    ],
)
def test_vertex_knows_the_address_of_a_location(settings: dict[str, Any], address: str) -> None:
    config = CONFIG.validate_python({"kind": "vertex_claude", "project": "p", **settings})
    location = settings.get("location", "global")
    assert getattr(config, "root") == f"{address}/v1/projects/p/locations/{location}"  # noqa: B009


def test_vertex_signs_on_with_what_the_machine_has() -> None:
    config = CONFIG.validate_python({"kind": "vertex_gemini", "project": "p"})
    assert getattr(config, "signs_on").kind == "google_adc"  # noqa: B009


async def test_azure_takes_tokens_of_entra_as_bearer_tokens() -> None:
    async with Loopback(AzureOpenAI(keys=(), tokens=("entra",))) as server:
        settings = {"kind": "azure_openai", "headers": {"authorization": "Bearer entra"}}
        async with backend_at(server, settings) as backend:
            await events_of(backend, call_of(settings))


async def test_what_azures_filter_stops_on_the_way_ends_as_such() -> None:
    script = Script(finish_reason="content_filter")
    async with Loopback(AzureOpenAI(script=script)) as server, backend_at(server, AZURE) as backend:
        for stream in (True, False):
            end = (await events_of(backend, call_of(AZURE, stream=stream)))[-1]
            assert isinstance(end, Finished)
            assert end.finish_reason is FinishReason.CONTENT_FILTER


REFUSED: list[tuple[dict[str, Any], str, Query, type[UpstreamError]]] = [
    ({**AZURE, "api_key": "azure-key-other"}, "", text_query("hi"), UpstreamCredentialsRefused),
    (AZURE, "unknown-deployment", text_query("hi"), UpstreamRequestRefused),
    (AZURE, "", text_query(f"say {FILTERED}"), UpstreamRequestRefused),
    ({**AZURE, "api_version": "latest"}, "", text_query("hi"), UpstreamRequestRefused),
    ({**AZURE, "max_tokens_field": "max_tokens"}, "", text_query("hi", GenerationConfig(9)), UpstreamRequestRefused),
    ({"kind": "vertex_gemini", **VERTEX, "api_key": "token-other"}, "", text_query("hi"), UpstreamCredentialsRefused),
    ({"kind": "vertex_gemini", **VERTEX, "project": "other"}, "", text_query("hi"), UpstreamCredentialsRefused),
    ({"kind": "vertex_gemini", **VERTEX}, "publisher/unknown", text_query("hi"), UpstreamRequestRefused),
    ({"kind": "vertex_claude", **VERTEX}, "claude-unknown", text_query("hi"), UpstreamRequestRefused),
    ({"kind": "vertex_claude", **VERTEX, "version": "2023-06-01"}, "", text_query("hi"), UpstreamRequestRefused),
]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "unary"])
@pytest.mark.parametrize(("settings", "model", "query", "expected"), REFUSED)
async def test_a_refusal_becomes_its_error(
    settings: dict[str, Any], model: str, query: Query, expected: type[UpstreamError], stream: bool
) -> None:
    call = call_of(settings, stream=stream, query=query)
    call = replace(call, upstream_model=model or call.upstream_model)
    async with Loopback(server_of(settings["kind"])) as server, backend_at(server, settings) as backend:
        with pytest.raises(UpstreamError) as caught:
            await events_of(backend, call)
    assert type(caught.value) is expected
    assert "azure-key" not in caught.value.quoted


def test_claude_on_vertex_is_not_chosen_for_what_it_refuses() -> None:
    image = Message(Role.USER, (TextPart("What is it?"), MediaPart("image/png", uri="https://a.test/cat.png")))
    assert "bytes only" in str(objection(profile_at("vertex_claude", "", "m"), Query((image,))))
    assert objection(ANTHROPIC, Query((image,))) is None
    built = build_backend("b", CONFIG.validate_python({"kind": "vertex_claude", **VERTEX}), {})
    assert Capability.JSON_SCHEMA not in built.capabilities


@pytest.mark.parametrize(
    ("settings", "dialects"),
    [
        (AZURE, {"azure_openai", "openai"}),
        ({"kind": "vertex_gemini", "project": "p"}, {"vertex_gemini", "openai"}),
        ({"kind": "vertex_claude", "project": "p"}, {"vertex_claude", "anthropic"}),
    ],
    ids=["azure_openai", "vertex_gemini", "vertex_claude"],
)
def test_options_for_the_api_that_a_cloud_speaks_hold_there_too(settings: dict[str, Any], dialects: set[str]) -> None:
    config = pool_config("http://127.0.0.1:9")
    address = {"base_url": "http://127.0.0.1:9"} if settings["kind"] == "azure_openai" else {}
    config["backends"] = {"upstream": {**settings, **address}}
    loaded = parse_config(yaml.safe_dump(config), "frontdesk.yaml", {})
    (deployment,) = build_pool(loaded.config)["small"].deployments
    assert deployment.dialects == dialects
