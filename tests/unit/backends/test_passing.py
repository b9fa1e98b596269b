"""Responses that pass by: read however the network cuts and encodes them."""

from __future__ import annotations

import gzip
import itertools
import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from frontdesk_server.backends.passing import PassingResponse
from frontdesk_server.domain.errors import UpstreamCut, UpstreamError, UpstreamFailed, UpstreamOverloaded
from frontdesk_server.domain.events import BackendEvent, Finished, TextDelta
from frontdesk_server.domain.usage import FinishReason
from hypothesis import given
from hypothesis import strategies as st

JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream; charset=utf-8"}
USAGE = {"prompt_tokens": 21, "completion_tokens": 4, "total_tokens": 25}
CHAT = {
    "id": "x",
    "model": "m-2026",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Vier ≈ 4"}, "finish_reason": "stop"}],
    "usage": USAGE,
}
MESSAGE = {
    "type": "message",
    "model": "m-2026",
    "content": [{"type": "text", "text": "Vier ≈ 4"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 21, "output_tokens": 4},
}
RESPONSE = {
    "object": "response",
    "status": "completed",
    "model": "m-2026",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "Vier ≈ 4"}]}],
    "usage": {"input_tokens": 21, "output_tokens": 4, "total_tokens": 25},
}


def sse(*events: dict[str, Any] | str) -> bytes:
    lines = (event if isinstance(event, str) else json.dumps(event, ensure_ascii=False) for event in events)
    return "".join(f"data: {line}\n\n" for line in lines).encode()


CHAT_STREAM = sse(
    {"model": "m-2026", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Vier"}}]},
    {"model": "m-2026", "choices": [{"index": 0, "delta": {"content": " ≈ 4"}, "finish_reason": "stop"}]},
    {"model": "m-2026", "choices": [], "usage": USAGE},
    "[DONE]",
)
MESSAGE_STREAM = sse(
    {"type": "message_start", "message": {"model": "m-2026", "usage": {"input_tokens": 21, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Vier ≈ 4"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
)
WHOLE = {
    "openai": [(JSON, json.dumps(CHAT).encode()), (SSE, CHAT_STREAM)],
    "anthropic": [(JSON, json.dumps(MESSAGE).encode()), (SSE, MESSAGE_STREAM)],
    "openai_responses": [(JSON, json.dumps(RESPONSE).encode())],
}
CASES = [(dialect, headers, body) for dialect, answers in WHOLE.items() for headers, body in answers]


def read(passing: PassingResponse, pieces: Sequence[bytes]) -> list[BackendEvent]:
    events = [event for piece in pieces for event in passing.feed(piece)]
    return [*events, *passing.end()]


def cut(body: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(body) + 1) for place in places}), len(body)]
    return [body[begin:end] for begin, end in itertools.pairwise(edges)]


def assert_whole(events: Sequence[BackendEvent]) -> None:
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Vier ≈ 4"
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert (finished.finish_reason, finished.upstream_model) == (FinishReason.STOP, "m-2026")
    assert (finished.usage.input_tokens, finished.usage.output_tokens) == (21, 4)


@given(
    st.sampled_from(CASES),
    st.lists(st.integers(0, 10_000), max_size=12),
    st.sampled_from(["identity", "gzip", "GZIP", "x-gzip", "deflate"]),
)
def test_an_answer_is_read_however_it_is_cut_and_encoded(
    case: tuple[str, dict[str, str], bytes], places: list[int], encoding: str
) -> None:
    dialect, headers, body = case
    codings: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}
    encoded = codings.get(encoding.lower().removeprefix("x-"), bytes)(body)
    passing = PassingResponse(dialect, 200, {**headers, "content-encoding": encoding})
    assert_whole(read(passing, cut(encoded, places)))


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({**JSON, "content-encoding": "br"}, b"\x8b\x01\x80"),
        ({**JSON, "content-encoding": "gzip"}, b"this is no gzip"),
        ({"content-type": "text/html"}, b"<html>"),
        ({**SSE, "content-encoding": "gzip"}, gzip.compress(b"a" * (65 * 1024 * 1024))),
        (JSON, b"x" * (9 * 1024 * 1024)),
    ],
)
def test_what_cannot_be_read_says_nothing_and_is_no_failure(headers: dict[str, str], body: bytes) -> None:
    passing = PassingResponse("openai", 200, headers)
    assert read(passing, [body, b"more"]) == []
    assert passing.unread


@pytest.mark.parametrize(
    ("status", "headers", "body", "error"),
    [
        (500, JSON, b'{"error":{"message":"no"}}', UpstreamFailed),
        (503, {"content-type": "text/html"}, b"<html>", UpstreamFailed),
        (429, JSON, b"", UpstreamOverloaded),
        (200, SSE, CHAT_STREAM[:120], UpstreamCut),
        (200, SSE, sse({"error": {"message": "no", "code": 500}}), UpstreamError),
        (200, JSON, b'{"choices":', UpstreamError),
        (200, JSON, b"[]", UpstreamError),
    ],
)
def test_what_is_no_answer_fails_as_it_would_for_our_own_call(
    status: int, headers: dict[str, str], body: bytes, error: type[UpstreamError]
) -> None:
    with pytest.raises(error):
        read(PassingResponse("openai", status, headers), [body])
