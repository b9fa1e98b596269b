"""AWS event streams, however they are split, and broken."""

from __future__ import annotations

import struct
from contextlib import suppress
from itertools import pairwise
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from frontdesk_server.backends.event_stream import EventStreamReader
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.errors import UpstreamProtocolError, UpstreamResponseTooLong
from hypothesis import given
from hypothesis import strategies as st

from tests.upstream.bedrock import event, exception, frame

MESSAGES = [
    (event("messageStart", {"role": "assistant"}), "messageStart"),
    (event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Grüße, 漢"}}), "contentBlockDelta"),
    (exception("throttlingException", {"message": "Too many"}), "throttlingException"),
]
WHOLE = b"".join(message for message, _ in MESSAGES)


def read(chunks: list[bytes], max_event_bytes: int = 1 << 20) -> list[SseEvent]:
    reader = EventStreamReader(max_event_bytes)
    return [event for chunk in chunks for event in reader.feed(chunk)]


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12))
def test_messages_come_whole_however_they_are_split(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(WHOLE)]
    chunks = [WHOLE[start:end] for start, end in pairwise(places)]
    assert [event.type for event in read(chunks)] == [kind for _, kind in MESSAGES]


def test_a_message_is_given_as_soon_as_it_is_complete() -> None:
    reader = EventStreamReader()
    first = MESSAGES[0][0]
    assert [*reader.feed(first[:-1])] == []
    assert [event.type for event in reader.feed(first[-1:] + MESSAGES[1][0][:5])] == ["messageStart"]


@given(st.dictionaries(st.sampled_from(["text", "漢", "n"]), st.text() | st.integers(0, 9), max_size=3))
def test_payloads_are_those_that_botocore_reads(payload: dict[str, object]) -> None:
    message = frame({":message-type": "event", ":event-type": "contentBlockDelta"}, payload)
    theirs = EventStreamBuffer()
    theirs.add_data(message)
    (ours,) = read([message])
    assert ours.data.encode() == next(theirs).payload


def test_headers_of_every_type_are_passed_over() -> None:
    def header(name: str, kind: int, value: bytes) -> bytes:
        return bytes([len(name)]) + name.encode() + bytes([kind]) + value

    headers = b"".join(
        [
            *(header("flag", kind, b"") for kind in (0, 1)),
            *(header("n", kind, b"\0" * size) for kind, size in ((2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16))),
            header("raw", 6, b"\0\3\xff\xff\xff"),
            header(":event-type", 7, b"\0\4stop"),
        ]
    )
    prelude = struct.pack("!II", 16 + len(headers) + 2, len(headers))
    message = prelude + struct.pack("!I", crc32(prelude)) + headers + b"{}"
    assert read([message + struct.pack("!I", crc32(message))]) == [SseEvent("stop", "{}")]


def test_an_error_without_a_type_of_its_own_tells_its_code() -> None:
    headers = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "broken"}
    (event,) = read([frame(headers, {})])
    assert event == SseEvent("error", '{"code":"InternalFailure","message":"broken"}')


@pytest.mark.parametrize("place", range(len(MESSAGES[0][0])))
def test_no_flipped_bit_goes_unnoticed(place: int) -> None:
    message = bytearray(MESSAGES[0][0])
    message[place] ^= 0x10
    following = MESSAGES[1][0] * 3
    with pytest.raises(UpstreamProtocolError):
        read([bytes(message) + following])


def test_what_came_before_a_broken_message_is_given() -> None:
    broken = MESSAGES[1][0][:-1] + b"\0"
    reader = EventStreamReader()
    events = reader.feed(MESSAGES[0][0] + broken)
    assert next(events).type == "messageStart"
    with pytest.raises(UpstreamProtocolError):
        next(events)


def test_a_message_longer_than_allowed_is_refused_before_it_has_come() -> None:
    with pytest.raises(UpstreamResponseTooLong, match="longer than 64 bytes"):
        read([MESSAGES[1][0][:12]], max_event_bytes=64)


@given(st.binary(min_size=12, max_size=200))
def test_bytes_of_any_kind_are_events_or_a_broken_promise(data: bytes) -> None:
    with suppress(UpstreamProtocolError):
        read([data])
