"""Every field of the contract is converted, and to the right place."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from frontdesk.v1 import chat_pb2, router_service_pb2, routing_pb2
from frontdesk_server.domain import events, query
from frontdesk_server.domain.decision import StepKind
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.provider import ProviderBlock, ProviderState
from frontdesk_server.domain.usage import Cost, FinishReason, Usage
from frontdesk_server.rpc import decode, encode, encode_messages
from frontdesk_server.rpc.encode_events import encode_event
from frontdesk_server.rpc.validation import validate_query_request
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given

from tests import full_values as full
from tests.arbitrary import valid_policies, valid_queries

NOT_IN_DOMAIN = {
    # Where the contract says it in another shape; each has its own test below.
    "Candidate": {"exclusion_reason", "exclusion_detail", "exclusion_retry_after"},
    "Signals": {"text_characters"},
    "Model": {"backend", "upstream_model", "available"},
    "Prices": {"changes"},
    "Completed": {"cost", "attempts"},
    "Started": {"completion_id"},
    "CompletionFailure": {"completion_id"},
    "ToolChoice": {"mode"},
}
UNREAD = {"citations"}
"""Ignored in requests."""


_OF_TEXT = ("refusal", "citations")


def differences(message: Message, value: Any, path: str = "") -> Iterator[str]:
    """Fields of the message that are not what the domain value has under the same name."""
    if isinstance(message, chat_pb2.ContentPart | chat_pb2.ToolResultPart | chat_pb2.ResponseFormat):
        yield from arm_differences(message, value, path)
        return
    for field in message.DESCRIPTOR.fields:
        at = f"{path}.{field.name}"
        if field.name in NOT_IN_DOMAIN.get(message.DESCRIPTOR.name, ()):
            continue
        if not hasattr(value, field.name) and not hasattr(value, f"{field.name}_seconds"):
            yield f"{at} has no counterpart"
            continue
        expected = getattr(value, field.name, None)
        if expected is None:
            expected = getattr(value, f"{field.name}_seconds", None)
        yield from field_differences(cast("FieldDescriptor", field), message, expected, at)


def arm_differences(message: Message, value: Any, path: str) -> Iterator[str]:
    """Of a message that is one of several, and of what stands beside that one."""
    (oneof,) = (oneof for oneof in message.DESCRIPTOR.oneofs if len(oneof.fields) > 1)
    arm = message.WhichOneof(oneof.name)
    assert arm is not None
    inner = getattr(message, arm)
    if arm == "text":
        if not isinstance(value, query.TextPart) or inner != value.text:
            yield f"{path}.text is {inner!r}, not {value!r}"
    elif arm == "provider_block":
        yield from differences(inner, value.block, f"{path}.{arm}")
    else:
        yield from differences(inner, value, f"{path}.{arm}")
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof is not oneof and (arm == "text" or field.name not in _OF_TEXT):
            expected = getattr(value, field.name)
            yield from field_differences(cast("FieldDescriptor", field), message, expected, f"{path}.{field.name}")


def field_differences(field: FieldDescriptor, message: Message, expected: Any, at: str) -> Iterator[str]:
    if field.has_presence and not message.HasField(field.name):
        if expected not in (None, False, 0, ""):
            yield f"{at} is unset, not {expected!r}"
        return
    actual = getattr(message, field.name)
    if field.enum_type is not None and expected is None and actual == 0:
        return  # unspecified
    if field.is_repeated and not isinstance(expected, Mapping):
        if len(actual) != len(expected):
            yield f"{at} has {len(actual)} entries, not {len(expected)}"
            return
        pairs = zip(actual, expected, strict=True)
        if isinstance(expected, frozenset):
            assert sorted(normal(field, a) for a in actual) == sorted(normal(field, e) for e in expected), at
            return
        for index, (one, other) in enumerate(pairs):
            yield from value_differences(field, one, other, f"{at}[{index}]")
    else:
        yield from value_differences(field, actual, expected, at)


def value_differences(field: FieldDescriptor, actual: Any, expected: Any, at: str) -> Iterator[str]:
    if isinstance(actual, Message) and not isinstance(actual, Duration | Timestamp):
        if not dataclasses.is_dataclass(expected):
            yield f"{at} should be {expected!r}"
            return
        yield from differences(actual, expected, at)
    elif normal(field, actual) != normal(field, expected):
        yield f"{at} is {actual!r}, not {expected!r}"


def normal(field: FieldDescriptor, value: Any) -> Any:
    if isinstance(value, Duration):
        return value.ToNanoseconds() / 1e9
    if isinstance(value, Timestamp):
        return value.ToNanoseconds()
    if isinstance(value, datetime):
        return round(value.timestamp() * 1e6) * 1000
    if isinstance(value, enum.Enum):
        return value.name
    if field.enum_type is not None and isinstance(value, int):
        name = field.enum_type.values_by_number[value].name
        unspecified = field.enum_type.values_by_number[0].name
        return name.removeprefix(unspecified.removesuffix("UNSPECIFIED"))
    return dict(value) if isinstance(value, Mapping) else value


def unset(message: Message, path: str = "") -> Iterator[str]:
    """Fields without a value, oneofs aside."""
    for field in message.DESCRIPTOR.fields:
        at = f"{path}.{field.name}"
        value = getattr(message, field.name)
        if field.containing_oneof is not None and len(field.containing_oneof.fields) > 1:
            continue
        if field.has_presence:
            if not message.HasField(field.name):
                yield at
        elif not value:
            yield at


@pytest.mark.parametrize(
    ("message", "value"),
    [
        (encode.encode_decision(full.DECISION), full.DECISION),
        (encode.encode_attempt(full.ATTEMPT), full.ATTEMPT),
        (encode.encode_usage(full.USAGE), full.USAGE),
        (encode.encode_cost(full.COST), full.COST),
        (encode_messages.encode_message(full.MESSAGE), full.MESSAGE),
        (encode.encode_logprobs(full.LOGPROBS)[0], full.LOGPROBS[0]),
        (encode.encode_outcome(full.OUTCOME), full.OUTCOME),
        (encode.encode_model(full.MODEL, True), full.MODEL),
        (encode.encode_failure(full.SETTLEMENT, full.DECISION_ID), full.SETTLEMENT),
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_every_field_of_a_domain_value_reaches_the_message(message: Message, value: Any) -> None:
    assert list(differences(message, value)) == []
    assert list(unset(message)) == []


EVENTS: list[tuple[str, events.CompletionEvent]] = [
    ("started", events.Started(full.DECISION)),
    ("attempt_started", events.AttemptStarted(1, "code", StepKind.FALLBACK)),
    ("text_delta", events.TextDelta("Hi", full.LOGPROBS, 2, refusal=True)),
    ("reasoning_delta", events.ReasoningDelta("hm", "signed", "redacted", 3, "anthropic")),
    ("tool_call_delta", events.ToolCallDelta(1, "call-1", "search", "{}", 4)),
    ("attempt_ended", events.AttemptEnded(full.ATTEMPT, "frontier", superseded=True)),
    ("completed", events.Completed("code", FinishReason.CONTENT_FILTER, full.USAGE, full.SETTLEMENT)),
    ("provider_block_delta", events.ProviderBlockDelta(ProviderBlock("anthropic", "{}"), 5)),
    ("provider_state_delta", events.ProviderStateDelta(ProviderState("openai", "{}"), 6)),
    ("citation_delta", events.CitationDelta(full.CITATION, 7)),
]


@pytest.mark.parametrize(("name", "event"), EVENTS)
def test_every_event_is_encoded_whole(name: str, event: events.CompletionEvent) -> None:
    response = encode_event(event)
    assert response.WhichOneof("event") == name
    message = getattr(response, name)
    assert list(differences(message, event)) == []
    assert list(unset(message)) == []


def test_every_event_of_the_contract_is_covered() -> None:
    fields = router_service_pb2.StreamCompleteResponse.DESCRIPTOR.oneofs_by_name["event"].fields
    assert [name for name, _ in EVENTS] == [field.name for field in fields]


def test_what_the_contract_shapes_differently() -> None:
    decision = encode.encode_decision(full.DECISION)
    assert decision.signals.text_characters == full.SIGNALS.text_characters
    chosen, excluded = decision.candidates
    assert chosen.exclusion_reason == routing_pb2.EXCLUSION_REASON_UNSPECIFIED
    assert excluded.exclusion_reason == routing_pb2.EXCLUSION_REASON_CONTEXT_WINDOW
    assert excluded.exclusion_detail == "needs 9,000 tokens of 8,192"
    assert excluded.exclusion_retry_after.ToNanoseconds() == 1_500_000_000
    model = encode.encode_model(full.MODEL, False)
    assert (model.backend, model.upstream_model, model.available) == ("openai", "code-2026-01", False)
    (change,) = model.prices.changes
    assert change.effective_at.ToDatetime(UTC) == full.INSTANT
    assert change.prices.service_tiers[0].service_tier == "flex"
    completed = encode_event(dict(EVENTS)["completed"]).completed
    assert (completed.cost, list(completed.attempts)) == (
        encode.encode_cost(full.COST),
        [encode.encode_attempt(full.ATTEMPT)],
    )
    assert encode_event(EVENTS[0][1]).started.completion_id == full.DECISION_ID
    assert encode.encode_failure(full.SETTLEMENT, "X").completion_id == "X"


def test_unknown_stays_unset_and_is_not_zero() -> None:
    usage = encode.encode_usage(Usage(input_tokens=0))
    assert usage.HasField("input_tokens")
    assert not usage.HasField("output_tokens")
    cost = encode.encode_cost(Cost(None, 0, 0))
    assert not cost.HasField("total_nano_usd")
    assert cost.HasField("checks_nano_usd")


def full_query() -> chat_pb2.Query:
    image = chat_pb2.Media(mime_type="image/png", data=b"\x89PNG", filename="a.png", detail=chat_pb2.IMAGE_DETAIL_HIGH)
    block = chat_pb2.ProviderBlock(dialect="anthropic", json='{"type": "x"}')
    options = [chat_pb2.ProviderOptions(dialect="openai", options_json='{"a": 1}', required=True)]
    state = [chat_pb2.ProviderState(dialect="openai", json='{"b": 2}')]
    hint = chat_pb2.CacheHint(ttl=Duration(seconds=300, nanos=500_000_000))
    results = [
        chat_pb2.ToolResultPart(text="found"),
        chat_pb2.ToolResultPart(media=image),
        chat_pb2.ToolResultPart(provider_block=block),
    ]
    parts = [
        chat_pb2.ContentPart(text="Look", provider_options=options, cache_hint=hint, provider_state=state),
        chat_pb2.ContentPart(provider_block=block),
        chat_pb2.ContentPart(text="I will not look", refusal=True),
        chat_pb2.ContentPart(media=image),
        chat_pb2.ContentPart(media=chat_pb2.Media(mime_type="image/png", uri="https://example.org/a.png")),
        chat_pb2.ContentPart(tool_call=chat_pb2.ToolCall(id="1", name="search", arguments_json='{"a": 1}')),
        chat_pb2.ContentPart(tool_result=chat_pb2.ToolResult(tool_call_id="1", content="none", is_error=True)),
        chat_pb2.ContentPart(tool_result=chat_pb2.ToolResult(tool_call_id="1", parts=results)),
        chat_pb2.ContentPart(reasoning=chat_pb2.Reasoning(text="hm", signature="s", redacted_data="r", dialect="d")),
    ]
    schema = chat_pb2.JsonSchemaFormat(name="out", schema_json="{}", description="d", strict=True)
    return chat_pb2.Query(
        messages=[
            chat_pb2.Message(
                role=role, parts=parts, name="n", provider_options=options, cache_hint=hint, provider_state=state
            )
            for role in chat_pb2.Role.values()[1:]
        ],
        tools=[
            chat_pb2.Tool(
                name="search",
                description="finds",
                parameters_json="{}",
                strict=False,
                provider_options=options,
                cache_hint=hint,
            ),
            chat_pb2.Tool(provider_tool=block),
        ],
        provider_options=options,
        tool_choice=chat_pb2.ToolChoice(tool_name="search"),
        generation=chat_pb2.GenerationConfig(
            max_output_tokens=1,
            temperature=0.0,
            top_p=0.5,
            stop_sequences=["a", "b"],
            seed=-3,
            frequency_penalty=-1.5,
            presence_penalty=1.5,
            logprobs=True,
            top_logprobs=5,
            response_format=chat_pb2.ResponseFormat(json_schema=schema),
            reasoning_effort=chat_pb2.REASONING_EFFORT_HIGH,
            reasoning_budget_tokens=2048,
            parallel_tool_calls=False,
            top_k=40,
        ),
        user_id="u-7",
    )


def test_every_field_of_a_query_is_decoded() -> None:
    message = full_query()
    assert list(differences(message, decode.decode_query(message))) == []
    assert list(unset(message.generation)) == []


def test_citations_are_not_decoded() -> None:
    part = chat_pb2.ContentPart(text="Look", citations=[chat_pb2.Citation(uri="https://example.org/a")])
    message = chat_pb2.Message(role=chat_pb2.ROLE_ASSISTANT, parts=[part])
    assert decode.decode_message(message).parts == (query.TextPart("Look"),)


def test_every_field_of_a_policy_is_decoded() -> None:
    policy = routing_pb2.RoutingPolicy(
        router="support",
        quality_floor=0.0,
        cost_weight=0.1,
        latency_weight=0.2,
        max_cost_nano_usd=3,
        max_time_to_first_token=Duration(seconds=1, nanos=500_000_000),
        allowed_models=["a", "b"],
        excluded_models=["c"],
        required_capabilities=routing_pb2.Capability.values()[1:],
        affinity_key="k",
        max_attempts=2,
    )
    assert list(unset(policy)) == []
    assert list(differences(policy, decode.decode_policy(policy))) == []


def test_an_empty_request_takes_every_default() -> None:
    assert decode.decode_policy(routing_pb2.RoutingPolicy()) == RoutingPolicy()
    message = chat_pb2.Message(role=chat_pb2.ROLE_USER, parts=[chat_pb2.ContentPart(text="hi")])
    assert decode.decode_query(chat_pb2.Query(messages=[message])) == query.text_query("hi")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (chat_pb2.ToolChoice(mode=chat_pb2.ToolChoice.MODE_NONE), query.ToolChoice(query.ToolChoiceMode.NONE)),
        (chat_pb2.ToolChoice(mode=chat_pb2.ToolChoice.MODE_REQUIRED), query.ToolChoice(query.ToolChoiceMode.REQUIRED)),
        (chat_pb2.ToolChoice(mode=chat_pb2.ToolChoice.MODE_UNSPECIFIED), None),
        (chat_pb2.ToolChoice(tool_name="f"), query.ToolChoice(tool_name="f")),
    ],
)
def test_tool_choices(choice: chat_pb2.ToolChoice, expected: query.ToolChoice | None) -> None:
    assert decode.decode_query(chat_pb2.Query(tool_choice=choice)).tool_choice == expected


def test_tool_call_arguments_default_to_an_empty_object() -> None:
    part = chat_pb2.ContentPart(tool_call=chat_pb2.ToolCall(id="1", name="f"))
    message = decode.decode_message(chat_pb2.Message(role=chat_pb2.ROLE_ASSISTANT, parts=[part]))
    assert message.parts == (query.ToolCall("1", "f", "{}"),)


def test_messages_survive_the_way_in_and_out() -> None:
    for message in full_query().messages:
        assert encode_messages.encode_message(decode.decode_message(message)) == message


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0, (0, 0)), (1.5, (1, 500_000_000)), (1e-9, (0, 1)), (0.9999999999, (1, 0))]
)
def test_durations_are_exact_to_the_nanosecond(seconds: float, expected: tuple[int, int]) -> None:
    duration = encode.encode_duration(seconds)
    assert (duration.seconds, duration.nanos) == expected


@given(valid_queries(), valid_policies())
def test_every_valid_request_passes_and_survives_the_way_in_and_out(
    message: chat_pb2.Query, policy: routing_pb2.RoutingPolicy
) -> None:
    validate_query_request(router_service_pb2.RouteRequest(query=message, policy=policy))
    decode.decode_policy(policy)
    decoded = decode.decode_query(message)
    for sent, kept in zip(message.messages, decoded.messages, strict=True):
        for part in sent.parts:
            if part.HasField("tool_call"):
                part.tool_call.arguments_json = part.tool_call.arguments_json or "{}"
        assert encode_messages.encode_message(kept) == sent


@pytest.mark.parametrize(
    ("sent", "decoded"),
    [("IMAGE/PNG", "image/png"), ("image/jpg", "image/jpeg"), ("Image/JPG", "image/jpeg"), ("text/csv", "text/csv")],
)
def test_media_types_are_decoded_as_they_are_registered(sent: str, decoded: str) -> None:
    part = chat_pb2.ContentPart(media=chat_pb2.Media(mime_type=sent, data=b"x"))
    (found,) = decode.decode_message(chat_pb2.Message(role=chat_pb2.ROLE_USER, parts=[part])).parts
    assert isinstance(found, query.MediaPart)
    assert found.mime_type == decoded
