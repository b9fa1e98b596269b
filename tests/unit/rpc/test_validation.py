"""Each way a request can break the contract has its own reason and names its field."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import pytest
from frontdesk.v1 import chat_pb2 as chat
from frontdesk.v1 import router_service_pb2 as pb
from frontdesk.v1.chat_pb2 import ContentPart as Part
from frontdesk.v1.chat_pb2 import Message, Query
from frontdesk.v1.routing_pb2 import RoutingPolicy
from frontdesk_server.domain.errors import InvalidRequest
from frontdesk_server.rpc.reasons import InvalidReason
from frontdesk_server.rpc.validation import (
    validate_batch_query,
    validate_batch_request,
    validate_decision_request,
    validate_models_request,
    validate_outcome_request,
    validate_query_request,
)
from frontdesk_server.rpc.violations import Limits
from google.protobuf.duration_pb2 import Duration

from tests.unit.rpc.test_provider_validation import REFUSED

SYSTEM, USER, ASSISTANT, TOOL = chat.ROLE_SYSTEM, chat.ROLE_USER, chat.ROLE_ASSISTANT, chat.ROLE_TOOL


def violations(check: Callable[[], None]) -> list[tuple[str, str]]:
    """Field and reason of everything that is wrong."""
    try:
        check()
    except InvalidRequest as error:
        return [(violation.field, violation.reason) for violation in error.violations]
    return []


def text(role: int, content: str = "hi") -> Message:
    return Message(role=role, parts=[Part(text=content)])  # type: ignore[arg-type]


def call(identifier: str = "1", name: str = "f") -> Message:
    return Message(role=ASSISTANT, parts=[Part(tool_call=chat.ToolCall(id=identifier, name=name))])


def result(identifier: str = "1") -> Message:
    return Message(role=TOOL, parts=[Part(tool_result=chat.ToolResult(tool_call_id=identifier))])


def result_of(*parts: chat.ToolResultPart, content: str = "") -> Message:
    whole = chat.ToolResult(tool_call_id="1", content=content, parts=parts)
    return Message(role=TOOL, parts=[Part(tool_result=whole)])


def refusal(role: int, **part: object) -> Message:
    return Message(role=role, parts=[Part(refusal=True, **part)])  # type: ignore[arg-type]


def media(**fields: object) -> Message:
    return Message(role=USER, parts=[Part(media=chat.Media(**fields))])  # type: ignore[arg-type]


def saying(*messages: Message) -> Query:
    return Query(messages=messages)


def generating(**fields: object) -> Query:
    return Query(messages=[text(USER)], generation=chat.GenerationConfig(**fields))  # type: ignore[arg-type]


def offering(*tools: chat.Tool, choice: chat.ToolChoice | None = None) -> Query:
    return Query(messages=[text(USER)], tools=tools, tool_choice=choice)


def answering(name: str = "out", schema: str = "{}") -> Query:
    json_schema = chat.JsonSchemaFormat(name=name, schema_json=schema)
    return generating(response_format=chat.ResponseFormat(json_schema=json_schema))


PICTURE = chat.Media(mime_type="image/png", data=b"x")
VALID_QUERIES = [
    saying(text(USER)),
    saying(text(SYSTEM), text(USER), text(ASSISTANT), text(USER, "")),
    saying(text(SYSTEM)),
    saying(text(USER), text(ASSISTANT), text(USER), text(SYSTEM)),
    saying(text(USER), call(), result()),
    saying(text(USER), Message(role=ASSISTANT, parts=[Part(reasoning=chat.Reasoning(text="hm"))]), text(USER)),
    saying(text(USER), Message(role=ASSISTANT), text(USER)),
    saying(text(USER), call("0"), result("0"), call("0"), result("0"), text(USER)),
    saying(text(USER), call("0"), text(USER), call("0"), result("0")),
    saying(media(mime_type="image/png", data=b"x")),
    saying(media(mime_type="application/vnd.oasis.opendocument.text", uri="https://example.org/a?b=c#d")),
    offering(chat.Tool(name="f"), choice=chat.ToolChoice(tool_name="f")),
    offering(chat.Tool(name="f"), choice=chat.ToolChoice(mode=chat.ToolChoice.MODE_REQUIRED)),
    offering(chat.Tool(name="f"), choice=chat.ToolChoice(mode=chat.ToolChoice.MODE_UNSPECIFIED)),
    generating(temperature=0.0, top_p=1.0, frequency_penalty=-2.0, presence_penalty=2.0, max_output_tokens=1),
    generating(logprobs=True, top_logprobs=20, stop_sequences=list("abcdefgh"), seed=-1),
    generating(reasoning_budget_tokens=1, top_k=1),
    generating(reasoning_effort=chat.REASONING_EFFORT_MAX),
    saying(text(USER), text(ASSISTANT, "The answer is")),
    saying(text(USER), refusal(ASSISTANT, text="No."), text(USER)),
    saying(media(mime_type="image/png", data=b"x", detail=chat.IMAGE_DETAIL_LOW, filename="a.png")),
    saying(text(USER), call(), result_of(chat.ToolResultPart(text="a"), chat.ToolResultPart(media=PICTURE))),
    Query(
        messages=[text(USER)],
        tools=[chat.Tool(name="f")],
        generation=chat.GenerationConfig(parallel_tool_calls=False),
        user_id="u" * 128,
    ),
    generating(response_format=chat.ResponseFormat(json_object=chat.JsonObjectFormat())),
    answering(schema='{"type": ["object", "null"], "properties": {"a": {"type": "integer", "minimum": 0}}}'),
]


@pytest.mark.parametrize("query", VALID_QUERIES)
def test_valid_queries_pass(query: Query) -> None:
    assert violations(lambda: validate_query_request(pb.RouteRequest(query=query))) == []


BAD_SETTINGS: list[tuple[str, str, list[Any]]] = [
    ("max_output_tokens", "MAX_OUTPUT_TOKENS_OUT_OF_RANGE", [0, -1]),
    ("temperature", "TEMPERATURE_OUT_OF_RANGE", [-0.1, 2.1, math.nan, math.inf]),
    ("top_p", "TOP_P_OUT_OF_RANGE", [0.0, 1.1, math.nan]),
    ("frequency_penalty", "PENALTY_OUT_OF_RANGE", [-2.1, 2.1, math.nan]),
    ("presence_penalty", "PENALTY_OUT_OF_RANGE", [-2.1, 2.1, math.nan]),
    ("top_logprobs", "TOP_LOGPROBS_OUT_OF_RANGE", [-1, 21]),
    ("top_logprobs", "TOP_LOGPROBS_WITHOUT_LOGPROBS", [1]),
    ("stop_sequences", "STOP_SEQUENCES_INVALID", [list("abcdefghi"), [""]]),
    ("reasoning_effort", "UNKNOWN_ENUM_VALUE", [9]),
    ("reasoning_budget_tokens", "REASONING_BUDGET_OUT_OF_RANGE", [0, -1]),
    ("parallel_tool_calls", "PARALLEL_TOOL_CALLS_WITHOUT_TOOLS", [True, False]),
    ("top_k", "TOP_K_OUT_OF_RANGE", [0, -1]),
]

INVALID_QUERIES = [
    (saying(), "query.messages", "MESSAGES_EMPTY"),
    (saying(Message(parts=[Part(text="hi")])), "query.messages[0].role", "ROLE_UNSPECIFIED"),
    (saying(text(9), text(USER)), "query.messages[0].role", "UNKNOWN_ENUM_VALUE"),
    (saying(Message(role=USER)), "query.messages[0].parts", "MESSAGE_WITHOUT_PARTS"),
    (saying(Message(role=USER, parts=[Part()])), "query.messages[0].parts[0].part", "FIELD_REQUIRED"),
    (saying(text(USER), call()), "query.messages[1].parts", "PREFILL_NOT_TEXT"),
    (saying(text(USER), text(ASSISTANT, " ")), "query.messages[1].parts", "PREFILL_NOT_TEXT"),
    (saying(text(USER), refusal(ASSISTANT, text="No.")), "query.messages[1].parts", "PREFILL_NOT_TEXT"),
    (saying(refusal(USER, text="No.")), "query.messages[0].parts[0].refusal", "PART_NOT_ALLOWED"),
    (
        saying(refusal(ASSISTANT, reasoning=chat.Reasoning(text="hm")), text(USER)),
        "query.messages[0].parts[0].refusal",
        "PART_NOT_ALLOWED",
    ),
    (
        saying(text(USER), call(), result_of(chat.ToolResultPart(text="a"), content="b")),
        "query.messages[2].parts[0].tool_result.content",
        "TOOL_RESULT_SET_TWICE",
    ),
    (
        saying(text(USER), call(), result_of(chat.ToolResultPart())),
        "query.messages[2].parts[0].tool_result.parts[0].part",
        "FIELD_REQUIRED",
    ),
    (
        saying(text(USER), call(), result_of(chat.ToolResultPart(media=chat.Media(mime_type="image/png")))),
        "query.messages[2].parts[0].tool_result.parts[0].media.source",
        "MEDIA_WITHOUT_SOURCE",
    ),
    (
        saying(media(mime_type="audio/wav", data=b"x", detail=chat.IMAGE_DETAIL_LOW)),
        "query.messages[0].parts[0].media.detail",
        "DETAIL_WITHOUT_IMAGE",
    ),
    (
        saying(media(mime_type="image/png", data=b"x", detail=9)),
        "query.messages[0].parts[0].media.detail",
        "UNKNOWN_ENUM_VALUE",
    ),
    (
        saying(media(mime_type="image/png", data=b"x", filename="a" * 129)),
        "query.messages[0].parts[0].media.filename",
        "FIELD_TOO_LONG",
    ),
    (Query(messages=[text(USER)], user_id="u" * 129), "query.user_id", "FIELD_TOO_LONG"),
    (
        generating(reasoning_effort=chat.REASONING_EFFORT_NONE, reasoning_budget_tokens=9),
        "query.generation.reasoning_budget_tokens",
        "REASONING_SET_TWICE",
    ),
    (saying(text(TOOL)), "query.messages[0].parts[0].text", "PART_NOT_ALLOWED"),
    (
        saying(Message(role=SYSTEM, parts=media(mime_type="image/png", data=b"x").parts), text(USER)),
        "query.messages[0].parts[0].media",
        "PART_NOT_ALLOWED",
    ),
    (
        saying(Message(role=USER, parts=call().parts)),
        "query.messages[0].parts[0].tool_call",
        "PART_NOT_ALLOWED",
    ),
    (
        saying(text(USER), text(ASSISTANT), result()),
        "query.messages[2].parts[0].tool_result.tool_call_id",
        "TOOL_RESULT_WITHOUT_CALL",
    ),
    (
        saying(text(USER), call("1"), result("2")),
        "query.messages[2].parts[0].tool_result.tool_call_id",
        "TOOL_RESULT_WITHOUT_CALL",
    ),
    (
        saying(result("1"), call("1"), text(USER)),
        "query.messages[0].parts[0].tool_result.tool_call_id",
        "TOOL_RESULT_WITHOUT_CALL",
    ),
    (
        saying(text(USER), call(), result("")),
        "query.messages[2].parts[0].tool_result.tool_call_id",
        "FIELD_REQUIRED",
    ),
    (saying(call(""), text(USER)), "query.messages[0].parts[0].tool_call.id", "FIELD_REQUIRED"),
    (saying(call("1", ""), text(USER)), "query.messages[0].parts[0].tool_call.name", "FIELD_REQUIRED"),
    (saying(call(), call(), result()), "query.messages[1].parts[0].tool_call.id", "DUPLICATE_TOOL_CALL"),
    (saying(media(mime_type="image/png")), "query.messages[0].parts[0].media.source", "MEDIA_WITHOUT_SOURCE"),
    (
        saying(media(mime_type="image/png", data=b"")),
        "query.messages[0].parts[0].media.source",
        "MEDIA_WITHOUT_SOURCE",
    ),
    (saying(media(data=b"x")), "query.messages[0].parts[0].media.mime_type", "FIELD_REQUIRED"),
    (saying(media(mime_type="png", data=b"x")), "query.messages[0].parts[0].media.mime_type", "MEDIA_TYPE_INVALID"),
    *(
        (saying(media(mime_type="image/png", uri=uri)), "query.messages[0].parts[0].media.uri", "MEDIA_URI_NOT_HTTPS")
        for uri in (
            "",
            "http://example.org/a",
            "file:///etc/passwd",
            "https:///a",
            "https://[",
            "https://a/ b",
            "data:,",
        )
    ),
    (offering(chat.Tool()), "query.tools[0].name", "FIELD_REQUIRED"),
    (offering(chat.Tool(name="a b")), "query.tools[0].name", "NAME_INVALID"),
    (offering(chat.Tool(name="a" * 65)), "query.tools[0].name", "NAME_INVALID"),
    (offering(chat.Tool(name="f\n")), "query.tools[0].name", "NAME_INVALID"),
    (offering(chat.Tool(name="f"), chat.Tool(name="f")), "query.tools[1].name", "DUPLICATE_TOOL"),
    (
        offering(chat.Tool(name="f", parameters_json='{"type": "string"}')),
        "query.tools[0].parameters_json",
        "JSON_SCHEMA_INVALID",
    ),
    (
        offering(choice=chat.ToolChoice(mode=chat.ToolChoice.MODE_AUTO)),
        "query.tool_choice",
        "TOOL_CHOICE_WITHOUT_TOOLS",
    ),
    (
        offering(chat.Tool(name="f"), choice=chat.ToolChoice(tool_name="g")),
        "query.tool_choice.tool_name",
        "UNKNOWN_TOOL",
    ),
    (offering(chat.Tool(name="f"), choice=chat.ToolChoice()), "query.tool_choice.choice", "FIELD_REQUIRED"),
    (
        offering(chat.Tool(name="f"), choice=chat.ToolChoice(mode=9)),  # type: ignore[arg-type]
        "query.tool_choice.mode",
        "UNKNOWN_ENUM_VALUE",
    ),
    *(
        (generating(**{field: value}), f"query.generation.{field}", reason)
        for field, reason, values in BAD_SETTINGS
        for value in values
    ),
    (answering(name="a b"), "query.generation.response_format.json_schema.name", "NAME_INVALID"),
    (answering(name=""), "query.generation.response_format.json_schema.name", "FIELD_REQUIRED"),
    (answering(schema=""), "query.generation.response_format.json_schema.schema_json", "FIELD_REQUIRED"),
    (answering(schema="[]"), "query.generation.response_format.json_schema.schema_json", "JSON_SCHEMA_INVALID"),
]


@pytest.mark.parametrize(("query", "field", "reason"), INVALID_QUERIES)
def test_an_invalid_query_is_refused_with_its_field_and_reason(query: Query, field: str, reason: str) -> None:
    assert violations(lambda: validate_query_request(pb.CompleteRequest(query=query))) == [(field, reason)]


BAD_WISHES: list[tuple[str, str, list[Any]]] = [
    ("quality_floor", "QUALITY_FLOOR_OUT_OF_RANGE", [-0.1, 1.1, math.nan]),
    ("cost_weight", "WEIGHT_OUT_OF_RANGE", [-1.0, math.nan, math.inf]),
    ("latency_weight", "WEIGHT_OUT_OF_RANGE", [-1.0, math.nan, math.inf]),
    ("max_cost_nano_usd", "MAX_COST_OUT_OF_RANGE", [-1]),
    ("max_attempts", "MAX_ATTEMPTS_OUT_OF_RANGE", [0, -1]),
    (
        "max_time_to_first_token",
        "MAX_TIME_TO_FIRST_TOKEN_OUT_OF_RANGE",
        [Duration(), Duration(seconds=-1), Duration(nanos=2_000_000_000), Duration(seconds=2**62)],
    ),
    ("router", "FIELD_TOO_LONG", ["r" * 129]),
    ("affinity_key", "FIELD_TOO_LONG", ["k" * 129]),
    ("allowed_models", "FIELD_TOO_LONG", [["m"] * 257]),
    ("allowed_models[1]", "FIELD_REQUIRED", [["a", ""]]),
    ("excluded_models[0]", "FIELD_TOO_LONG", [["m" * 129]]),
    ("required_capabilities[1]", "CAPABILITY_UNSPECIFIED", [[1, 0]]),
    ("required_capabilities[0]", "UNKNOWN_ENUM_VALUE", [[99]]),
]
INVALID_POLICIES = [(field, reason, value) for field, reason, values in BAD_WISHES for value in values]


@pytest.mark.parametrize(("field", "reason", "value"), INVALID_POLICIES)
def test_an_invalid_policy_is_refused_with_its_field_and_reason(field: str, reason: str, value: object) -> None:
    policy = RoutingPolicy(**{field.partition("[")[0]: value})  # type: ignore[arg-type]
    request = pb.RouteRequest(query=VALID_QUERIES[0], policy=policy)
    assert violations(lambda: validate_query_request(request)) == [(f"policy.{field}", reason)]


@pytest.mark.parametrize(
    ("labels", "field"),
    [
        ({str(n): "" for n in range(17)}, "labels"),
        ({"": "v"}, "labels"),
        ({"k" * 65: "v"}, "labels"),
        ({"k": "v" * 257}, 'labels["k"]'),
    ],
)
def test_labels_have_limits(labels: dict[str, str], field: str) -> None:
    request = pb.RouteRequest(query=VALID_QUERIES[0], labels=labels)
    assert violations(lambda: validate_query_request(request)) == [(field, "LABELS_OVER_LIMIT")]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (pb.ReportOutcomeRequest(decision_id="01J0ABCDEFGHJKMNPQRSTVWXYZ", quality=1.0), []),
        (
            pb.ReportOutcomeRequest(),
            [("decision_id", "FIELD_REQUIRED"), ("quality", "FIELD_REQUIRED")],
        ),
        (
            pb.ReportOutcomeRequest(decision_id="lower", quality=math.nan, source="s" * 129),
            [("decision_id", "DECISION_ID_INVALID"), ("quality", "QUALITY_OUT_OF_RANGE"), ("source", "FIELD_TOO_LONG")],
        ),
    ],
)
def test_outcome_reports(request_: pb.ReportOutcomeRequest, expected: list[tuple[str, str]]) -> None:
    assert violations(lambda: validate_outcome_request(request_)) == expected


@pytest.mark.parametrize("decision_id", ["x", "8" + "0" * 25, "0" * 27, "0" * 25 + "I", "0" * 26 + "\n"])
def test_a_decision_id_is_a_ulid(decision_id: str) -> None:
    request = pb.GetDecisionRequest(decision_id=decision_id)
    assert violations(lambda: validate_decision_request(request)) == [("decision_id", "DECISION_ID_INVALID")]


def test_a_router_name_has_a_limit() -> None:
    request = pb.ListModelsRequest(router="r" * 129)
    assert violations(lambda: validate_models_request(request)) == [("router", "FIELD_TOO_LONG")]


@pytest.mark.parametrize("size", [0, 1025])
def test_a_batch_has_a_size(size: int) -> None:
    request = pb.RouteBatchRequest(queries=[VALID_QUERIES[0]] * size)
    assert violations(lambda: validate_batch_request(request)) == [("queries", "BATCH_SIZE_OUT_OF_RANGE")]


def test_a_query_of_a_batch_is_named_by_its_place() -> None:
    assert violations(lambda: validate_batch_query(saying(), 3)) == [("queries[3].messages", "MESSAGES_EMPTY")]


def test_all_violations_are_reported_together() -> None:
    query = generating(temperature=3.0, top_p=2.0)
    query.messages.add(role=USER)
    query.messages.add(role=ASSISTANT)
    request = pb.RouteRequest(query=query, policy=RoutingPolicy(quality_floor=2.0), labels={"": ""})
    assert [reason for _, reason in violations(lambda: validate_query_request(request))] == [
        "MESSAGE_WITHOUT_PARTS",
        "PREFILL_NOT_TEXT",
        "TEMPERATURE_OUT_OF_RANGE",
        "TOP_P_OUT_OF_RANGE",
        "QUALITY_FLOOR_OUT_OF_RANGE",
        "LABELS_OVER_LIMIT",
    ]


def test_a_hostile_request_is_not_examined_to_its_end() -> None:
    request = pb.RouteRequest(query=Query(messages=[Message()] * 10_000))
    assert len(violations(lambda: validate_query_request(request, Limits(violations=5)))) == 5


def test_every_reason_of_an_invalid_request_is_produced_by_some_test_here() -> None:
    """A reason that nothing produces would be a promise nobody keeps."""
    elsewhere = {"MALFORMED_REQUEST", "INVALID_UTF8"}  # test_interceptor
    elsewhere |= {entry[2] for entry in REFUSED}  # test_provider_validation
    seen = {entry[2] for entry in INVALID_QUERIES} | {entry[1] for entry in INVALID_POLICIES}
    seen |= {"LABELS_OVER_LIMIT", "QUALITY_OUT_OF_RANGE", "DECISION_ID_INVALID", "BATCH_SIZE_OUT_OF_RANGE"}
    assert seen | elsewhere == {reason.name for reason in InvalidReason}


SMALL = Limits(messages=5, parts=10, tools=3, schema_characters=200, subschemas=4)


def _parts(count: int) -> Message:
    return Message(role=USER, parts=[Part(text="a")] * count)


def _schema(subschemas: int) -> chat.Tool:
    """A tool whose parameters hold so many subschemas, the whole one included."""
    properties = ",".join(f'"{place}":{{}}' for place in range(subschemas - 1))
    return chat.Tool(name=f"f{subschemas}", parameters_json=f'{{"type":"object","properties":{{{properties}}}}}')


def _choice_of(subschemas: int) -> Query:
    return offering(chat.Tool(name="f", parameters_json='{"type":"object","anyOf":[' + "{}," * subschemas + "{}]}"))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (saying(*[text(USER)] * 5), None),
        (saying(*[text(USER)] * 6), "query.messages"),
        (saying(_parts(5), _parts(5)), None),
        (saying(_parts(5), _parts(6)), "query.messages[1].parts"),
        (offering(*[chat.Tool(name=f"f{place}") for place in range(3)]), None),
        (offering(*[chat.Tool(name=f"f{place}") for place in range(4)]), "query.tools"),
        (offering(_schema(4)), None),
        (offering(_schema(5)), "query.tools[0].parameters_json"),
        (offering(_schema(2), _schema(3)), "query.tools[1].parameters_json"),
        (answering(schema='{"title":"' + "x" * 200 + '"}'), "query.generation.response_format.json_schema.schema_json"),
        (answering(schema='{"anyOf":[{},{},{},{}]}'), "query.generation.response_format.json_schema.schema_json"),
    ],
)
def test_a_query_is_bounded_before_it_is_read(query: Query, field: str | None) -> None:
    found = violations(lambda: validate_query_request(pb.RouteRequest(query=query), SMALL))
    assert found == ([] if field is None else [(field, "FIELD_TOO_LONG")])


def test_the_history_of_a_long_agent_run_passes() -> None:
    steps = [step for place in range(2000) for step in (call(str(place % 7)), result(str(place % 7)))]
    assert violations(lambda: validate_query_request(pb.RouteRequest(query=saying(text(USER), *steps)))) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: saying(*[text(USER)] * 400_000),
        lambda: saying(_parts(1_500_000)),
        lambda: _choice_of(300_000),
        lambda: _choice_of(2_500_000),
    ],
    ids=["messages", "parts", "subschemas", "subschemas beyond the length"],
)
def test_what_is_refused_as_too_large_keeps_nobody_waiting(make: Callable[[], Query]) -> None:
    """Processor time, far above what it takes: a busy machine must not fail this."""
    request = pb.RouteRequest()
    request.query.CopyFrom(make())
    started = time.process_time()
    ((_, reason),) = violations(lambda: validate_query_request(request))
    assert reason == "FIELD_TOO_LONG"
    assert time.process_time() - started < 3.0
