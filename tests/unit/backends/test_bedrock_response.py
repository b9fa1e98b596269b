"""Whatever JSON stands in Bedrock's events, it is an answer or a broken promise."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from frontdesk_server.backends.bedrock_response import BedrockTranslator
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.errors import UpstreamError, UpstreamFailed
from frontdesk_server.domain.events import BackendEvent
from hypothesis import given, settings
from hypothesis import strategies as st

_SCALARS = st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from(["", "x", "{}", "end_turn", "tool_use"])
_NAMES = st.sampled_from(
    (
        *("contentBlockIndex", "delta", "start", "text", "toolUse", "toolUseId", "name", "input", "type", "image"),
        *("reasoningContent", "reasoningText", "signature", "redactedContent", "citation", "citationsContent"),
        *("toolResult", "content", "source", "sourceContent", "location", "web", "bytes", "stopReason", "usage"),
        *("output", "message", "inputTokens", "totalTokens", "originalStatusCode"),
    )
)
_VALUES = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_NAMES, inner, max_size=3))
_TYPES = st.sampled_from(
    (
        *("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"),
        *("throttlingException", "error", "new"),
    )
)
_EVENTS = st.builds(
    SseEvent, _TYPES, st.dictionaries(_NAMES, _VALUES, max_size=4).map(lambda v: orjson.dumps(v).decode())
)


def _taken(events: Any) -> list[BackendEvent]:
    taken: list[BackendEvent] = []
    try:
        for event in events:
            taken.append(event)  # noqa: PERF402
    except UpstreamError:
        pass
    return taken


@settings(max_examples=200, deadline=None)
@given(st.lists(_EVENTS, max_size=6))
def test_streams_of_any_content_raise_nothing_but_errors_of_the_upstream(events: list[SseEvent]) -> None:
    translator = BedrockTranslator("m")
    _taken(translator.read_events(events))
    if translator.complete:
        translator.finished()


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(_NAMES, _VALUES, max_size=4), st.lists(st.dictionaries(_NAMES, _VALUES, max_size=2), max_size=3))
def test_documents_of_any_content_raise_nothing_but_errors_of_the_upstream(
    document: dict[str, Any], content: list[dict[str, Any]]
) -> None:
    for whole in (document, {**document, "output": {"message": {"content": content}}, "stopReason": "end_turn"}):
        _taken(BedrockTranslator("m").read_document(whole))


@pytest.mark.parametrize("original", [None, 400, 404, 503])
def test_a_model_that_failed_in_its_stream_has_failed_whatever_the_original_status(original: int | None) -> None:
    content = {"message": "x"} | ({} if original is None else {"originalStatusCode": original})
    event = SseEvent("modelStreamErrorException", orjson.dumps(content).decode())
    with pytest.raises(UpstreamFailed):
        list(BedrockTranslator("m").read_events([event]))
