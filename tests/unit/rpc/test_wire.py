from __future__ import annotations

import pytest
from frontdesk.v1 import router_service_pb2 as pb
from frontdesk.v1.chat_pb2 import ContentPart, GenerationConfig, Message, Query
from frontdesk_server.rpc.wire import find_invalid_utf8
from hypothesis import given
from hypothesis import strategies as st

MARK = "MARK"


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (pb.RouteRequest(query=Query(messages=[Message(), Message(name=MARK)])), "query.messages[1].name"),
        (
            pb.RouteRequest(query=Query(messages=[Message(parts=[ContentPart(text="ok"), ContentPart(text=MARK)])])),
            "query.messages[0].parts[1].text",
        ),
        (
            pb.RouteRequest(query=Query(generation=GenerationConfig(seed=7, temperature=1.0, stop_sequences=[MARK]))),
            "query.generation.stop_sequences[0]",
        ),
        (pb.RouteRequest(labels={"k": MARK}), "labels[0].value"),
        (pb.GetDecisionRequest(decision_id=MARK), "decision_id"),
    ],
)
def test_the_field_that_is_not_utf8_is_named(request_: pb.RouteRequest | pb.GetDecisionRequest, path: str) -> None:
    raw = request_.SerializeToString().replace(MARK.encode(), b"\xff\xfe\xfd\xfc")
    assert find_invalid_utf8(raw, type(request_)) == path


def test_a_good_message_has_no_such_field() -> None:
    request = pb.RouteRequest(query=Query(messages=[Message(name="né")]), labels={"k": "v"})
    assert find_invalid_utf8(request.SerializeToString(), pb.RouteRequest) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(raw: bytes) -> None:
    find_invalid_utf8(raw, pb.RouteRequest)
