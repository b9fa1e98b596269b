"""Settings of single providers at the pieces of a tool's result, in every dialect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from frontdesk.v1 import chat_pb2 as chat
from frontdesk.v1 import router_service_pb2 as pb
from frontdesk_server.backends.anthropic_request import messages_body
from frontdesk_server.backends.bedrock_request import converse_body
from frontdesk_server.backends.openai_request import chat_completion_body
from frontdesk_server.backends.responses_request import response_body
from frontdesk_server.domain.backend import BackendCall
from frontdesk_server.domain.errors import InvalidRequest
from frontdesk_server.domain.left_out import left_out
from frontdesk_server.domain.model import Deployment
from frontdesk_server.domain.profile import Profile
from frontdesk_server.domain.query import Query
from frontdesk_server.rpc.decode import decode_query
from frontdesk_server.rpc.encode_messages import encode_message
from frontdesk_server.rpc.validation import validate_query_request

from tests.profiles import ANTHROPIC, BEDROCK_CLAUDE, COMPATIBLE, RESPONSES

Json = dict[str, Any]
_EXTRA = '{"extra": {"kept": true}}'
_AT = "query.messages[2].parts[0].tool_result.parts[0]"


def _message(dialect: str, options_json: str = _EXTRA, *, required: bool = False) -> chat.Message:
    options = chat.ProviderOptions(dialect=dialect, options_json=options_json, required=required)
    pieces = [chat.ToolResultPart(text="4", provider_options=[options]), chat.ToolResultPart(text="5")]
    result = chat.ToolResult(tool_call_id="call_1", parts=pieces)
    return chat.Message(role=chat.ROLE_TOOL, parts=[chat.ContentPart(tool_result=result)])


def _query(message: chat.Message) -> chat.Query:
    called = chat.ContentPart(tool_call=chat.ToolCall(id="call_1", name="add", arguments_json="{}"))
    return chat.Query(
        messages=[
            chat.Message(role=chat.ROLE_USER, parts=[chat.ContentPart(text="Add.")]),
            chat.Message(role=chat.ROLE_ASSISTANT, parts=[called]),
            message,
        ],
        tools=[chat.Tool(name="add")],
    )


def _anthropic(call: BackendCall) -> Json:
    return messages_body(call, 4096)


def _bedrock(call: BackendCall) -> Json:
    return converse_body(call, "claude")


_DIALECTS: list[tuple[str, Profile, Callable[[BackendCall], Json], Callable[[Json], Any]]] = [
    ("openai", COMPATIBLE, chat_completion_body, lambda body: body["messages"][2]["content"]),
    ("anthropic", ANTHROPIC, _anthropic, lambda body: body["messages"][2]["content"][0]["content"]),
    ("openai_responses", RESPONSES, response_body, lambda body: body["input"][2]["output"]),
    ("bedrock", BEDROCK_CLAUDE, _bedrock, lambda body: body["messages"][2]["content"][0]["toolResult"]["content"]),
]


@pytest.mark.parametrize(("dialect", "profile", "build", "pieces_of"), _DIALECTS, ids=[row[0] for row in _DIALECTS])
def test_what_stands_at_a_piece_is_merged_into_it(
    dialect: str, profile: Profile, build: Callable[[BackendCall], Json], pieces_of: Callable[[Json], Any]
) -> None:
    query = decode_query(_query(_message(dialect)))
    call = BackendCall("m", query, stream=True, dialects=frozenset({dialect}), profile=profile)
    first, second = pieces_of(build(call))
    assert first["extra"] == {"kept": True}
    assert "extra" not in second
    assert first["text"] == "4"


def test_of_another_dialect_it_is_left_out_and_said_to_be_or_demanded() -> None:
    query = decode_query(_query(_message("anthropic")))
    (said,) = left_out(query, Deployment("b", "m", dialects=frozenset({"openai"})))
    assert said.field == f"{_AT}.provider_options[0]"
    assert query.demanded_dialects() == frozenset()
    demanding: Query = decode_query(_query(_message("anthropic", required=True)))
    assert demanding.demanded_dialects() == {"anthropic"}


def test_a_cache_breakpoint_of_a_piece_counts_among_the_four() -> None:
    piece = chat.ProviderOptions(dialect="anthropic", options_json='{"cache_control": {"type": "ephemeral"}}')
    pieces = [chat.ToolResultPart(text=str(number), provider_options=[piece]) for number in range(5)]
    result = chat.ToolResult(tool_call_id="call_1", parts=pieces)
    message = chat.Message(role=chat.ROLE_TOOL, parts=[chat.ContentPart(tool_result=result)])
    request = pb.RouteRequest(query=_query(message))
    validate_query_request(request)
    call = BackendCall("m", decode_query(request.query), True, dialects=frozenset({"anthropic"}), profile=ANTHROPIC)
    sent = _anthropic(call)["messages"][2]["content"][0]["content"]
    assert ["cache_control" in one for one in sent] == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("dialect", "options_json", "field", "reason"),
    [
        ("", "{}", "dialect", "FIELD_REQUIRED"),
        ("openai", "[]", "options_json", "PROVIDER_JSON_INVALID"),
        ("anthropic", '{"text": "x"}', "options_json", "PROVIDER_OPTION_RESERVED"),
    ],
)
def test_what_may_not_stand_there_is_refused_with_its_field(
    dialect: str, options_json: str, field: str, reason: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        validate_query_request(pb.RouteRequest(query=_query(_message(dialect, options_json))))
    (violation,) = caught.value.violations
    assert (violation.field, violation.reason) == (f"{_AT}.provider_options[0].{field}", reason)


def test_it_comes_through_the_contract_as_it_went_in() -> None:
    sent = _message("anthropic", required=True)
    assert encode_message(decode_query(_query(sent)).messages[2]) == sent
