"""The reader of server-sent events."""

from __future__ import annotations

import pytest
from frontdesk_server.backends.sse import SseEvent, SseReader
from frontdesk_server.domain.errors import UpstreamProtocolError, UpstreamResponseTooLong
from hypothesis import given
from hypothesis import strategies as st

LINE_ENDS = ("\n", "\r\n", "\r")
_line = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
_type = st.one_of(st.just(""), st.sampled_from(["ping", "message_start"]))
_events = st.lists(st.builds(SseEvent, _type, st.lists(_line, min_size=1, max_size=3).map("\n".join)), max_size=6)


def read_all(*chunks: bytes, max_event_bytes: int = 1024) -> list[SseEvent]:
    reader = SseReader(max_event_bytes)
    return [event for chunk in chunks for event in reader.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("data: a\n\n", [("", "a")]),
        ("data:a\n\n", [("", "a")]),
        ("data:  a\n\n", [("", " a")]),
        ("data: a: b\n\n", [("", "a: b")]),
        ("data: a\r\n\r\n", [("", "a")]),
        ("data: a\r\rdata: b\r\r", [("", "a"), ("", "b")]),
        ("data: a\ndata: b\n\n", [("", "a\nb")]),
        ("data\n\n", [("", "")]),
        (": comment\n\ndata: a\n\n", [("", "a")]),
        (":\ndata: a\n:\n\n", [("", "a")]),
        ("event: ping\ndata: {}\n\n", [("ping", "{}")]),
        ("event: ping\n\ndata: a\n\n", [("", "a")]),
        ("id: 1\nretry: 10\nunknown: x\ndata: a\n\n", [("", "a")]),
        ("\ufeffdata: a\n\n", [("", "a")]),
        ("data: \ufeff\n\n", [("", "\ufeff")]),
        ("data: a\u2028b\x0bc\x85d\n\n", [("", "a\u2028b\x0bc\x85d")]),
        ("data: [DONE]\n\n", [("", "[DONE]")]),
        ("\n\n\n", []),
        ("data: unfinished\n", []),
        ("data: unfinished", []),
    ],
)
def test_streams_are_read_as_the_standard_says(stream: str, expected: list[tuple[str, str]]) -> None:
    assert [(event.type, event.data) for event in read_all(stream.encode())] == expected


@given(
    _events,
    st.sampled_from(LINE_ENDS),
    st.booleans(),
    st.lists(st.integers(0, 400), max_size=12),
)
def test_any_chunking_of_a_stream_gives_the_same_events(
    events: list[SseEvent], line_end: str, comments: bool, cuts: list[int]
) -> None:
    lines: list[str] = []
    for event in events:
        lines += [": comment"] if comments else []
        lines += [f"event: {event.type}"] if event.type else []
        lines += [f"data: {line}" for line in event.data.split("\n")] + [""]
    stream = "".join(line + line_end for line in lines).encode()
    places = sorted({min(cut, len(stream)) for cut in cuts})
    chunks = [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    assert read_all(*chunks) == events
    assert read_all(*(stream[i : i + 1] for i in range(len(stream)))) == events


@given(st.lists(st.binary(max_size=64), max_size=8))
def test_random_bytes_raise_nothing_but_protocol_errors(chunks: list[bytes]) -> None:
    reader = SseReader(100)
    try:
        for chunk in chunks:
            reader.feed(chunk)
    except UpstreamProtocolError:
        pass


def test_bytes_that_are_no_utf8_are_a_protocol_error() -> None:
    with pytest.raises(UpstreamProtocolError, match="UTF-8"):
        read_all(b"data: \xff\xfe\n\n")


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([b"data: " + b"x" * 200], id="a line without end"),
        pytest.param([b"data: "] + [b"x"] * 200, id="a line that drips"),
        pytest.param([b"data: " + b"x" * 200 + b"\n\n"], id="a whole line"),
        pytest.param([b"data: x\n"] * 50, id="many lines of one event"),
        pytest.param([b"data\n" * 50], id="many empty lines of one event"),
    ],
)
def test_an_event_longer_than_allowed_is_a_protocol_error(chunks: list[bytes]) -> None:
    with pytest.raises(UpstreamResponseTooLong, match="longer than 100"):
        read_all(*chunks, max_event_bytes=100)


def test_many_short_events_never_count_as_a_long_one() -> None:
    assert len(read_all(*([b"data: x\n\n"] * 100), max_event_bytes=20)) == 100


def test_a_field_error_is_an_event_of_that_type() -> None:
    assert list(SseReader().feed(b'error: {"code": 500}\n\n')) == [SseEvent("error", '{"code": 500}')]
