from __future__ import annotations

from typing import get_args

from frontdesk import Event, TextDelta
from frontdesk.events import event_of
from frontdesk.v1.router_service_pb2 import StreamCompleteResponse


def test_events_leave_their_envelope() -> None:
    assert event_of(StreamCompleteResponse(text_delta=TextDelta(text="hi"))) == TextDelta(text="hi")


def test_an_event_of_a_newer_server_is_passed_over() -> None:
    unknown_field_99 = b"\x9a\x06\x00"
    assert event_of(StreamCompleteResponse.FromString(unknown_field_99)) is None


def test_every_event_of_the_contract_is_one_here() -> None:
    fields = StreamCompleteResponse.DESCRIPTOR.oneofs_by_name["event"].fields
    assert {field.message_type.name for field in fields if field.message_type} == {
        kind.__name__ for kind in get_args(Event)
    }
