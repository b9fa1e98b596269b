"""Whatever conversation the contract allows, each API is sent what its documentation allows."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from frontdesk.v1 import chat_pb2, router_service_pb2
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.backends.bedrock_request import converse_body
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.backends.profiles import profile_of
from frontdesk_server.backends.responses_request import response_body
from frontdesk_server.config.clouds import BedrockFamily
from frontdesk_server.config.pool import OpenAIBackendConfig
from frontdesk_server.domain.adjusting import adjusted
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.call import Caller
from frontdesk_server.domain.decision import ExclusionReason
from frontdesk_server.domain.errors import UpstreamRequestRefused
from frontdesk_server.domain.model import Deployment
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.query import MediaPart, Query, Role, TextPart, ToolCall, ToolResult
from frontdesk_server.routing.filters import demands_of
from frontdesk_server.routing.selection import Outlook
from frontdesk_server.rpc.decode import decode_query
from frontdesk_server.rpc.validation import validate_query_request
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.fakes import a_model
from tests.histories import queries
from tests.profiles import ANTHROPIC, BEDROCK, BEDROCK_CLAUDE, RESPONSES, profile_at
from tests.upstream import anthropic_rules, bedrock, openai_rules, responses
from tests.upstream.openai_rules import Strictness

_APIS: dict[str, tuple[str, Strictness]] = {
    "anything compatible": (
        "http://127.0.0.1:8000/v1",
        Strictness(assistant_fields=frozenset({"reasoning_content"})),
    ),
    "OpenAI": ("https://api.openai.com/v1", Strictness(re.compile(r".{1,40}", re.DOTALL))),
    "Groq": ("https://api.groq.com/openai/v1", Strictness(assistant_fields=frozenset({"reasoning"}))),
    "Mistral": (
        "https://api.mistral.ai/v1",
        Strictness(
            re.compile("[a-zA-Z0-9]{9}"),
            after={"tool": frozenset({"user", "system"}), "assistant": frozenset({"system"})},
            empty_answers=False,
        ),
    ),
    "Perplexity": (
        "https://api.perplexity.ai",
        Strictness(
            after={
                None: frozenset({"assistant", "tool"}),
                "system": frozenset({"assistant", "tool"}),
                "user": frozenset({"user", "system", "tool"}),
                "assistant": frozenset({"assistant", "system"}),
                "tool": frozenset({"user", "system"}),
            },
            empty_answers=False,
        ),
    ),
}

_OPUS = profile_at("anthropic", "api.anthropic.com", "claude-opus-4-8")


def _decoded(query: chat_pb2.Query) -> Query:
    validate_query_request(router_service_pb2.RouteRequest(query=query))
    return decode_query(query)


def _call(query: Query, url: str, *, stream: bool) -> BackendCall:
    profile = profile_of(OpenAIBackendConfig.model_validate({"kind": "openai", "base_url": url}), "m")
    adapted, _ = adjusted(query, profile)
    return BackendCall("m", adapted, stream, profile=profile)


def _said(query: Query) -> list[str]:
    """Every text and every result that must arrive in some form."""
    texts = [
        part.text if isinstance(part, TextPart) else part.content
        for message in query.messages
        for part in message.parts
        if isinstance(part, TextPart | ToolResult)
    ]
    return [text for text in texts if text.strip()]


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for child in children for text in _strings(child)]


def _arrived(query: Query, body: dict[str, Any]) -> bool:
    whole = "\n".join(_strings(body))
    return all(text in whole for text in _said(query))


@settings(max_examples=300, deadline=None)
@given(queries(), st.sampled_from([None, 1500, 32_000]), st.sampled_from([ANTHROPIC, _OPUS]))
def test_anthropic_is_sent_what_it_documents_or_the_model_is_excluded(
    query: chat_pb2.Query, max_output_tokens: int | None, profile: Profile
) -> None:
    decoded = _decoded(query)
    places = (Deployment("b", "m", profile=profile),)
    model = replace(a_model("m"), deployments=places, context_window=1_000_000, max_output_tokens=max_output_tokens)
    demands = demands_of(decoded, RoutingPolicy(), Caller(), 100)
    exclusion = demands.exclusion(model, Outlook(None, None))
    bound = model.output_bound(decoded.generation.max_output_tokens, 100)
    adapted, _ = adjusted(decoded, profile)
    call = BackendCall("m", adapted, stream=True, max_output_tokens=bound, profile=profile)
    if exclusion is not None:
        event("excluded")
        if exclusion.reason is ExclusionReason.CAPABILITY:
            with pytest.raises(UpstreamRequestRefused):
                messages_body(call, 4096)
        return
    body = messages_body(call, 4096)
    assert anthropic_rules.broken_rules(body) == []
    assert body == messages_body(call, 4096)
    assert max_output_tokens is None or body["max_tokens"] <= max_output_tokens
    assert _arrived(decoded, body)
    calls = [block for turn in body["messages"] for block in turn["content"] if block["type"] == "tool_use"]
    assert len(calls) == _count(decoded, ToolCall)


@settings(max_examples=200, deadline=None)
@given(queries(), st.sampled_from([None, 1500, 32_000]), st.sampled_from(["claude", "other"]))
def test_bedrock_is_sent_what_it_documents_or_the_model_is_excluded(
    query: chat_pb2.Query, max_output_tokens: int | None, family: BedrockFamily
) -> None:
    decoded = _decoded(query)
    profile = BEDROCK_CLAUDE if family == "claude" else BEDROCK
    places = (Deployment("b", "m", profile=profile),)
    model = replace(a_model("m"), deployments=places, context_window=1_000_000, max_output_tokens=max_output_tokens)
    demands = demands_of(decoded, RoutingPolicy(), Caller(), 100)
    exclusion = demands.exclusion(model, Outlook(None, None))
    bound = model.output_bound(decoded.generation.max_output_tokens, 100)
    adapted, _ = adjusted(decoded, profile)
    call = BackendCall("m", adapted, stream=True, max_output_tokens=bound, profile=profile)
    if exclusion is not None:
        event("excluded")
        if exclusion.reason is ExclusionReason.CAPABILITY:
            with pytest.raises(UpstreamRequestRefused):
                converse_body(call, family)
        return
    body = converse_body(call, family)
    bedrock.check(body, claude=family == "claude")
    assert body == converse_body(call, family)
    assert _arrived(decoded, body)
    calls = [block for turn in body["messages"] for block in turn["content"] if "toolUse" in block]
    assert len(calls) == _count(decoded, ToolCall)


@settings(max_examples=200, deadline=None)
@given(queries())
def test_responses_are_asked_for_as_documented_or_the_model_is_excluded(query: chat_pb2.Query) -> None:
    decoded = _decoded(query)
    model = replace(a_model("m"), deployments=(Deployment("b", "m", profile=RESPONSES),), context_window=1_000_000)
    exclusion = demands_of(decoded, RoutingPolicy(), Caller(), 100).exclusion(model, Outlook(None, None))
    adapted, _ = adjusted(decoded, RESPONSES)
    call = BackendCall("m", adapted, stream=True, profile=RESPONSES, provider="openai_responses")
    if exclusion is not None:
        event("excluded")
        if exclusion.reason is ExclusionReason.CAPABILITY:
            with pytest.raises(UpstreamRequestRefused):
                response_body(call)
        return
    body = response_body(call)
    if body.get("reasoning", {}).get("effort") != "max":  # which is left to what is known of the model
        responses.check(body)
    assert body == response_body(call)
    assert _arrived(decoded, body)
    assert sum(item.get("type") == "function_call" for item in body["input"]) == _count(decoded, ToolCall)


@settings(max_examples=200, deadline=None)
@given(queries(), st.sampled_from(sorted(_APIS)))
def test_openai_compatible_apis_are_sent_what_they_document(query: chat_pb2.Query, api: str) -> None:
    decoded = _decoded(query)
    url, strictness = _APIS[api]
    body = chat_completion_body(_call(decoded, url, stream=True))
    assert openai_rules.broken_rules(body, strictness) == []
    assert body == chat_completion_body(_call(decoded, url, stream=True))
    assert _arrived(decoded, body)
    assert sum(len(item.get("tool_calls", ())) for item in body["messages"]) == _count(decoded, ToolCall)
    parts = [part for item in body["messages"] if isinstance(item["content"], list) for part in item["content"]]
    assert sum(part["type"] != "text" for part in parts) == _count(decoded, MediaPart)


@settings(max_examples=100, deadline=None)
@given(queries())
def test_a_longer_history_begins_as_the_shorter_one_did(query: chat_pb2.Query) -> None:
    """Providers' prompt caches hold only what is sent again as it was."""
    decoded = _decoded(query)
    longer = Query((*decoded.messages, *_decoded(_CONTINUATION).messages))
    if decoded.messages[-1].role is not Role.USER:
        return
    url = "https://api.mistral.ai/v1"
    short = chat_completion_body(_call(decoded, url, stream=False))["messages"]
    assert chat_completion_body(_call(longer, url, stream=False))["messages"][: len(short)] == short


_CONTINUATION = chat_pb2.Query(
    messages=[
        chat_pb2.Message(
            role=chat_pb2.ROLE_ASSISTANT,
            parts=[chat_pb2.ContentPart(tool_call=chat_pb2.ToolCall(id="0", name="get_weather"))],
        ),
        chat_pb2.Message(
            role=chat_pb2.ROLE_TOOL,
            parts=[chat_pb2.ContentPart(tool_result=chat_pb2.ToolResult(tool_call_id="0", content="rain"))],
        ),
    ]
)


def _count(query: Query, kind: type) -> int:
    return sum(isinstance(part, kind) for message in query.messages for part in message.parts)
